/** A key for a session: the key itself is kept nowhere in the browser. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Refused, wordsOf } from "../api/client";
import { signIn } from "../state/session";
import { Logo } from "../ui/icons";

export function SignInPage({ done }: { done: () => void }): JSX.Element {
  const key = useSignal("");
  const failed = useSignal<string | null>(null);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    failed.value = null;
    try {
      await signIn(key.value.trim());
      key.value = "";
      done();
    } catch (error) {
      const unknown = error instanceof Refused && error.status === 401;
      failed.value = unknown ? "This key is not known here, or it was revoked." : wordsOf(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="sign-in" id="main">
      <form class="card" onSubmit={submit}>
        <Logo size={40} />
        <h1>Sign in to copier</h1>
        <p class="dim">
          With a key of this service. <code>copier keys add NAME</code> makes one, on the machine that it runs on.
        </p>
        <label class="field">
          <span>Key</span>
          <input
            type="password"
            name="key"
            autoComplete="current-password"
            spellcheck={false}
            required
            autoFocus
            maxLength={200}
            value={key.value}
            aria-invalid={failed.value !== null}
            aria-describedby={failed.value === null ? undefined : "sign-in-failed"}
            onInput={(event) => (key.value = event.currentTarget.value)}
          />
        </label>
        {failed.value !== null && (
          <p class="failed" role="alert" id="sign-in-failed">
            {failed.value}
          </p>
        )}
        <button type="submit" class="button primary" disabled={busy.value || key.value.trim() === ""}>
          {busy.value ? "Waiting…" : "Sign in"}
        </button>
        <p class="dim small">It is exchanged for a session that ends when you sign out or the key is revoked.</p>
      </form>
    </main>
  );
}

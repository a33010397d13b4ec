/** The confirm step of every lever: what it will do, why you do it, and for what moves money the name once more; and
    of an acknowledgement, of which one need not say more. */

import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { freshKey, post, wordsOf } from "../api/client";
import type { Done } from "../api/types";
import { visibleText } from "../text/safe";
import { soon } from "../state/live";
import { keepPlace } from "./page";
import { say } from "./toasts";

export interface Ask {
  readonly path: string;
  readonly title: string;
  /** What it does, in plain words. */
  readonly does: string;
  readonly button: string;
  /** What has to be typed; null: it moves no money. */
  readonly confirm: { readonly word: string; readonly is: string } | null;
  readonly grave: boolean;
  /** The alerts that are acknowledged: a note is all that is asked for. */
  readonly alerts?: readonly number[];
}

const REASON_MAX = 500;

const asked = signal<Ask | null>(null);

export function ask(what: Ask): void {
  asked.value = what;
}

export function AskDialog(): JSX.Element | null {
  return asked.value && <Dialog ask={asked.value} key={asked.value.path} />;
}

function Dialog({ ask: what }: { ask: Ask }): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  const reason = useSignal("");
  const typed = useSignal("");
  const busy = useSignal(false);
  const failed = useSignal<string | null>(null);
  const key = useRef(freshKey());
  useEffect(() => box.current?.showModal(), []);

  // Closed before it goes, so that the browser gives the focus back to where it came from.
  const close = () => box.current?.close();
  const matches = what.confirm === null || typed.value === what.confirm.word;
  const noted = what.alerts !== undefined;
  const ready = matches && (noted || reason.value.trim() !== "") && !busy.value;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    busy.value = true;
    failed.value = null;
    const why = reason.value.trim();
    const reasoned = what.confirm === null ? { reason: why } : { reason: why, confirm: typed.value };
    const body = noted ? { alerts: what.alerts, note: why } : reasoned;
    try {
      const done = await post<Done>(what.path, body, key.current);
      close();
      say(done.says);
      for (const each of ["levers", "links", "accounts", "approvals", "openAlerts", "status"]) soon(each);
    } catch (error) {
      failed.value = wordsOf(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <dialog
      ref={box}
      class="dialog"
      aria-labelledby="ask-title"
      onCancel={(event) => busy.value && event.preventDefault()}
      onClose={() => {
        asked.value = null;
        window.setTimeout(keepPlace); // when this is gone: where the focus came from may have gone before it
      }}
    >
      <form method="dialog" onSubmit={submit}>
        <h2 id="ask-title">{visibleText(what.title, 120)}</h2>
        <p>{what.does}</p>
        <label class="field">
          <span>{noted ? "A note, if you like. It is kept in the ledger." : "Why? It is kept in the ledger."}</span>
          <input
            type="text"
            name="reason"
            autoComplete="off"
            maxLength={REASON_MAX}
            required={!noted}
            autoFocus
            value={reason.value}
            onInput={(event) => (reason.value = event.currentTarget.value)}
          />
        </label>
        {what.confirm && (
          <label class="field">
            <span>
              Type {what.confirm.is} <strong class="confirm-word">{visibleText(what.confirm.word, 200)}</strong> to confirm
            </span>
            <input
              type="text"
              name="confirm"
              autoComplete="off"
              autoCapitalize="none"
              spellcheck={false}
              required
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
          </label>
        )}
        {failed.value && (
          <p class="failed" role="alert">
            {failed.value}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" disabled={busy.value} onClick={close}>
            Cancel
          </button>
          <button type="submit" class={`button ${what.grave ? "grave" : "primary"}`} disabled={!ready}>
            {busy.value ? "Waiting…" : what.button}
          </button>
        </div>
      </form>
    </dialog>
  );
}

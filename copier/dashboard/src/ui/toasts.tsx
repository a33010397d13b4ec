/** What was just done, said once: seen in a corner and heard by a screen reader. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { visibleText } from "../text/safe";
import { Icon } from "./icons";

const SHOWN_MS = 7000;
const SHOWN_MAX = 3;

const shown = signal<readonly { readonly id: number; readonly text: string }[]>([]);
let made = 0;

export function say(text: string): void {
  const id = (made += 1);
  shown.value = [...shown.value, { id, text }].slice(-SHOWN_MAX);
  window.setTimeout(() => {
    shown.value = shown.value.filter((each) => each.id !== id);
  }, SHOWN_MS);
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.value.map((each) => (
        <p class="toast" key={each.id}>
          <Icon name="check" size={18} />
          <span>{visibleText(each.text, 300)}</span>
        </p>
      ))}
    </div>
  );
}

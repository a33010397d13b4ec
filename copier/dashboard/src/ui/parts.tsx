/** The building blocks of pages: cards, badges, definition rows, the states of what is not there (yet). */

import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icons";

export type Tone = "ok" | "info" | "warning" | "critical" | "quiet";

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Dot({ tone }: { tone: Tone }): JSX.Element {
  return <span class={`dot ${tone}`} aria-hidden="true" />;
}

export function Card({
  title,
  more,
  children,
  class: name = "",
}: {
  title?: ComponentChildren;
  more?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}): JSX.Element {
  return (
    <section class={`card ${name}`}>
      {title !== undefined && (
        <header class="card-head">
          <h2>{title}</h2>
          {more}
        </header>
      )}
      {children}
    </section>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Empty({ icon = "check", children }: { icon?: IconName; children: ComponentChildren }): JSX.Element {
  return (
    <p class="empty">
      <Icon name={icon} />
      <span>{children}</span>
    </p>
  );
}

export function Loading({ rows = 3 }: { rows?: number }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="sr">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        <span class="bone" key={row} />
      ))}
    </div>
  );
}

export function Failed({ why, retry }: { why: string; retry?: () => void }): JSX.Element {
  return (
    <div class="failed" role="alert">
      <Icon name="warn" />
      <div>
        <strong>This could not be read.</strong> <span>{why}</span>
      </div>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** What a resource looks like while it is read, when it could not be, and when it is there. */
export function Read<T>({
  from,
  rows,
  children,
}: {
  from: { value: T | null; error: string | null };
  rows?: number;
  children: (value: T) => ComponentChildren;
}): JSX.Element {
  if (from.value === null) return from.error === null ? <Loading rows={rows ?? 3} /> : <Failed why={from.error} />;
  return (
    <>
      {from.error !== null && <p class="stale">Shown as it was: {from.error}</p>}
      {children(from.value)}
    </>
  );
}

/** Said under a list that the service cut: nobody reads further, but nobody should think that this is all. */
export function Cut({ page }: { page: { items: readonly unknown[]; next: string | null } }): JSX.Element | null {
  return page.next === null ? null : <p class="stale">Only the first {page.items.length} are shown.</p>;
}

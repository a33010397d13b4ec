/** How pages begin: a heading that is announced when the page changes, a way back, the page's levers. */

import type { ComponentChildren, JSX } from "preact";
import { href } from "../state/route";
import { Icon } from "./icons";
import { Empty } from "./parts";
import { Safe } from "./text";

export function PageHead({
  title,
  back,
  badges,
  children,
}: {
  title: string;
  back?: string;
  badges?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <header class="page-head">
      <div class="page-title">
        {back !== undefined && (
          <a class="back" href={href(back)} aria-label={`Back to ${back}`}>
            <Icon name="back" />
          </a>
        )}
        <h1>
          <Safe text={title} max={120} />
        </h1>
        {badges}
      </div>
      {children}
    </header>
  );
}

/** Have the keyboard go on from the page where what it stood on has gone, and not from the window's very top. */
export function keepPlace(): void {
  if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
}

export function NotThere({ what, back }: { what: string; back: string }): JSX.Element {
  return (
    <>
      <PageHead title="Not there" back={back} />
      <Empty icon="warn">
        <Safe text={what} max={120} /> does not exist, or this key may not see it.
      </Empty>
    </>
  );
}

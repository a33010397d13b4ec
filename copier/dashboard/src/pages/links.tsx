/** All links: what each may do now and why, and how much it holds. */

import type { JSX } from "preact";
import { href } from "../state/route";
import { links } from "../state/store";
import { grouped } from "../text/numbers";
import { LinkLevers, NoLevers } from "../ui/levers";
import { LinkBadges } from "../ui/link";
import { Empty } from "../ui/parts";
import { PageHead } from "../ui/page";
import { Safe, Until } from "../ui/text";

export function LinksPage(): JSX.Element {
  return (
    <>
      <PageHead title="Links" />
      <NoLevers />
      {links.keys.length ? (
        <ul class="rows">
          {links.keys.map((id) => (
            <li class="card row" key={id} data-link={id}>
              <LinkRow id={id} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty icon="links">
          No link yet. <code>[[links]]</code> in the config names a source and its targets.
        </Empty>
      )}
    </>
  );
}

function LinkRow({ id }: { id: string }): JSX.Element | null {
  const link = links.cell(id)?.value;
  if (!link) return null;
  return (
    <>
      <div class="row-main">
        <h2 class="row-title">
          <a class="row-link" href={href("links", link.link)}>
            <Safe text={link.source} /> <span class="dim">→</span> <Safe text={link.target} />
          </a>
        </h2>
        <p class="dim small">
          policy <Safe text={link.policy} /> ·{" "}
          {link.schedule === null ? (
            "no schedule"
          ) : link.open_now ? (
            <>open{link.open_until && <> for <Until at={link.open_until} /></>}</>
          ) : (
            <>closed{link.closed_why && <>: <Safe text={link.closed_why} /></>}</>
          )}
        </p>
      </div>
      <p class="row-figures">
        <span class="num">{link.copies}</span> {link.copies === 1 ? "copy" : "copies"},{" "}
        <span class="num">{grouped(link.volume)}</span> lots
        {link.waiting > 0 && <>, {link.waiting} waiting</>}
      </p>
      <LinkBadges link={link} />
      <LinkLevers link={link} />
    </>
  );
}

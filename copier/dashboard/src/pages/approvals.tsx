/** Copies that wait until a person lets them be opened. */

import type { JSX } from "preact";
import { href } from "../state/route";
import { approvals } from "../state/store";
import { Traded } from "../ui/decision";
import { ApproveLever, NoLevers } from "../ui/levers";
import { Empty } from "../ui/parts";
import { PageHead } from "../ui/page";
import { Ago, Safe, Words } from "../ui/text";

export function ApprovalsPage(): JSX.Element {
  return (
    <>
      <PageHead title="Approvals" />
      <NoLevers />
      {approvals.keys.length ? (
        <ul class="rows">
          {approvals.all.map((copy) => (
            <li class="card row" key={`${copy.link} ${copy.source_position}`}>
              <div class="row-main">
                <h2 class="row-title">
                  <Traded of={copy} />
                </h2>
                <p class="dim small">
                  <Safe text={copy.link} /> · opened <Ago at={copy.opened_at} />
                </p>
              </div>
              <p class="row-figures"><Words text={copy.reason_meaning ?? ""} max={240} /></p>
              <a href={href("decisions", copy.source_position, { link: copy.link })}>
                #<Safe text={copy.source_position} max={40} />
              </a>
              <ApproveLever copy={copy} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty icon="approvals">Nothing waits for an approval.</Empty>
      )}
    </>
  );
}

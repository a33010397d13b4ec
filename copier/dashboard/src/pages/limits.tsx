/** All limits of all accounts, the nearest to its floor first. */

import type { JSX } from "preact";
import type { Limit } from "../api/types";
import { limits } from "../state/store";
import { LimitLever, NoLevers } from "../ui/levers";
import { isTarget, Meter } from "../ui/meter";
import { Empty } from "../ui/parts";
import { PageHead } from "../ui/page";

const GRAVITY = ["breached", "flatten", "halt", "unknown", "block", "warn"];

export function LimitsPage(): JSX.Element {
  const all = [...limits.all].sort(byNeed);
  return (
    <>
      <PageHead title="Limits" />
      <NoLevers />
      {all.length ? (
        <div class="meters">
          {all.map((each) => (
            <div class="card" key={each.limit}>
              <Meter limit={each} />
              <LimitLever limit={each} />
            </div>
          ))}
        </div>
      ) : (
        <Empty icon="limits">
          No account has a limit. <code>[[limits]]</code> in the config sets one.
        </Empty>
      )}
    </>
  );
}

/** What is in force first, then what is nearest; goals and rules without figures last. */
function byNeed(a: Limit, b: Limit): number {
  return rank(a) - rank(b) || Number(a.headroom_percent ?? 1000) - Number(b.headroom_percent ?? 1000);
}

function rank(limit: Limit): number {
  if (isTarget(limit)) return GRAVITY.length + 1;
  const found = GRAVITY.indexOf(limit.stage ?? "ok");
  return found < 0 ? GRAVITY.length : found;
}

/** How far a limit is used up: floor, figure, what is left, what comes next, what the stops would leave. */

import type { JSX } from "preact";
import type { Limit } from "../api/types";
import { href } from "../state/route";
import { drawn, money } from "../text/numbers";
import { Ago, Money, Safe, Until } from "./text";
import { Badge, type Tone } from "./parts";

const TONES: Record<string, Tone> = {
  ok: "ok",
  warn: "warning",
  block: "critical",
  unknown: "warning",
  halt: "critical",
  flatten: "critical",
  breached: "critical",
};

const STAGES: Record<string, string> = {
  ok: "within",
  warn: "warning",
  block: "no new risk",
  unknown: "cannot be judged",
  halt: "halted",
  flatten: "flattened",
  breached: "breached",
};

export function stageTone(limit: Limit): Tone {
  if (isTarget(limit)) return limit.stage === "breached" ? "info" : "quiet";
  return TONES[limit.stage ?? "ok"] ?? "warning";
}

export function isTarget(limit: Pick<Limit, "kind">): boolean {
  return limit.kind === "profit_target";
}

export function stageWords(limit: Limit): string {
  if (isTarget(limit)) return limit.stage === "breached" ? "reached" : "not reached";
  return STAGES[limit.stage ?? "ok"] ?? limit.stage ?? "";
}

export function kindWords(kind: string): string {
  const words = kind.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The bar alone: full means that nothing is left. The hatched part is what the stops could still cost. */
export function Bar({ limit }: { limit: Limit }): JSX.Element {
  const left = drawn(limit.headroom_percent);
  const used = left === null ? null : within(100 - left);
  const worst = worstUsed(limit, left);
  const tone = stageTone(limit);
  const says = used === null ? "cannot be judged" : `${used.toFixed(0)} % used, ${stageWords(limit)}`;
  return (
    <div
      class={`bar ${tone}`}
      role="meter"
      aria-label={`${kindWords(limit.kind)} of ${limit.account}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={used ?? 0}
      aria-valuetext={says}
    >
      {worst !== null && <span class="bar-worst" style={{ "--share": `${worst}%` }} />}
      <span class="bar-used" style={{ "--share": `${used ?? 0}%` }} />
      {limit.next.map((stage) => {
        const at = stageAt(limit, left, stage.away);
        return at === null ? null : <span class="bar-mark" key={stage.stage} style={{ "--share": `${at}%` }} />;
      })}
    </div>
  );
}

export function Meter({ limit, named = true }: { limit: Limit; named?: boolean }): JSX.Element {
  const target = isTarget(limit);
  const next = limit.next[0];
  return (
    <article class="meter" data-limit={limit.limit}>
      <header class="meter-head">
        <h3>
          {named && (
            <>
              <a href={href("accounts", limit.account)}>
                <Safe text={limit.account} />
              </a>{" "}
            </>
          )}
          <span class={named ? "dim" : ""}>{kindWords(limit.kind)}</span>
        </h3>
        {limit.stage !== null && <Badge tone={stageTone(limit)}>{stageWords(limit)}</Badge>}
      </header>
      {limit.floor === null && limit.says ? (
        <p class="meter-says">{limit.says}</p>
      ) : (
        <>
          <div class="meter-line">
            <span class="meter-left">
              <Money amount={limit.headroom} currency={limit.currency} /> {target ? "to go" : "left"}
            </span>
            {limit.headroom_percent !== null && <span class="num dim">{limit.headroom_percent} %</span>}
          </div>
          <Bar limit={limit} />
          <dl class="meter-facts">
            <div>
              <dt>{limit.metric ? kindWords(limit.metric) : "Now"}</dt>
              <dd>
                <Money amount={limit.value} />
              </dd>
            </div>
            <div>
              <dt>
                {target ? "Goal" : "Floor"}
                {limit.estimated && <span title="rests on an estimate, on the strict side"> (estimate)</span>}
              </dt>
              <dd>
                <Money amount={limit.floor} />
              </dd>
            </div>
            <div>
              <dt>If every stop is hit</dt>
              <dd>
                <Worst limit={limit} />
              </dd>
            </div>
            <div>
              <dt>Resets in</dt>
              <dd>{limit.resets_at ? <Until at={limit.resets_at} /> : <span class="dim">never</span>}</dd>
            </div>
          </dl>
          <p class="meter-next">
            {next ? (
              <>
                Next: {nextWords(limit, next.stage)} at {money(next.at)}, {money(next.away)} away.
              </>
            ) : null}{" "}
            {limit.figures_of && (
              <>
                Figures of <Ago at={limit.figures_of} />.
              </>
            )}
          </p>
        </>
      )}
      {limit.notes.map((note) => (
        <p class="meter-note" key={note}>
          {note}
        </p>
      ))}
    </article>
  );
}

function Worst({ limit }: { limit: Limit }): JSX.Element {
  if (limit.without_stop) return <span class="caution">{limit.without_stop} without a stop</span>;
  if (limit.of_unknown_worth) return <span class="caution">{limit.of_unknown_worth} of unknown worth</span>;
  if (limit.equity_if_stops_hit === null) return <Money amount={null} />;
  const breaches = limit.headroom_if_stops_hit !== null && Number(limit.headroom_if_stops_hit) <= 0;
  return (
    <>
      <Money amount={limit.equity_if_stops_hit} />
      {breaches && !isTarget(limit) && <span class="caution"> breaches</span>}
    </>
  );
}

function nextWords(limit: Limit, stage: string): string {
  if (stage !== "breached") return stage === "block" ? "no new risk" : stage;
  return limit.on_breach ? limit.on_breach.replaceAll("_", " ") : "breach";
}

/** How much would be used if every stop were hit, 0 to 100; null where nobody knows. */
function worstUsed(limit: Limit, left: number | null): number | null {
  const now = drawn(limit.headroom);
  const then = drawn(limit.headroom_if_stops_hit);
  if (left === null || now === null || then === null || now <= 0 || then >= now) return null;
  return within(100 - (left * then) / now);
}

function stageAt(limit: Limit, left: number | null, away: string): number | null {
  const now = drawn(limit.headroom);
  const far = drawn(away);
  if (left === null || now === null || far === null || now <= 0) return null;
  const at = within(100 - (left * (now - far)) / now);
  return at >= 99.5 ? null : at;
}

function within(share: number): number {
  return Math.max(0, Math.min(100, share));
}

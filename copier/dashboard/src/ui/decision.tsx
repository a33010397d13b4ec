/** One decision as a line: what was traded, what became of it, and why. */

import type { JSX } from "preact";
import type { Decision, Step } from "../api/types";
import { href } from "../state/route";
import { grouped } from "../text/numbers";
import { Badge, type Tone } from "./parts";
import { Safe, Time, Words } from "./text";

const KINDS: Record<Decision["kind"], { tone: Tone; word: string }> = {
  ordered: { tone: "ok", word: "ordered" },
  denied: { tone: "warning", word: "not copied" },
  waiting: { tone: "info", word: "waiting" },
  noted: { tone: "quiet", word: "noted" },
};

export function KindBadge({ kind }: { kind: Decision["kind"] }): JSX.Element {
  return <Badge tone={KINDS[kind].tone}>{KINDS[kind].word}</Badge>;
}

export function Traded({ of }: { of: { side: string; symbol: string } }): JSX.Element {
  return (
    <span class="traded">
      <span class="side">{of.side}</span> <Safe text={of.symbol} />
    </span>
  );
}

export function DecisionLine({ decision }: { decision: Decision }): JSX.Element {
  const became = decision.kind === "ordered" && /^[0.]+$/.test(decision.volume) ? "closes it" : decision.state;
  const why = decision.meaning ?? `${decision.because}: ${became}`;
  return (
    <li class={`line ${decision.kind}`}>
      <a class="line-link" href={href("decisions", decision.source_position, { link: decision.link })}>
        <Traded of={decision} />
        <span class="line-kind">
          <KindBadge kind={decision.kind} />
        </span>
        <span class="line-why">
          <Words text={why} max={160} /> {decision.code && <code class="code">{decision.code}</code>}
        </span>
        <span class="line-where dim small">
          <Safe text={decision.link} /> #<Safe text={decision.source_position} max={40} />
        </span>
        <span class="line-at dim small">
          <Time at={decision.at} />
        </span>
      </a>
    </li>
  );
}

/** The numbers of the rule that said no. */
export function DenyingNumbers({ decision }: { decision: Decision }): JSX.Element | null {
  const step = decision.steps.findLast((each) => each.code !== null);
  return step ? <Numbers step={step} /> : null;
}

export function Numbers({ step }: { step: Step }): JSX.Element | null {
  const numbers = Object.entries(step.numbers);
  if (!numbers.length) return null;
  return (
    <dl class="step-numbers">
      {numbers.map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd class="num">
            <Safe text={grouped(value)} max={120} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A position's whole story: what became of it on each link, and every step with its numbers. */

import type { JSX } from "preact";
import type { Page } from "../api/page";
import type { Decision, Step, Story, StoryLine } from "../api/types";
import { useResource } from "../state/resource";
import { route } from "../state/route";
import { KindBadge, Numbers, Traded } from "../ui/decision";
import { Card, Empty, Read } from "../ui/parts";
import { PageHead } from "../ui/page";
import { Safe, Time, Words } from "../ui/text";

const TEXT_MAX = 600;

export function TracePage({ id }: { id: string }): JSX.Element {
  const link = route.value.query.get("link");
  const story = useResource<Story>(`/decisions/${encodeURIComponent(id)}`, "decisions");
  return (
    <>
      <PageHead title={`#${id}`} back="decisions" />
      <Read from={story.value} rows={6}>
        {(told) =>
          told.lines.length ? (
            <>
              <Card title="What became of it">
                <ul class="outcomes">
                  {told.outcomes.map((each) => (
                    <li key={each} class={link !== null && each.startsWith(`${link}:`) ? "chosen" : ""}>
                      <Safe text={each} max={TEXT_MAX} />
                    </li>
                  ))}
                </ul>
              </Card>
              <LastDecisions id={id} link={link} />
              <Card title="The whole story">
                <ol class="story">
                  {told.lines.map((line) => (
                    <Line line={line} key={`${line.seq} ${line.what}`} />
                  ))}
                </ol>
              </Card>
            </>
          ) : (
            <Empty icon="decisions">The ledger holds nothing about this id.</Empty>
          )
        }
      </Read>
    </>
  );
}

/** The decision of each link that says most: the denial, else the latest. */
function LastDecisions({ id, link }: { id: string; link: string | null }): JSX.Element | null {
  const asked = new URLSearchParams({ position: id, limit: "50" });
  if (link !== null) asked.set("link", link);
  const found = useResource<Page<Decision>>(`/decisions?${asked.toString()}`, "decisions").value.value;
  if (!found?.items.length) return null;
  const telling = new Map<string, Decision>();
  for (const each of found.items) {
    const known = telling.get(each.link);
    if (!known || (known.code === null && each.code !== null) || (!known.steps.length && each.steps.length)) {
      telling.set(each.link, each);
    }
  }
  return (
    <Card title="Rule by rule">
      <div class="traces">
        {[...telling.values()].map((each) => (
          <article class="trace" key={each.seq}>
            <h3 class="trace-head">
              <span>
                <Traded of={each} /> <span class="dim">on</span> <Safe text={each.link} />
              </span>
              <KindBadge kind={each.kind} />
              <Time at={each.at} />
            </h3>
            <ol class="steps">
              {each.steps.map((step, number) => (
                <StepLine step={step} key={`${number} ${step.rule}`} />
              ))}
            </ol>
            {each.known && (
              <p class="dim small">
                <Safe text={each.known} max={TEXT_MAX} />
              </p>
            )}
          </article>
        ))}
      </div>
    </Card>
  );
}

function StepLine({ step }: { step: Step }): JSX.Element {
  return (
    <li class={step.code === null ? "step" : "step no"}>
      <span class="step-rule">
        <code>{step.rule}</code> {step.code && <code class="code">{step.code}</code>}
      </span>
      <span>
        <Words text={step.outcome} max={TEXT_MAX} />
      </span>
      <Numbers step={step} />
    </li>
  );
}

function Line({ line }: { line: StoryLine }): JSX.Element {
  return (
    <li>
      <p class="story-head">
        <Time at={line.at} /> <strong><Safe text={line.who} /></strong>
      </p>
      <p>
        <Safe text={line.what} max={TEXT_MAX} />
      </p>
      {line.steps.length > 0 && (
        <ul class="story-steps dim small">
          {line.steps.map((step) => (
            <li key={step}>
              <Safe text={step} max={TEXT_MAX} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

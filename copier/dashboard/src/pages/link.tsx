/** One link: each source position beside what the link made of it at the target. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Page } from "../api/page";
import type { Copy, Link, Position, SideBySide } from "../api/types";
import { useResource } from "../state/resource";
import { href } from "../state/route";
import { forgetPositions, links, livePosition, telling } from "../state/store";
import { DecisionLine, Traded } from "../ui/decision";
import { LinkLevers, NoLevers } from "../ui/levers";
import { LinkBadges } from "../ui/link";
import { NotThere, PageHead } from "../ui/page";
import { PerformanceCard } from "../ui/performance";
import { Badge, Card, Cut, Empty, Read } from "../ui/parts";
import { Num, Safe, Until, Words } from "../ui/text";

const DECISIONS_SHOWN = 20;

export function LinkPage({ id }: { id: string }): JSX.Element {
  const cell = links.cell(id);
  return cell ? <Shown link={cell.value} key={id} /> : <NotThere what={`link ${id}`} back="links" />;
}

function Shown({ link }: { link: Link }): JSX.Element {
  const pairs = useResource<Page<SideBySide>>(`/links/${encodeURIComponent(link.link)}/copies?limit=200`, `link ${link.link}`);
  const recent = telling.value.filter((each) => each.link === link.link).slice(0, DECISIONS_SHOWN);
  useEffect(
    () => () => {
      forgetPositions(link.source);
      forgetPositions(link.target);
    },
    [link.link],
  );
  return (
    <>
      <PageHead title={link.link} back="links" badges={<LinkBadges link={link} />}>
        <LinkLevers link={link} />
      </PageHead>
      <NoLevers />
      {link.lever !== null && (
        <p class="notice warning">
          <strong>{link.lever === "paused" ? "Paused" : "Only closes"}</strong>: set by{" "}
          <Safe text={link.lever_by ?? "?"} />. <Safe text={link.lever_why ?? ""} max={240} />
        </p>
      )}
      {link.held_back && (
        <p class="notice warning">
          <strong>Only closes</strong> while a <a href={href("mismatches")}>mismatch</a> lasts.
        </p>
      )}
      {!link.open_now && (
        <p class="notice info">
          <strong>Outside its hours.</strong> {link.closed_why && <Safe text={link.closed_why} max={160} />}{" "}
          {link.open_until && (
            <>
              Opens in <Until at={link.open_until} />.
            </>
          )}{" "}
          What is held closes as ever.
        </p>
      )}
      <Card title="Side by side">
        {pairs.value.value && <Cut page={pairs.value.value} />}
        <Read from={pairs.value}>
          {(page) =>
            page.items.length ? (
              <ul class="pairs">
                <li class="pairs-head dim small" aria-hidden="true">
                  <span>
                    At <Safe text={link.source} />
                  </span>
                  <span>
                    At <Safe text={link.target} />
                  </span>
                </li>
                {page.items.map((each) => (
                  <Pair pair={each} link={link} key={keyOf(each)} />
                ))}
              </ul>
            ) : (
              <Empty icon="links">The source holds nothing, and neither does this link.</Empty>
            )
          }
        </Read>
      </Card>
      <PerformanceCard of={`/links/${encodeURIComponent(link.link)}`} />
      <Card title="Decisions" more={<a href={href("decisions", undefined, { link: link.link })}>All of this link</a>}>
        {recent.length ? (
          <ul class="lines">
            {recent.map((each) => (
              <DecisionLine decision={each} key={each.seq} />
            ))}
          </ul>
        ) : (
          <Empty icon="decisions">Nothing was decided lately.</Empty>
        )}
      </Card>
    </>
  );
}

function keyOf(pair: SideBySide): string {
  return pair.copy?.source_position ?? pair.source?.position ?? "";
}

function Pair({ pair, link }: { pair: SideBySide; link: Link }): JSX.Element {
  const id = keyOf(pair);
  return (
    <li class="pair">
      <div class="pair-side">
        <span class="sr">At {link.source}: </span>
        {pair.source ? (
          <Held account={link.source} position={pair.source} />
        ) : (
          <span class="dim">
            {pair.copy && <Traded of={pair.copy} />}{" "}
            {pair.copy?.source_order == null ? "closed at the source" : "a pending order"}
          </span>
        )}
      </div>
      <div class="pair-side">
        <span class="sr">At {link.target}: </span>
        {pair.target.map((each) => (
          <Held account={link.target} position={each} key={each.position} />
        ))}
        <Became copy={pair.copy} empty={pair.target.length === 0} />
        <a class="small" href={href("decisions", id, { link: link.link })}>
          Why<span class="sr"> this became of {id}</span>?
        </a>
      </div>
    </li>
  );
}

function Held({ account, position }: { account: string; position: Position }): JSX.Element {
  return (
    <div class="held">
      <span class="held-what">
        <Traded of={position} /> <Num value={position.volume} />
      </span>
      <span class="held-price dim small">
        at <Num value={position.open_price} />
        <Moved account={account} position={position} />
      </span>
      <span class="held-stops dim small">
        stop <Num value={position.stop_loss} /> · target <Num value={position.take_profit} />
      </span>
    </div>
  );
}

/** Where the price is now; nothing where the venue does not tell. */
function Moved({ account, position }: { account: string; position: Position }): JSX.Element | null {
  const now = (livePosition(account, position.position).value ?? position).current_price;
  return now === null ? null : (
    <>
      , now <Num value={now} />
    </>
  );
}

function Became({ copy, empty }: { copy: Copy | null; empty: boolean }): JSX.Element | null {
  if (!copy) return <span class="dim">not decided yet</span>;
  const unknown = copy.legs.some((leg) => leg.outcome_unknown);
  const under = copy.orders_under_way.length;
  return (
    <span class="became">
      {copy.reason && copy.status !== "active" && (
        <>
          <Badge tone={copy.status === "waiting" ? "info" : "warning"}>
            {copy.status === "waiting" ? "waiting" : "not copied"}
          </Badge>{" "}
          <span class="small">
            <Words text={copy.reason_meaning ?? ""} max={240} /> <code class="code">{copy.reason}</code>
          </span>
        </>
      )}
      {unknown && <Badge tone="critical">outcome unknown: the venue is asked</Badge>}
      {under > 0 && !unknown && <Badge tone="info">{under} under way</Badge>}
      {empty && !copy.reason && under === 0 && <span class="dim small">{copy.state}</span>}
    </span>
  );
}

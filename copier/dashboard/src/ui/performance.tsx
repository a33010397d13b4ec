/** What was copied lately and what became of it: of an account, or of a link. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { LowestHeadroom, MoneyFigures, Performance } from "../api/types";
import { useResource } from "../state/resource";
import { now, span } from "../text/time";
import { Card, Empty, Fact, Read } from "./parts";
import { Table } from "./table";
import { Money, Num, Safe, Unknown, Words } from "./text";

const TIMES: readonly (readonly [days: number, name: string])[] = [
  [1, "Last 24 hours"],
  [7, "Last 7 days"],
  [30, "Last 30 days"],
];

/** Read when it is opened and when another time is chosen: it costs the service a look at all rows of that time. */
export function PerformanceCard({ of }: { of: string }): JSX.Element {
  const chosen = useSignal({ days: 1, query: "" });
  const found = useResource<Performance>(`${of}/performance${chosen.value.query}`, `performance ${of}`);
  const choose = (days: number) => {
    const since = new Date(now.peek() - days * 86_400_000).toISOString();
    chosen.value = { days, query: days === 1 ? "" : `?since=${encodeURIComponent(since)}` };
  };
  return (
    <Card
      title="Performance"
      more={
        <label class="field">
          <span class="sr">Time</span>
          <select value={chosen.value.days} onChange={(event) => choose(Number(event.currentTarget.value))}>
            {TIMES.map(([days, name]) => (
              <option value={days} key={days}>
                {name}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <Read from={found.value}>{(value) => <Figures of={value} />}</Read>
    </Card>
  );
}

function Figures({ of: shown }: { of: Performance }): JSX.Element {
  const { trades, slippage, answers } = shown;
  if (!trades.opened && !trades.over && !shown.denials.length) {
    return <Empty icon="links">Nothing was copied or denied within this time.</Empty>;
  }
  const fall = shown.equity[0];
  const near = shown.limits.find((each) => each.headroom_percent !== null && each.kind !== "profit_target");
  return (
    <div class="performance">
      <dl class="facts">
        {shown.money.map((row) => (
          <Result row={row} key={`${row.currency} ${row.basis}`} />
        ))}
        <Fact name="Trades over">
          <Num value={trades.over} /> <span class="dim">{counted(trades)}</span>
        </Fact>
        <Fact name="Win rate">{trades.win_rate === null ? <Unknown /> : <span class="num">{trades.win_rate} %</span>}</Fact>
        <Fact name="Held for">{trades.holding_s === null ? <Unknown /> : <span class="num">{span(trades.holding_s)}</span>}</Fact>
        <Fact name="Copies begun">
          <Num value={trades.opened} />
        </Fact>
        <Fact name="Largest drawdown">
          {fall ? (
            <>
              <Money amount={fall.drawdown} currency={fall.currency} />
              {fall.drawdown_percent !== null && <span class="dim"> {fall.drawdown_percent} %</span>}
            </>
          ) : (
            <Unknown />
          )}
        </Fact>
        <Fact name="Least headroom">{near ? <Headroom of={near} /> : <Unknown />}</Fact>
        <Fact name="Slippage, median">
          {slippage ? (
            <span class="num" title={`mean ${slippage.mean}, nine of ten at most ${slippage.p90}, worst ${slippage.worst}`}>
              {slippage.median} points
            </span>
          ) : (
            <Unknown />
          )}
        </Fact>
        <Fact name="Orders answered">
          {answers ? (
            <span class="num" title={`${answers.count} orders; nine of ten within ${answers.p90_ms} ms`}>
              {answers.p50_ms} ms
            </span>
          ) : (
            <Unknown />
          )}
        </Fact>
      </dl>
      {shown.denials.length > 0 && (
        <Table
          label="Not copied"
          rows={shown.denials}
          keyOf={(row) => row.code}
          columns={[
            { head: "Not copied by", main: true, cell: (row) => <code class="code">{row.code}</code> },
            { head: "Why", wide: true, cell: (row) => <Words text={row.meaning} max={240} /> },
            { head: "Copies", right: true, cell: (row) => <Num value={row.count} /> },
          ]}
        />
      )}
      {shown.missing.length > 0 && (
        <details class="small dim">
          <summary>What is not known</summary>
          <ul>
            {shown.missing.map((each) => (
              <li key={each}>
                <Safe text={each} max={400} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Result({ row }: { row: MoneyFigures }): JSX.Element {
  const factor = row.profit_factor === null ? "nothing lost" : `profit factor ${row.profit_factor}`;
  return (
    <Fact name={row.basis === "booked" ? "Result, costs included" : "Result, before costs"}>
      <Money amount={row.net} currency={row.currency} signed /> <span class="dim">{factor}</span>
    </Fact>
  );
}

function Headroom({ of: near }: { of: LowestHeadroom }): JSX.Element {
  return (
    <span title={near.limit}>
      <Money amount={near.headroom} currency={near.currency} />
      <span class="dim"> {near.headroom_percent} %</span>
    </span>
  );
}

function counted({ won, lost, even, unknown }: Performance["trades"]): string {
  const parts: [number, string][] = [
    [won, "won"],
    [lost, "lost"],
    [even, "even"],
    [unknown, "of unknown result"],
  ];
  return parts.flatMap(([count, what]) => (count ? [`${count} ${what}`] : [])).join(", ");
}

/** One account: its state, figures, limits, equity curve, positions, orders and levers. */

import type { ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Account, EquityCurve, Order, Position } from "../api/types";
import type { Page } from "../api/page";
import { useResource } from "../state/resource";
import { href } from "../state/route";
import { accounts, forgetPositions, limits, livePosition, positionsRead } from "../state/store";
import { grouped, money } from "../text/numbers";
import { AccountBadges } from "../ui/account";
import { Traded } from "../ui/decision";
import { Equity } from "../ui/equity";
import { AccountLevers, LimitLever, NoLevers } from "../ui/levers";
import { Meter } from "../ui/meter";
import { Card, Cut, Empty, Fact, Read } from "../ui/parts";
import { Table } from "../ui/table";
import { Ago, Cell, Money, Num, Safe, Time, Unknown, Words } from "../ui/text";
import { NotThere, PageHead } from "../ui/page";
import { PerformanceCard } from "../ui/performance";

export function AccountPage({ name }: { name: string }): JSX.Element {
  const cell = accounts.cell(name);
  if (!cell) return <NotThere what={`account ${name}`} back="accounts" />;
  return <Shown name={name} cell={cell} key={name} />;
}

function Shown({ name, cell }: { name: string; cell: ReadonlySignal<Account> }): JSX.Element {
  const account = cell.value;
  const path = `/accounts/${encodeURIComponent(name)}`;
  const positions = useResource<Page<Position>>(`${path}/positions?limit=200`, `positions ${name}`);
  const orders = useResource<Page<Order>>(`${path}/orders?limit=200`, `positions ${name}`);
  const curve = useResource<EquityCurve>(`${path}/equity`, "minute");
  const own = limits.all.filter((each) => each.account === name);
  const { value: read, askedAt } = positions.value;
  useEffect(() => void (read && positionsRead(name, read.items, askedAt)), [name, read]);
  useEffect(() => () => forgetPositions(name), [name]);
  return (
    <>
      <PageHead title={name} back="accounts" badges={<AccountBadges account={account} />}>
        <AccountLevers account={account} />
      </PageHead>
      <NoLevers />
      {account.state !== "ready" && account.state_why && (
        <p class={`notice ${account.state === "refused" ? "critical" : "warning"}`} role="status">
          <strong>{account.state === "refused" ? "The venue refuses the sign-in." : "Out of sight."}</strong>{" "}
          <Safe text={account.state_why} max={240} />
        </p>
      )}
      {account.lever !== "active" && (
        <p class="notice warning">
          <strong>{account.lever === "flat" ? "Flattened" : "Halted"}</strong> by <Safe text={account.lever_by ?? "?"} />:{" "}
          <Safe text={account.lever_why ?? ""} max={240} />
        </p>
      )}
      {account.denied && (
        <p class="notice warning">
          <strong>No new risk.</strong> <Words text={account.denied.meaning} max={240} /> <code class="code">{account.denied.code}</code>
        </p>
      )}
      <section class="card figures" aria-label="Figures">
        <p class="figure-main">
          <span class="dim small">Equity</span>
          <span class="big">
            {account.equity === null ? <Unknown /> : <Cell of={cell} pick={(row) => money(row.equity ?? "")} />}{" "}
            <span class="unit">{account.currency}</span>
          </span>
          <Floating account={account} />
        </p>
        <dl class="facts">
          <Fact name="Balance">
            <Money amount={account.balance} />
          </Fact>
          <Fact name="Drawdown">
            <Money amount={account.drawdown} />
            {account.drawdown_percent !== null && <span class="dim"> {account.drawdown_percent} %</span>}
          </Fact>
          <Fact name="Margin used">
            <Money amount={account.margin_used} />
          </Fact>
          <Fact name="Margin free">
            <Money amount={account.margin_free} />
          </Fact>
          <Fact name="Copies">
            <Num value={account.copies} /> <span class="dim">({grouped(account.copied_volume)} lots)</span>
          </Fact>
          <Fact name="Order to answer">
            {account.latency ? (
              <span class="num" title={`${account.latency.count} orders; p99 ${account.latency.p99_ms} ms`}>
                {account.latency.p50_ms} ms
              </span>
            ) : (
              <Unknown />
            )}
          </Fact>
          <Fact name="Books asked">{account.books_at ? <Ago at={account.books_at} /> : <Unknown />}</Fact>
          <Fact name="Venue">
            {account.venue}, {account.oms}
            {account.broker && (
              <>
                {" "}
                (<Safe text={account.broker} />)
              </>
            )}
          </Fact>
        </dl>
      </section>
      <section aria-labelledby="limits-title">
        <header class="section-head">
          <h2 id="limits-title">Limits</h2>
        </header>
        {own.length ? (
          <div class="meters">
            {own.map((each) => (
              <div class="card" key={each.limit}>
                <Meter limit={each} named={false} />
                <LimitLever limit={each} />
              </div>
            ))}
          </div>
        ) : (
          <Empty icon="limits">This account has no limit.</Empty>
        )}
      </section>
      <Card title="Equity">
        <Read from={curve.value}>{(value) => <Equity curve={value} />}</Read>
      </Card>
      <PerformanceCard of={path} />
      <Card title="Positions">
        <Read from={positions.value}>
          {(page) => (
            <>
              <Cut page={page} />
              <Positions account={name} items={page.items} />
            </>
          )}
        </Read>
      </Card>
      <Card title="Pending orders">
        <Read from={orders.value}>
          {(page) => (
            <>
              <Cut page={page} />
              <Orders items={page.items} />
            </>
          )}
        </Read>
      </Card>
    </>
  );
}

function Floating({ account }: { account: Account }): JSX.Element {
  return (
    <span class="dim">
      <Money amount={account.floating} signed /> floating
    </span>
  );
}

function Positions({ account, items }: { account: string; items: readonly Position[] }): JSX.Element {
  if (!items.length) return <Empty>No open position.</Empty>;
  return (
    <Table
      label="Positions"
      rows={items}
      keyOf={(row) => row.position}
      columns={[
        { head: "Position", main: true, cell: (row) => <Traded of={row} /> },
        { head: "Volume", right: true, cell: (row) => <Num value={row.volume} /> },
        { head: "Opened at", right: true, cell: (row) => <Num value={row.open_price} /> },
        { head: "Now", right: true, cell: (row) => <Price account={account} position={row} /> },
        { head: "Stop-loss", right: true, cell: (row) => <Num value={row.stop_loss} /> },
        { head: "Take-profit", right: true, cell: (row) => <Num value={row.take_profit} /> },
        { head: "Since", right: true, cell: (row) => <Time at={row.opened_at} /> },
        { head: "Copy of", cell: (row) => <Origin position={row} /> },
        { head: "Comment", wide: true, cell: (row) => (row.comment ? <Safe text={row.comment} max={40} /> : <Unknown />) },
      ]}
    />
  );
}

/** The price of a position, which the stream patches. */
function Price({ account, position }: { account: string; position: Position }): JSX.Element {
  const live = livePosition(account, position.position);
  return <Num value={(live.value ?? position).current_price} />;
}

function Origin({ position }: { position: Position }): JSX.Element {
  if (position.link === null || position.source_position === null) return <span class="dim num">no copy of ours</span>;
  return (
    <a href={href("decisions", position.source_position, { link: position.link })}>
      #<Safe text={position.source_position} max={24} />
    </a>
  );
}

function Orders({ items }: { items: readonly Order[] }): JSX.Element {
  if (!items.length) return <Empty>No pending order.</Empty>;
  return (
    <Table
      label="Pending orders"
      rows={items}
      keyOf={(row) => row.order}
      columns={[
        { head: "Order", main: true, cell: (row) => <Traded of={row} /> },
        { head: "Type", cell: (row) => row.type.replaceAll("_", "-") },
        { head: "Volume", right: true, cell: (row) => <Num value={row.volume} /> },
        { head: "Price", right: true, cell: (row) => <Num value={row.price} /> },
        { head: "Stop-loss", right: true, cell: (row) => <Num value={row.stop_loss} /> },
        { head: "Take-profit", right: true, cell: (row) => <Num value={row.take_profit} /> },
        { head: "Ends", right: true, cell: (row) => (row.expires_at ? <Time at={row.expires_at} /> : <Unknown />) },
      ]}
    />
  );
}

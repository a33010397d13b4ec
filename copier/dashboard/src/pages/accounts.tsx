/** All accounts as rows: state, latency, figures, drawdown, the nearest limit. */

import type { ComponentChildren, JSX } from "preact";
import type { Account } from "../api/types";
import { href } from "../state/route";
import { accounts, limits } from "../state/store";
import { money } from "../text/numbers";
import { AccountBadges } from "../ui/account";
import { Bar } from "../ui/meter";
import { Empty } from "../ui/parts";
import { PageHead } from "../ui/page";
import { Table } from "../ui/table";
import { Cell, Money, Num, Safe, Unknown } from "../ui/text";

export function AccountsPage(): JSX.Element {
  return (
    <>
      <PageHead title="Accounts" />
      {accounts.keys.length ? (
        <section class="card">
          <Table<string>
            label="Accounts"
            rows={accounts.keys}
            keyOf={(name) => name}
            columns={[
              {
                head: "Account",
                main: true,
                cell: (name) => (
                  <a class="row-link" href={href("accounts", name)}>
                    <Safe text={name} />
                  </a>
                ),
              },
              { head: "State", cell: of((row) => <AccountBadges account={row} />) },
              { head: "Equity", right: true, cell: (name) => <LiveMoney name={name} of="equity" /> },
              { head: "Balance", right: true, cell: (name) => <LiveMoney name={name} of="balance" /> },
              { head: "Floating", right: true, cell: of((row) => <Money amount={row.floating} signed />) },
              { head: "Drawdown", right: true, cell: of((row) => <Measure value={row.drawdown_percent} unit="%" />) },
              { head: "Positions", right: true, wide: true, cell: of((row) => <Num value={row.positions} />) },
              {
                head: "Latency",
                right: true,
                cell: of((row) => <Measure value={row.latency?.p50_ms.toString() ?? null} unit="ms" />),
              },
              { head: "Nearest limit", cell: of((row) => <Nearest account={row} />) },
            ]}
          />
        </section>
      ) : (
        <Empty icon="accounts">The config names no account that this key may see.</Empty>
      )}
    </>
  );
}

/** A cell of an account's row: it wakes for its own account and for no other. */
function of(show: (row: Account) => ComponentChildren): (name: string) => JSX.Element {
  return (name) => <Own name={name} show={show} />;
}

function Own({ name, show }: { name: string; show: (row: Account) => ComponentChildren }): JSX.Element | null {
  const cell = accounts.cell(name);
  return cell ? <>{show(cell.value)}</> : null;
}

function Measure({ value, unit }: { value: string | null; unit: string }): JSX.Element {
  return value === null ? (
    <Unknown />
  ) : (
    <span class="num">
      {value} {unit}
    </span>
  );
}

function LiveMoney({ name, of }: { name: string; of: "equity" | "balance" }): JSX.Element {
  const cell = accounts.cell(name);
  if (!cell || cell.value[of] === null) return <Unknown />;
  return (
    <span class="num">
      <Cell of={cell} pick={(row) => money(row[of] ?? "")} /> <span class="unit">{cell.value.currency}</span>
    </span>
  );
}

function Nearest({ account }: { account: Account }): JSX.Element {
  const limit = limits.cell(account.nearest_limit?.limit ?? "")?.value;
  if (!limit) return <span class="dim">none</span>;
  return (
    <span class="nearest-cell">
      <Bar limit={limit} />
      <span class="small">
        <Money amount={limit.headroom} /> left
      </span>
    </span>
  );
}

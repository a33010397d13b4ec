/** All accounts as rows: state, latency, figures, drawdown, the nearest limit. */

import type { JSX } from "preact";
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
          <Table<Account>
            label="Accounts"
            rows={accounts.all}
            keyOf={(row) => row.name}
            columns={[
              {
                head: "Account",
                main: true,
                cell: (row) => (
                  <a class="row-link" href={href("accounts", row.name)}>
                    <Safe text={row.name} />
                  </a>
                ),
              },
              { head: "State", cell: (row) => <AccountBadges account={row} /> },
              { head: "Equity", right: true, cell: (row) => <LiveMoney name={row.name} of="equity" /> },
              { head: "Balance", right: true, cell: (row) => <LiveMoney name={row.name} of="balance" /> },
              { head: "Floating", right: true, cell: (row) => <Money amount={row.floating} signed /> },
              {
                head: "Drawdown",
                right: true,
                cell: (row) =>
                  row.drawdown_percent === null ? <Unknown /> : <span class="num">{row.drawdown_percent} %</span>,
              },
              { head: "Positions", right: true, wide: true, cell: (row) => <Num value={row.positions} /> },
              {
                head: "Latency",
                right: true,
                cell: (row) => (row.latency ? <span class="num">{row.latency.p50_ms} ms</span> : <Unknown />),
              },
              { head: "Nearest limit", cell: (row) => <Nearest account={row} /> },
            ]}
          />
        </section>
      ) : (
        <Empty icon="accounts">The config names no account that this key may see.</Empty>
      )}
    </>
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
  const limit = limits.all.find((each) => each.limit === account.nearest_limit?.limit);
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

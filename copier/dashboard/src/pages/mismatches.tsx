/** Where targets differ from what their links want there. */

import type { JSX } from "preact";
import type { Mismatch } from "../api/types";
import { href } from "../state/route";
import { mismatches, mismatchKey } from "../state/store";
import { Badge, Empty } from "../ui/parts";
import { PageHead } from "../ui/page";
import { Table } from "../ui/table";
import { Num, Safe } from "../ui/text";

const KINDS: Record<Mismatch["kind"], string> = {
  missing: "missing at the target",
  unexpected: "should be closed",
  volume: "wrong volume",
  side: "wrong side",
  stops: "wrong stops",
  pending: "wrong pending order",
};

export function MismatchesPage(): JSX.Element {
  return (
    <>
      <PageHead title="Mismatches" />
      {mismatches.keys.length ? (
        <section class="card">
          <Table<Mismatch>
            label="Mismatches"
            rows={mismatches.all}
            keyOf={mismatchKey}
            columns={[
              {
                head: "Instrument",
                main: true,
                cell: (row) => (
                  <>
                    <Safe text={row.symbol} /> <Badge tone={row.severity}>{KINDS[row.kind]}</Badge>
                  </>
                ),
              },
              {
                head: "Link",
                cell: (row) => (
                  <a href={href("links", row.link)}>
                    <Safe text={row.link} />
                  </a>
                ),
              },
              { head: "Wanted", right: true, cell: (row) => <Num value={row.desired} /> },
              { head: "Held", right: true, cell: (row) => <Num value={row.observed} /> },
              { head: "Lots", right: true, cell: (row) => <Num value={row.lots} /> },
              { head: "Why", cell: (row) => <Safe text={row.why || row.says} max={240} /> },
              {
                head: "Source positions",
                cell: (row) =>
                  row.source_positions.map((each) => (
                    <a class="id" href={href("decisions", each, { link: row.link })} key={each}>
                      #<Safe text={each} max={24} />
                    </a>
                  )),
              },
            ]}
          />
        </section>
      ) : (
        <Empty>Every target holds what its links want there.</Empty>
      )}
    </>
  );
}

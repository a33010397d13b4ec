/** A table that becomes a list of cards where it would not fit; roles keep it a table for screen readers. */

import type { ComponentChildren, JSX } from "preact";

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers stand right, under each other. */
  readonly right?: boolean;
  /** It names the row: on a phone, the card's heading. */
  readonly main?: boolean;
  /** Not worth its place on a phone. */
  readonly wide?: boolean;
}

export function Table<T>({
  label,
  columns,
  rows,
  keyOf,
  tone,
}: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  tone?: (row: T) => string;
}): JSX.Element {
  return (
    <table class="table" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th role="columnheader" scope="col" class={names(column)} key={column.head}>
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={keyOf(row)} class={tone?.(row) ?? ""}>
            {columns.map((column) => (
              <td role="cell" class={names(column)} data-label={column.head} key={column.head}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function names(column: { right?: boolean; main?: boolean; wide?: boolean }): string {
  return [column.right && "right", column.main && "main", column.wide && "wide"].filter(Boolean).join(" ");
}

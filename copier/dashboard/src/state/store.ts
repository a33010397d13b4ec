/** Everything that the whole dashboard knows: read once, then patched by the event stream. */

import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type {
  Account,
  Acknowledged,
  Alert,
  Copy,
  Decision,
  Lever,
  Limit,
  Link,
  Mismatch,
  Position,
  Positions,
  Status,
} from "../api/types";
import { Keyed } from "./keyed";
import { touch } from "./topics";

/** As many lines as anybody scrolls through; older ones are a query away. */
const RECENT_MAX = 200;

export const status = signal<Status | null>(null);
export const accounts = new Keyed<Account>((each) => each.name);
export const links = new Keyed<Link>((each) => each.link);
export const limits = new Keyed<Limit>((each) => each.limit);
export const mismatches = new Keyed<Mismatch>(mismatchKey);
export const levers = new Keyed<Lever>((each) => `${each.kind} ${each.subject}`);
export const approvals = new Keyed<Copy>((each) => `${each.link} ${each.source_position}`);
export const decisions = signal<readonly Decision[]>([]);
export const alerts = signal<readonly Alert[]>([]);

/** Alerts that nobody has acknowledged, the latest first; no more than one command acknowledges. */
export const openAlerts = signal<readonly Alert[]>([]);
export const OPEN_ALERTS_MAX = 200;

/** The first look at the service: not yet, done, or why it failed. */
export const loaded = signal<"no" | "yes" | { readonly failed: string }>("no");

/** How the event stream stands, and since when it does not. */
export const connection = signal<"connecting" | "live" | "lost">("connecting");
export const lostAt = signal<number | null>(null);

/** Those of the latest that did something or said no; the others only keep the books. */
export const telling = computed(() => decisions.value.filter((each) => each.kind !== "noted"));

/** The last decision that was a no for good; what only waits may still be copied. */
export const lastDenied = signal<Decision | null>(null);

export function mismatchKey(each: { link: string; symbol: string; kind: string }): string {
  return `${each.link} ${each.kind} ${each.symbol}`;
}

// Positions, by account and id, for the cells that show a price.

const positions = new Map<string, Map<string, Signal<Position | null>>>();

export function livePosition(account: string, id: string): ReadonlySignal<Position | null> {
  let held = positions.get(account);
  if (!held) positions.set(account, (held = new Map()));
  let cell = held.get(id);
  if (!cell) held.set(id, (cell = signal(null)));
  return cell;
}

export function positionsReported(report: Positions): void {
  const held = positions.get(report.account);
  const now = new Map(report.items.map((each) => [each.position, each]));
  batch(() => {
    // Only what is looked at has a cell; what is gone keeps its last price until the page drops the row.
    for (const [id, cell] of held ?? []) {
      const found = now.get(id);
      if (found && JSON.stringify(found) !== JSON.stringify(cell.peek())) cell.value = found;
    }
  });
  const shape = shapeOf(report.items);
  reports.set(report.account, { at: performance.now(), shape });
  if (shown.get(report.account) !== shape) touch(`positions ${report.account}`);
}

/** Note which positions a page shows, and when it asked for them; a report that knows others has them read again.

That reports differ from each other is not enough: a position may come and go between two of them, and a page have
read it meanwhile.
*/
export function positionsRead(account: string, items: readonly Position[], askedAt: number): void {
  const shape = shapeOf(items);
  shown.set(account, shape);
  const last = reports.get(account);
  if (last && last.at >= askedAt && last.shape !== shape) touch(`positions ${account}`);
}

const shown = new Map<string, string>();
const reports = new Map<string, { readonly at: number; readonly shape: string }>();

function shapeOf(items: readonly Position[]): string {
  return items.map((each) => each.position).sort().join(" ");
}

/** Forget what a page showed of an account that none shows any more. */
export function forgetPositions(account: string): void {
  positions.delete(account);
  shown.delete(account);
}

export function alerted(alert: Alert): void {
  alerts.value = [alert, ...alerts.peek()].slice(0, RECENT_MAX);
  if (!alert.over) openAlerts.value = [alert, ...openAlerts.peek()].slice(0, OPEN_ALERTS_MAX);
}

export function acknowledged({ seq, at, by, note }: Acknowledged): void {
  openAlerts.value = openAlerts.peek().filter((each) => each.seq !== seq);
  alerts.value = alerts.peek().map((each) => (each.seq === seq ? { ...each, acknowledged: { at, by, note } } : each));
}

/** The account with the least left of a limit, by the share of the limit's whole amount. */
export const nearest = computed(() => {
  const found = limits.all.filter((each) => each.headroom_percent !== null && each.stage !== "unknown");
  return [...found].sort((a, b) => Number(a.headroom_percent) - Number(b.headroom_percent));
});

/** What a person should do something about. */
export const urgent = computed(() => (status.value?.concerns ?? []).filter((each) => each.severity !== "info"));

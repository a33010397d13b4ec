/** Reads everything, then follows the event stream; after each gap it reads everything again. */

import { batch } from "@preact/signals";
import { get, keyNeeded, wordsOf } from "../api/client";
import { Stream } from "../api/stream";
import type { Page } from "../api/page";
import type { StreamEvent } from "../api/sse";
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
  MismatchEnded,
  Positions,
  Status,
} from "../api/types";
import { clockAhead, now } from "../text/time";
import { refreshSession } from "./session";
import * as store from "./store";
import { touch, touchAll } from "./topics";

/** Lists are read to their end, but not without end. */
const PAGES_MAX = 50;

/** What many events change is looked at within this time; the verdict also now and then where nothing happens. */
const SOON_MS = 1000;
const STATUS_EVERY_MS = 15_000;

const LATEST = "/decisions?limit=50";

let stream: Stream | null = null;
let held: StreamEvent[] | null = null;
let looks = 0;

export function start(): void {
  stream?.stop();
  stream = new Stream({
    opened: () => {
      store.connection.value = "live";
      store.lostAt.value = null;
      // Also after a gap that the stream makes up for: figures that changed meanwhile are no events.
      void readAll();
    },
    event: (event) => {
      if (event.name === "reset") void readAll();
      else if (held) held.push(event);
      else apply(event);
    },
    lost: () => {
      if (store.connection.peek() !== "lost") store.lostAt.value = Date.now();
      store.connection.value = "lost";
      if (store.loaded.peek() === "no") store.loaded.value = { failed: "The service does not answer." };
    },
  });
  stream.start();
}

export function tryNow(): void {
  stream?.hurry();
}

/** Read everything. Events that come meanwhile wait, and are newer than what was read. */
async function readAll(): Promise<void> {
  const mine = ++looks;
  held = [];
  try {
    const [status, accounts, links, limits, mismatches, levers, approvals, decisions, denied, alerts, open] = await Promise.all([
      get<Status>("/status"),
      list<Account>("/accounts"),
      list<Link>("/links"),
      list<Limit>("/limits"),
      list<Mismatch>("/mismatches"),
      list<Lever>("/levers"),
      list<Copy>("/approvals"),
      get<Page<Decision>>(LATEST),
      get<Page<Decision>>("/decisions?kind=denied&limit=1"),
      get<Page<Alert>>("/alerts?limit=100"),
      openAlerts(),
      refreshSession(),
    ]);
    if (mine !== looks) return;
    batch(() => {
      takeStatus(status);
      store.accounts.replace(accounts);
      store.links.replace(links);
      store.limits.replace(limits);
      store.mismatches.replace(mismatches);
      store.levers.replace(levers);
      store.approvals.replace(approvals);
      takeDecisions(decisions);
      store.lastDenied.value = denied.items[0] ?? null;
      store.alerts.value = [...alerts.items].sort((a, b) => b.at.localeCompare(a.at));
      store.openAlerts.value = open;
      store.loaded.value = "yes";
      touchAll();
    });
  } catch (error) {
    if (mine === looks && store.loaded.peek() !== "yes" && !keyNeeded.peek()) {
      store.loaded.value = { failed: wordsOf(error) };
    }
  } finally {
    if (mine === looks) {
      const waiting = held ?? [];
      held = null;
      batch(() => waiting.forEach(apply));
    }
  }
}

/** A page may hold few although more follow: the service looks at a bounded part of the ledger each time. */
function openAlerts(): Promise<Alert[]> {
  return list<Alert>("/alerts", "acknowledged=false&", store.OPEN_ALERTS_MAX);
}

async function list<T>(path: string, filter = "", most = Infinity): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const found: Page<T> = await get<Page<T>>(`${path}?${filter}limit=200${query}`);
    items.push(...found.items);
    cursor = found.next;
    if (cursor === null || items.length >= most) break;
  }
  return items.slice(0, most);
}

function takeStatus(status: Status): void {
  clockAhead.value = new Date(status.now).getTime() - Date.now();
  now.value = Date.now() + clockAhead.value;
  store.status.value = status;
}

function takeDecisions(page: Page<Decision>): void {
  store.decisions.value = page.items;
}

function apply(event: StreamEvent): void {
  const data: unknown = JSON.parse(event.data);
  switch (event.name) {
    case "account":
      store.accounts.put(data as Account);
      soon("limits"); // their figures are the account's
      break;
    case "positions":
      store.positionsReported(data as Positions);
      break;
    case "link":
      store.links.put(data as Link);
      break;
    case "copy": {
      const copy = data as Copy;
      touch(`link ${copy.link}`);
      soon("status");
      if (copy.status === "waiting" || store.approvals.cell(`${copy.link} ${copy.source_position}`)) soon("approvals");
      break;
    }
    case "decision": {
      const decision = data as Decision;
      if (decision.kind === "denied") store.lastDenied.value = decision;
      touch(`link ${decision.link}`);
      soon("decisions");
      break;
    }
    case "limit":
      store.limits.put(data as Limit);
      soon("status");
      break;
    case "mismatch":
      store.mismatches.put(data as Mismatch);
      soon("status");
      break;
    case "mismatch_over":
      store.mismatches.drop(store.mismatchKey(data as MismatchEnded));
      soon("status");
      break;
    case "alert":
      store.alerted(data as Alert);
      soon("status");
      break;
    case "acknowledged":
      store.acknowledged(data as Acknowledged);
      break;
    case "lever":
      soon("levers");
      soon("status");
      break;
    case "session":
      soon("status");
      break;
  }
}

// What follows from many events is looked at once for all of them.

const due = new Map<string, number>();

const looksAt: Record<string, () => Promise<void>> = {
  limits: async () => store.limits.replace(await list<Limit>("/limits")),
  decisions: async () => {
    takeDecisions(await get<Page<Decision>>(LATEST));
    touch("decisions");
  },
  status: async () => takeStatus(await get<Status>("/status")),
  accounts: async () => store.accounts.replace(await list<Account>("/accounts")),
  links: async () => store.links.replace(await list<Link>("/links")),
  levers: async () => store.levers.replace(await list<Lever>("/levers")),
  approvals: async () => store.approvals.replace(await list<Copy>("/approvals")),
  openAlerts: async () => {
    store.openAlerts.value = await openAlerts();
  },
};

export function soon(what: keyof typeof looksAt): void {
  if (due.has(what)) return;
  const timer = window.setTimeout(() => {
    due.delete(what);
    // A look that fails is made up for by the next one, and the stream's own state tells of a dead service.
    looksAt[what]!().catch(() => undefined);
  }, SOON_MS);
  due.set(what, timer);
}

window.setInterval(() => {
  if (store.loaded.peek() !== "yes" || document.hidden) return;
  soon("status");
  touch("minute");
}, STATUS_EVERY_MS);

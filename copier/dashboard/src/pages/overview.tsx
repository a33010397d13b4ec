/** The first page: is all well, which account is nearest to a limit, what was last not copied and why. */

import { computed } from "@preact/signals";
import type { JSX } from "preact";
import type { Account, Concern, Status } from "../api/types";
import { href } from "../state/route";
import { accounts, connection, lastDenied, limits, nearest, status, telling } from "../state/store";
import { span } from "../text/time";
import { DecisionLine, DenyingNumbers, Traded } from "../ui/decision";
import { Icon } from "../ui/icons";
import { Bar, isTarget, Meter } from "../ui/meter";
import { Card, Dot, Empty, type Tone } from "../ui/parts";
import { Ago, Cell, Money, Safe, Words } from "../ui/text";
import { accountTone, stateWords } from "../ui/account";
import { money } from "../text/numbers";

const CONCERNS_SHOWN = 6;
const DECISIONS_SHOWN = 8;

/** More accounts than these are a list to search in, not a glance; the ones that need one come first. */
const TILES_MAX = 24;
const TROUBLE: readonly Tone[] = ["critical", "warning", "info", "ok"];

export function Overview(): JSX.Element {
  return (
    <>
      <h1 class="sr">Overview</h1>
      <Verdict />
      <div class="two">
        <NearestLimit />
        <LastDenied />
      </div>
      <Accounts />
      <Card title="Latest decisions" more={<a href={href("decisions")}>All decisions</a>}>
        {telling.value.length ? (
          <ul class="lines">
            {telling.value.slice(0, DECISIONS_SHOWN).map((each) => (
              <DecisionLine decision={each} key={each.seq} />
            ))}
          </ul>
        ) : (
          <Empty icon="decisions">Nothing has been decided yet: no source has opened a position.</Empty>
        )}
      </Card>
    </>
  );
}

const VERDICTS: Record<Status["status"], { tone: Tone; icon: "check" | "warn" | "stop"; words: string }> = {
  ok: { tone: "ok", icon: "check", words: "All is well" },
  warning: { tone: "warning", icon: "warn", words: "Look at this" },
  critical: { tone: "critical", icon: "stop", words: "This needs you now" },
};

function Verdict(): JSX.Element | null {
  const seen = status.value;
  if (!seen) return null;
  const verdict = VERDICTS[seen.status];
  const shown = seen.concerns.slice(0, CONCERNS_SHOWN);
  const stale = connection.value === "lost";
  return (
    <section class={`verdict ${stale ? "quiet" : verdict.tone}`} aria-labelledby="verdict">
      <div class="verdict-head">
        <span class="verdict-icon">
          <Icon name={stale ? "auto" : verdict.icon} size={30} />
        </span>
        <div>
          <h2 id="verdict" aria-live="polite">
            {stale ? `Last known: ${verdict.words.toLowerCase()}` : verdict.words}
          </h2>
          <p class="dim">
            {seen.accounts.ready} of {seen.accounts.total} accounts in sight · {seen.links.active} of {seen.links.total}{" "}
            links active · {seen.copies.holding} copies held
            {seen.mode === "dry_run" && (
              <>
                {" "}
                · <strong>dry run: no orders are sent</strong>
              </>
            )}
          </p>
        </div>
        <p class="verdict-side dim small">
          up {span(seen.uptime_s)} · v{seen.version}
        </p>
      </div>
      {shown.length > 0 && (
        <ul class="concerns">
          {shown.map((each) => (
            <ConcernLine concern={each} key={`${each.kind} ${each.account} ${each.link} ${each.says}`} />
          ))}
          {seen.concerns.length > shown.length && (
            <li class="dim small">and {seen.concerns.length - shown.length} more</li>
          )}
        </ul>
      )}
    </section>
  );
}

function ConcernLine({ concern }: { concern: Concern }): JSX.Element {
  return (
    <li>
      <a class="concern" href={whereTo(concern)}>
        <Dot tone={concern.severity === "info" ? "info" : concern.severity} />
        <span>
          <span class="sr">{concern.severity}: </span>
          <strong>
            <Safe text={concern.link ?? concern.account ?? concern.kind} />
          </strong>{" "}
          <Safe text={concern.says} max={240} />
        </span>
        <Icon name="arrow" size={16} />
      </a>
    </li>
  );
}

function whereTo(concern: Concern): string {
  if (concern.kind === "approval") return href("approvals");
  if (concern.kind === "mismatch") return href("mismatches");
  if (concern.kind === "limit" && concern.account === null) return href("limits");
  if (concern.link !== null) return href("links", concern.link);
  return concern.account === null ? href("alerts") : href("accounts", concern.account);
}

function NearestLimit(): JSX.Element {
  const first = nearest.value.find((each) => !isTarget(each));
  return (
    <Card title="Nearest to a limit" more={<a href={href("limits")}>All limits</a>} class="nearest">
      {first ? (
        <Meter limit={first} />
      ) : limits.keys.length ? (
        <Empty icon="warn">No limit can be judged: no account has told its figures yet.</Empty>
      ) : (
        <Empty icon="limits">
          No account has a limit. <code>[[limits]]</code> in the config sets one.
        </Empty>
      )}
    </Card>
  );
}

function LastDenied(): JSX.Element {
  const last = lastDenied.value;
  return (
    <Card
      title="Last not copied"
      more={<a href={href("decisions", undefined, { kind: "denied" })}>All denials</a>}
      class="last-denied"
    >
      {last ? (
        <a class="denied" href={href("decisions", last.source_position, { link: last.link })}>
          <p class="denied-what">
            <Traded of={last} /> <span class="dim small"><Ago at={last.at} /></span>
          </p>
          <p class="denied-why">
            <Words text={last.meaning ?? ""} max={240} />
          </p>
          <DenyingNumbers decision={last} />
          <p>
            <code class="code">{last.code}</code>{" "}
            <span class="dim small">
              <Safe text={last.link} /> · #<Safe text={last.source_position} max={40} />
            </span>
          </p>
          <p class="more">
            The whole trace <Icon name="arrow" size={16} />
          </p>
        </a>
      ) : (
        <Empty>Nothing was denied lately: whatever the sources opened was copied.</Empty>
      )}
    </Card>
  );
}

/** The accounts that get a tile, as one text, so that who shows it wakes only when it is another list. */
const tiled = computed(() => {
  if (accounts.keys.length <= TILES_MAX) return accounts.keys.join("\n");
  const needs = [...accounts.all].sort((a, b) => need(a) - need(b));
  return needs.slice(0, TILES_MAX).map((each) => each.name).join("\n");
});

/** Low for what a person should look at first: trouble, then little left of a limit. */
function need(account: Account): number {
  const left = Number(account.nearest_limit?.headroom_percent ?? 100);
  return TROUBLE.indexOf(accountTone(account)) * 1000 + left;
}

function Accounts(): JSX.Element {
  return (
    <section aria-labelledby="accounts-title">
      <header class="section-head">
        <h2 id="accounts-title">Accounts</h2>
        <a href={href("accounts")}>All {accounts.keys.length > TILES_MAX && accounts.keys.length} accounts</a>
      </header>
      {accounts.keys.length ? (
        <ul class="tiles">
          {tiled.value.split("\n").map((name) => (
            <li key={name}>
              <AccountTile name={name} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty icon="accounts">The config names no account that this key may see.</Empty>
      )}
    </section>
  );
}

function AccountTile({ name }: { name: string }): JSX.Element | null {
  const cell = accounts.cell(name);
  if (!cell) return null;
  const account: Account = cell.value;
  const tone = accountTone(account);
  const limit = limits.cell(account.nearest_limit?.limit ?? "")?.value;
  return (
    <a class="tile" href={href("accounts", name)}>
      <span class="tile-head">
        <Dot tone={tone} />
        <strong>
          <Safe text={name} />
        </strong>
      </span>
      <span class="tile-equity">
        {account.equity === null ? <Money amount={null} /> : <Cell of={cell} pick={(row) => money(row.equity ?? "")} />}{" "}
        <span class="unit">{account.currency}</span>
      </span>
      <span class="tile-foot dim small">
        <span class={tone === "ok" ? "sr" : `tile-state ${tone}`}>{stateWords(account)}</span>
        {tone === "ok" ? null : " · "}
        {account.roles.join(", ") || "watched"} · {account.positions} {account.positions === 1 ? "position" : "positions"}
      </span>
      {limit ? <Bar limit={limit} /> : <span class="bar none" aria-hidden="true" />}
    </a>
  );
}

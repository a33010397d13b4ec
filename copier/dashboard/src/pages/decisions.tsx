/** The decision log with its filters: what was copied, what was not, and why. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { get, wordsOf } from "../api/client";
import type { Page } from "../api/page";
import type { Decision } from "../api/types";
import { useResource } from "../state/resource";
import { href, refine, route } from "../state/route";
import { accounts, links } from "../state/store";
import { DecisionLine } from "../ui/decision";
import { Card, Empty, Failed, Read } from "../ui/parts";
import { PageHead } from "../ui/page";

const KINDS = { ordered: "ordered", denied: "not copied", waiting: "waiting", noted: "noted" };
const FILTERS = ["kind", "link", "account", "code"] as const;

export function DecisionsPage(): JSX.Element {
  const query = Object.fromEntries(FILTERS.map((each) => [each, route.value.query.get(each) ?? ""]));
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  asked.set("limit", "50");
  const path = `/decisions?${asked.toString()}`;
  const found = useResource<Page<Decision>>(path, "decisions");
  const set = (name: string, value: string) => refine({ ...query, [name]: value });
  return (
    <>
      <PageHead title="Decisions" />
      <form class="filters" role="search" aria-label="Filters" onSubmit={openId}>
        <Choice name="Kind" value={query["kind"]!} set={(value) => set("kind", value)} options={KINDS} />
        <Choice name="Link" value={query["link"]!} set={(value) => set("link", value)} options={same(links.keys)} />
        <Choice
          name="Account"
          value={query["account"]!}
          set={(value) => set("account", value)}
          options={same(accounts.keys)}
        />
        <label class="field">
          <span>Code</span>
          <input
            type="search"
            value={query["code"]}
            placeholder="SPREAD"
            maxLength={40}
            onChange={(event) => set("code", event.currentTarget.value.trim().toUpperCase())}
          />
        </label>
        <label class="field">
          <span>Explain an id</span>
          <input type="search" name="id" placeholder="position or order" maxLength={100} enterKeyHint="go" />
        </label>
      </form>
      <Card>
        <Read from={found.value} rows={8}>
          {(page) =>
            page.items.length ? (
              <Lines first={page} path={path} key={path} />
            ) : (
              <Empty icon="decisions">No decision fits these filters.</Empty>
            )
          }
        </Read>
      </Card>
    </>
  );
}

function Lines({ first, path }: { first: Page<Decision>; path: string }): JSX.Element {
  const older = useSignal<readonly Decision[]>([]);
  const next = useSignal<string | null | undefined>(undefined);
  const failed = useSignal<string | null>(null);
  const cursor = next.value === undefined ? first.next : next.value;
  const more = async () => {
    try {
      const page = await get<Page<Decision>>(`${path}&cursor=${encodeURIComponent(cursor ?? "")}`);
      older.value = [...older.value, ...page.items];
      next.value = page.next;
      failed.value = null;
    } catch (error) {
      failed.value = wordsOf(error);
    }
  };
  const seen = new Set(first.items.map((each) => each.seq));
  return (
    <>
      <ul class="lines">
        {[...first.items, ...older.value.filter((each) => !seen.has(each.seq))].map((each) => (
          <DecisionLine decision={each} key={each.seq} />
        ))}
      </ul>
      {failed.value && <Failed why={failed.value} retry={more} />}
      {cursor !== null && (
        <p class="more-row">
          <button type="button" class="button" onClick={more}>
            Show older ones
          </button>
        </p>
      )}
    </>
  );
}

function Choice({
  name,
  value,
  set,
  options,
}: {
  name: string;
  value: string;
  set: (value: string) => void;
  options: Readonly<Record<string, string>>;
}): JSX.Element {
  return (
    <label class="field">
      <span>{name}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">all</option>
        {Object.entries(options).map(([each, words]) => (
          <option value={each} key={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function same(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((each) => [each, each]));
}

function openId(event: SubmitEvent): void {
  event.preventDefault();
  const id = new FormData(event.currentTarget as HTMLFormElement).get("id");
  if (typeof id === "string" && id.trim()) location.hash = href("decisions", id.trim()).slice(1);
}

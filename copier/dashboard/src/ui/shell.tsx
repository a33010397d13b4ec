/** The frame around every page: where one is, how the connection stands, the way to everything else. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { tryNow } from "../state/live";
import { href, route } from "../state/route";
import { signOut, who } from "../state/session";
import { approvals, connection, lostAt, mismatches, openAlerts, status } from "../state/store";
import { theme, type Theme } from "../state/theme";
import { inUtc, now, clockAhead, span, useUtc, zoneName } from "../text/time";
import { Icon, Logo, type IconName } from "./icons";
import { Safe } from "./text";

interface Place {
  readonly page: string;
  readonly name: string;
  readonly icon: IconName;
  readonly count?: () => number;
}

const PLACES: readonly Place[] = [
  { page: "", name: "Overview", icon: "overview" },
  { page: "accounts", name: "Accounts", icon: "accounts" },
  { page: "links", name: "Links", icon: "links" },
  { page: "decisions", name: "Decisions", icon: "decisions" },
  { page: "limits", name: "Limits", icon: "limits" },
  { page: "mismatches", name: "Mismatches", icon: "mismatches", count: () => mismatches.keys.length },
  { page: "approvals", name: "Approvals", icon: "approvals", count: () => approvals.keys.length },
  { page: "alerts", name: "Alerts", icon: "alerts", count: () => openAlerts.value.length },
];

/** Places in a phone's bottom bar; the others are behind "More". */
const NEAR = 4;

export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const here = route.value;
  const main = useRef<HTMLElement>(null);
  const place = `${here.page}/${here.subject ?? ""}`;
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    // A new page: read from its top, by eye and by screen reader.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place]);
  useEffect(() => {
    const worst = status.value?.status;
    const mark = connection.value === "lost" ? "… " : worst === "critical" ? "(!!) " : worst === "warning" ? "(!) " : "";
    const name = here.subject ?? PLACES.find((each) => each.page === here.page)?.name ?? "";
    document.title = `${mark}${name} · copier`;
  }, [place, status.value?.status, connection.value]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <header class="top">
        <a class="brand" href={href("")}>
          <Logo size={26} />
          copier
        </a>
        <Connection />
        <Settings />
      </header>
      <Navigation />
      <main id="main" ref={main} tabIndex={-1}>
        <Offline />
        {children}
      </main>
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Connection(): JSX.Element {
  const state = connection.value;
  const words = { live: "Live", connecting: "Connecting", lost: "Offline" }[state];
  return (
    <p class={`connection ${state}`} role="status">
      <span class="connection-dot" aria-hidden="true" /> {words}
    </p>
  );
}

function Offline(): JSX.Element | null {
  if (connection.value !== "lost") return null;
  const since = lostAt.value === null ? null : (now.value - clockAhead.value - lostAt.value) / 1000;
  return (
    <div class="notice offline" role="alert">
      <Icon name="warn" />
      <span>
        <strong>The service does not answer.</strong> What you see is as it was
        {since !== null && since >= 1 && (
          <>
            {" "}
            <span aria-hidden="true">{span(since)} ago</span>
          </>
        )}
        . It goes on by itself.
      </span>
      <button type="button" class="button" onClick={tryNow}>
        Try now
      </button>
    </div>
  );
}

function Navigation(): JSX.Element {
  const open = useSignal(false);
  const here = route.value.page;
  const hidden = PLACES.slice(NEAR);
  const waiting = hidden.reduce((sum, each) => sum + (each.count?.() ?? 0), 0);
  useEffect(() => {
    open.value = false;
  }, [route.value]);
  return (
    <nav class={`nav ${open.value ? "open" : ""}`} aria-label="Pages" onKeyDown={(event) => event.key === "Escape" && (open.value = false)}>
      <ul>
        {PLACES.map((each, index) => (
          <li key={each.page} class={index < NEAR ? "near" : "far"}>
            <a href={href(each.page)} aria-current={each.page === here ? "page" : undefined}>
              <Icon name={each.icon} />
              <span>{each.name}</span>
              <Count of={each.count?.() ?? 0} />
            </a>
          </li>
        ))}
        <li class="nav-more">
          <button type="button" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
            <Icon name={open.value ? "close" : "more"} />
            <span>More</span>
            {!open.value && <Count of={waiting} />}
          </button>
        </li>
      </ul>
    </nav>
  );
}

function Count({ of }: { of: number }): JSX.Element | null {
  return of > 0 ? <span class="count">{of > 99 ? "99+" : of}</span> : null;
}

const THEMES: readonly { readonly theme: Theme; readonly icon: IconName; readonly name: string }[] = [
  { theme: "auto", icon: "auto", name: "as the device" },
  { theme: "light", icon: "sun", name: "light" },
  { theme: "dark", icon: "moon", name: "dark" },
];

function Settings(): JSX.Element {
  const at = THEMES.findIndex((each) => each.theme === theme.value);
  const shown = THEMES[at] ?? THEMES[0]!;
  const next = THEMES[(at + 1) % THEMES.length]!;
  return (
    <div class="settings">
      <button
        type="button"
        class="quiet-button zone"
        title={`Times in ${zoneName.value}`}
        onClick={() => useUtc(!inUtc.value)}
      >
        {inUtc.value ? "UTC" : "Local"}
        <span class="sr"> times; switch to {inUtc.value ? "your own zone" : "UTC"}</span>
      </button>
      <button
        type="button"
        class="quiet-button"
        aria-label={`Colours: ${shown.name}; switch to ${next.name}`}
        title={`Colours: ${shown.name}`}
        onClick={() => (theme.value = next.theme)}
      >
        <Icon name={shown.icon} />
      </button>
      {who.value?.signed_in ? (
        <button type="button" class="quiet-button" onClick={signOut}>
          Sign out<span class="sr"> {who.value.name}</span>
        </button>
      ) : (
        <a class="quiet-button" href={href("sign-in")}>
          Sign in
        </a>
      )}
    </div>
  );
}

export function Unnamed({ page }: { page: string }): JSX.Element {
  return (
    <p class="empty">
      There is no page <Safe text={page} />. <a href={href("")}>To the overview</a>
    </p>
  );
}

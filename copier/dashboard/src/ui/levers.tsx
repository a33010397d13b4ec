/** The levers as buttons: what each does is said before it is done. */

import type { JSX } from "preact";
import type { Account, Alert, Copy, Limit, Link } from "../api/types";
import { mayOperate } from "../state/session";
import { href } from "../state/route";
import { ask, type Ask } from "./ask";

function Lever({ label, what }: { label: string; what: Ask }): JSX.Element {
  return (
    <button type="button" class={`button ${what.grave ? "grave-quiet" : ""}`} onClick={() => ask(what)}>
      {label}
    </button>
  );
}

/** Why there are no levers, for those who may only read. */
export function NoLevers(): JSX.Element | null {
  if (mayOperate()) return null;
  return (
    <p class="dim small">
      Reading only. <a href={href("sign-in")}>Sign in with a key that may operate</a> to use the levers.
    </p>
  );
}

export function LinkLevers({ link }: { link: Link }): JSX.Element | null {
  if (!mayOperate()) return null;
  const path = `/links/${encodeURIComponent(link.link)}`;
  const plain = { confirm: null, grave: false };
  return (
    <div class="levers">
      {link.lever !== null && (
        <Lever
          label="Resume"
          what={{
            ...plain,
            path: `${path}/resume`,
            title: `Resume ${link.link}`,
            does: "The link acts as the config says again. What was not copied meanwhile is judged by the start policy.",
            button: "Resume",
          }}
        />
      )}
      {link.lever !== "paused" && (
        <Lever
          label="Pause"
          what={{
            ...plain,
            path: `${path}/pause`,
            title: `Pause ${link.link}`,
            does: "No new copies. What is held stays, still closes with its source, and follows its stops.",
            button: "Pause",
          }}
        />
      )}
      {link.lever !== "close_only" && (
        <Lever
          label="Close-only"
          what={{
            ...plain,
            path: `${path}/close-only`,
            title: `Let ${link.link} only close`,
            does: "Nothing is opened or added; what is held is reduced and closed with its source.",
            button: "Close only",
          }}
        />
      )}
    </div>
  );
}

export function AccountLevers({ account }: { account: Account }): JSX.Element | null {
  if (!mayOperate() || !account.roles.includes("target")) return null;
  const path = `/accounts/${encodeURIComponent(account.name)}`;
  return (
    <div class="levers">
      {account.lever !== "active" && (
        <Lever
          label="Resume"
          what={{
            path: `${path}/resume`,
            title: `Resume ${account.name}`,
            does: "The account takes new risk again, as far as its links and limits allow.",
            button: "Resume",
            confirm: null,
            grave: false,
          }}
        />
      )}
      {account.lever === "active" && (
        <Lever
          label="Halt"
          what={{
            path: `${path}/halt`,
            title: `Halt ${account.name}`,
            does: "No new risk on this account until you resume it. What is held still closes with its source.",
            button: "Halt",
            confirm: null,
            grave: false,
          }}
        />
      )}
      {account.lever !== "flat" && (
        <Lever
          label="Flatten…"
          what={{
            path: `${path}/flatten`,
            title: `Flatten ${account.name}`,
            does: `Closes everything copied there at the market (${account.copies} ${account.copies === 1 ? "copy" : "copies"}, ${account.copied_volume} lots), and takes no new risk until you resume it. This cannot be taken back.`,
            button: "Flatten now",
            confirm: { word: account.name, is: "the account's name" },
            grave: true,
          }}
        />
      )}
    </div>
  );
}

export function ApproveLever({ copy }: { copy: Copy }): JSX.Element | null {
  if (!mayOperate()) return null;
  return (
    <div class="levers">
      <Lever
        label="Approve…"
        what={{
          path: `/approvals/${encodeURIComponent(copy.source_position)}`,
          title: `Approve ${copy.side} ${copy.symbol}`,
          does: "Every copy of this source position that waits for an approval may be opened, if the other gates let it.",
          button: "Approve",
          confirm: { word: copy.source_position, is: "the position's id" },
          grave: false,
        }}
      />
    </div>
  );
}

export function AcknowledgeLever({ alerts, label }: { alerts: readonly Alert[]; label: string }): JSX.Element | null {
  if (!mayOperate() || !alerts.length) return null;
  const [first] = alerts;
  return (
    <Lever
      label={label}
      what={{
        path: "/alerts/acknowledge",
        title: alerts.length === 1 ? `Acknowledge alert ${first!.seq}` : `Acknowledge ${alerts.length} alerts`,
        does: "Says that you have seen this, and ends its reminders. What still stands stays shown where it belongs, and nothing else changes.",
        button: "Acknowledge",
        confirm: null,
        grave: false,
        alerts: alerts.map((each) => each.seq),
      }}
    />
  );
}

const RESETTABLE = new Set(["halt", "flatten", "breached"]);

export function LimitLever({ limit }: { limit: Limit }): JSX.Element | null {
  if (!mayOperate() || !RESETTABLE.has(limit.stage ?? "")) return null;
  return (
    <div class="levers">
      <Lever
        label="Reset…"
        what={{
          path: `/limits/${encodeURIComponent(limit.limit)}/reset`,
          title: `Reset ${limit.limit}`,
          does: "Lifts the limit after its breach: the account takes new risk again, counted from its figures now.",
          button: "Reset",
          confirm: { word: limit.limit, is: "the limit's id" },
          grave: true,
        }}
      />
    </div>
  );
}

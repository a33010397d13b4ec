/** What an account's state is called, and how much attention it wants. */

import type { JSX } from "preact";
import type { Account } from "../api/types";
import { Badge, type Tone } from "./parts";

const STATES: Record<Account["state"], { tone: Tone; words: string }> = {
  ready: { tone: "ok", words: "in sight" },
  starting: { tone: "info", words: "starting" },
  lost: { tone: "warning", words: "out of sight" },
  refused: { tone: "critical", words: "sign-in refused" },
};

const LEVERS: Record<Account["lever"], string | null> = { active: null, halted: "halted", flat: "flattened" };

export function accountTone(account: Account): Tone {
  const tone = STATES[account.state].tone;
  if (tone !== "ok") return tone;
  if (account.denied || account.lever !== "active" || account.lagging) return "warning";
  return tone;
}

export function stateWords(account: Account): string {
  if (account.state !== "ready") return STATES[account.state].words;
  return LEVERS[account.lever] ?? (account.denied ? "no new risk" : STATES.ready.words);
}

export function AccountBadges({ account }: { account: Account }): JSX.Element {
  const lever = LEVERS[account.lever];
  return (
    <span class="badges">
      <Badge tone={STATES[account.state].tone}>{STATES[account.state].words}</Badge>
      {lever && <Badge tone="warning">{lever}</Badge>}
      {account.denied && <Badge tone="warning">no new risk</Badge>}
      {account.lagging && <Badge tone="warning">lagging</Badge>}
    </span>
  );
}

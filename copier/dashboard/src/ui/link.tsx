/** What a link may do, as badges. */

import type { JSX } from "preact";
import type { Link } from "../api/types";
import { Badge, type Tone } from "./parts";

const STATES: Record<Link["state"], { tone: Tone; words: string }> = {
  active: { tone: "ok", words: "active" },
  paused: { tone: "warning", words: "paused" },
  close_only: { tone: "warning", words: "close-only" },
};

export function LinkBadges({ link }: { link: Link }): JSX.Element {
  return (
    <span class="badges">
      <Badge tone={STATES[link.state].tone}>{STATES[link.state].words}</Badge>
      {link.state === "active" && !link.open_now && <Badge tone="info">outside its hours</Badge>}
      {link.mismatches > 0 && (
        <Badge tone="critical">
          {link.mismatches} {link.mismatches === 1 ? "mismatch" : "mismatches"}
        </Badge>
      )}
    </span>
  );
}

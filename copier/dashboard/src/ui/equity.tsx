/** The equity curve of an account, with its words for those who cannot see it. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { EquityCurve } from "../api/types";
import { shownTheme } from "../state/theme";
import { drawn, money } from "../text/numbers";
import { inUtc } from "../text/time";
import type { Drawing } from "./chart";
import { Empty } from "./parts";
import { Money, Time } from "./text";

export function Equity({ curve }: { curve: EquityCurve }): JSX.Element {
  const points = curve.points.filter((each) => each.equity !== null);
  const first = points[0];
  const last = points[points.length - 1];
  if (!first || !last || points.length < 2) {
    return <Empty icon="limits">The curve begins with the second minute in which figures come.</Empty>;
  }
  const lowest = points.reduce((a, b) => (Number(b.equity) < Number(a.equity) ? b : a));
  const highest = points.reduce((a, b) => (Number(b.equity) > Number(a.equity) ? b : a));
  return (
    <figure class="curve">
      <Picture
        curve={curve}
        label={`Equity of ${curve.account}: from ${money(first.equity ?? "")} to ${money(last.equity ?? "")}, lowest ${money(lowest.equity ?? "")}, highest ${money(highest.equity ?? "")} ${curve.currency ?? ""}`}
      />
      <figcaption class="curve-facts dim small">
        <span>
          <span class="key equity" aria-hidden="true" /> equity
        </span>
        <span>
          <span class="key balance" aria-hidden="true" /> balance
        </span>
        <span>
          lowest <Money amount={lowest.equity} /> at <Time at={lowest.at} />
        </span>
        <span>
          highest <Money amount={highest.equity} /> at <Time at={highest.at} />
        </span>
      </figcaption>
    </figure>
  );
}

function Picture({ curve, label }: { curve: EquityCurve; label: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const failed = useSignal(false);
  const latest = useRef(curve);
  latest.current = curve;
  const [theme, utc] = [shownTheme.value, inUtc.value];

  // Drawn anew when colours or the zone change; the code for it is fetched when the first curve is shown.
  useEffect(() => {
    let gone = false;
    import("./chart").then(
      ({ draw }) => {
        if (!gone && box.current) drawing.current = draw(box.current, numbers(latest.current), utc);
      },
      () => (failed.value = true),
    );
    return () => {
      gone = true;
      drawing.current?.destroy();
      drawing.current = null;
    };
  }, [theme, utc, curve.account]);

  useEffect(() => drawing.current?.update(numbers(curve)), [curve]);

  return (
    <>
      <div class="curve-box" ref={box} role="img" aria-label={label} />
      {failed.value && <p class="dim small">{label}</p>}
    </>
  );
}

function numbers(curve: EquityCurve) {
  return {
    at: curve.points.map((each) => new Date(each.at).getTime() / 1000),
    equity: curve.points.map((each) => drawn(each.equity)),
    balance: curve.points.map((each) => drawn(each.balance)),
  };
}

/** How single values are shown: names of others, money, times. */

import { useComputed, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { grouped, money } from "../text/numbers";
import { TEXT_MAX, visible } from "../text/safe";
import { secondsUntil, shownTime, span, utcTime } from "../text/time";

/** Text that a broker, a file or a person wrote: bounded, isolated, with everything unseen made visible. */
export function Safe({ text, max = TEXT_MAX }: { text: string; max?: number }): JSX.Element {
  return (
    <bdi class="safe">
      {visible(text, max).map((part) =>
        part.hidden ? (
          <span class="unseen" title="a character that would not be seen">
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
    </bdi>
  );
}

/** A sentence of ours, in which `keys` of the config stand between backticks. */
export function Words({ text, max = TEXT_MAX }: { text: string; max?: number }): JSX.Element {
  const parts = text.length > max ? [text] : text.split("`");
  return (
    <>
      {parts.map((part, number) =>
        number % 2 ? (
          <code key={number}>
            <Safe text={part} />
          </code>
        ) : (
          <Safe text={part} max={max} key={number} />
        ),
      )}
    </>
  );
}

/** An amount of money to the cent; the whole number on hover. "–" where it is not known. */
export function Money({
  amount,
  currency,
  signed = false,
}: {
  amount: string | null | undefined;
  currency?: string | null;
  signed?: boolean;
}): JSX.Element {
  if (amount == null) return <Unknown />;
  return (
    <span class="num" title={grouped(amount)}>
      {money(amount, signed)}
      {currency ? <span class="unit"> {currency}</span> : null}
    </span>
  );
}

/** A price or a volume, all its digits. */
export function Num({ value }: { value: string | number | null | undefined }): JSX.Element {
  if (value == null) return <Unknown />;
  return <span class="num">{grouped(String(value))}</span>;
}

export function Unknown(): JSX.Element {
  return (
    <span class="unknown">
      <span aria-hidden="true">–</span>
      <span class="sr">not known</span>
    </span>
  );
}

/** One cell of a live row: only its text changes. `pick` reads it from the row. */
export function Cell<T>({ of, pick }: { of: ReadonlySignal<T>; pick: (row: T) => string }): JSX.Element {
  const text = useComputed(() => pick(of.value));
  return <span class="num">{text}</span>;
}

export function Time({ at }: { at: string }): JSX.Element {
  return (
    <time class="num" dateTime={at} title={utcTime(at)}>
      {shownTime(at)}
    </time>
  );
}

/** How long it still takes; ticks. */
export function Until({ at }: { at: string }): JSX.Element {
  return (
    <time class="num" dateTime={at} title={utcTime(at)}>
      {span(secondsUntil(at))}
    </time>
  );
}

/** How long ago it was; ticks. */
export function Ago({ at }: { at: string }): JSX.Element {
  return (
    <time class="num" dateTime={at} title={utcTime(at)}>
      {span(-secondsUntil(at))} ago
    </time>
  );
}

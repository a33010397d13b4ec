/** What brokers write, made harmless to look at: bounded, and with nothing in it that hides or turns text around. */

export interface Part {
  readonly text: string;
  /** It stands for a character that would not be seen, or would change how its neighbours are seen. */
  readonly hidden: boolean;
}

/** Nobody reads more of a symbol or a comment; the whole is still in the ledger. */
export const TEXT_MAX = 64;

/** Marks that sit on one letter: more of them climb out of their line. */
const MARKS_MAX = 2;

// Controls, formats (bidi, zero width), lone surrogates, private and unassigned ones, separators of lines, odd spaces.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}|[\u115F\u1160\u3164\uFFA0\u2800]/u;
const MARK = /\p{M}/u;

export function visible(text: string, max = TEXT_MAX): Part[] {
  const parts: Part[] = [];
  let plain = "";
  let marks = 0;
  let count = 0;
  const flush = () => {
    if (plain) parts.push({ text: plain, hidden: false });
    plain = "";
  };
  for (const character of text) {
    if (count === max) {
      plain += "…";
      break;
    }
    count += 1;
    marks = MARK.test(character) ? marks + 1 : 0;
    if (HIDDEN.test(character) || marks > MARKS_MAX) {
      flush();
      parts.push({ text: codePoint(character), hidden: true });
    } else {
      plain += character;
    }
  }
  flush();
  return parts;
}

/** The same as one text, for labels and titles. */
export function visibleText(text: string, max = TEXT_MAX): string {
  return visible(text, max)
    .map((part) => (part.hidden ? `[${part.text}]` : part.text))
    .join("");
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Decimal strings for people: grouped and rounded digit by digit, never through a floating-point number. */

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const MINUS = "\u2212";

/** Group the digits of a decimal string; what is none comes back as it is. */
export function grouped(text: string): string {
  const match = DECIMAL.exec(text);
  if (!match) return text;
  const [, sign = "", whole = "", rest] = match;
  return `${sign === "-" ? MINUS : ""}${groups(whole)}${rest === undefined ? "" : `.${rest}`}`;
}

/** Money to the cent, halves away from zero; `signed` shows the sign of a gain too. */
export function money(text: string, signed = false): string {
  const rounded = roundedTo(text, 2);
  if (rounded === null) return text;
  const shown = grouped(rounded);
  return signed && !shown.startsWith(MINUS) && /[1-9]/.test(shown) ? `+${shown}` : shown;
}

/** Round a decimal string to some digits after the point, halves away from zero; null for what is no decimal. */
export function roundedTo(text: string, digits: number): string | null {
  const match = DECIMAL.exec(text);
  if (!match) return null;
  const [, sign = "", whole = "", rest = ""] = match;
  const kept = BigInt(whole + rest.slice(0, digits).padEnd(digits, "0"));
  const up = (rest[digits] ?? "0") >= "5" ? 1n : 0n;
  const all = (kept + up).toString().padStart(digits + 1, "0");
  const point = all.length - digits;
  const minus = sign === "-" && /[1-9]/.test(all) ? "-" : "";
  return `${minus}${all.slice(0, point)}${digits ? `.${all.slice(point)}` : ""}`;
}

/** A share for drawing and for words, 0 to 100; null when it is no number. Nothing is decided by it. */
export function drawn(text: string | null | undefined): number | null {
  if (text == null || !DECIMAL.test(text)) return null;
  return Number(text);
}

function groups(whole: string): string {
  return whole.replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Which page is shown, by the part of the address after the hash; filters are its query. */

import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);
window.addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export interface Route {
  readonly page: string;
  /** What the page is about: an account's name, a link's id. */
  readonly subject: string | null;
  readonly query: URLSearchParams;
}

export const route = computed<Route>(() => {
  const [path = "", query = ""] = hash.value.replace(/^#\/?/, "").split("?", 2);
  const [page = "", ...subject] = path.split("/");
  return { page, subject: subject.length ? decoded(subject.join("/")) : null, query: new URLSearchParams(query) };
});

export function href(page: string, subject?: string, query?: Record<string, string>): string {
  const path = subject === undefined ? page : `${page}/${encodeURIComponent(subject)}`;
  const asked = new URLSearchParams(query).toString();
  return `#/${path}${asked ? `?${asked}` : ""}`;
}

/** Change the filters in the address without a new entry in the browser's history. */
export function refine(query: Record<string, string>): void {
  const { page, subject } = route.peek();
  const kept = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  history.replaceState(null, "", href(page, subject ?? undefined, kept));
  hash.value = location.hash;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What has changed since somebody looked: a counter a topic, for what is read again rather than patched. */

import { signal, type Signal } from "@preact/signals";

const topics = new Map<string, Signal<number>>();

export function topic(name: string): Signal<number> {
  let found = topics.get(name);
  if (!found) {
    found = signal(0);
    topics.set(name, found);
  }
  return found;
}

/** Tell those who look at the topic; nobody looks at most of them. */
export function touch(name: string): void {
  const found = topics.get(name);
  if (found) found.value += 1;
}

export function touchAll(): void {
  for (const each of topics.values()) each.value += 1;
}

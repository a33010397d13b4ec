/** A list whose rows are signals: what changes in one row wakes only what shows that row. */

import { batch, signal, type ReadonlySignal, type Signal } from "@preact/signals";

export class Keyed<T> {
  private readonly cells = new Map<string, Signal<T>>();
  private readonly order = signal<readonly string[]>([]);

  constructor(private readonly keyOf: (item: T) => string) {}

  /** The keys in their order; wakes when rows come or go. */
  get keys(): readonly string[] {
    return this.order.value;
  }

  /** All rows as they are now; wakes when any of them changes. */
  get all(): readonly T[] {
    return this.order.value.map((key) => this.cells.get(key)!.value);
  }

  cell(key: string): ReadonlySignal<T> | undefined {
    void this.order.value;
    return this.cells.get(key);
  }

  replace(items: readonly T[]): void {
    batch(() => {
      const keys = items.map(this.keyOf);
      const wanted = new Set(keys);
      for (const key of this.cells.keys()) if (!wanted.has(key)) this.cells.delete(key);
      items.forEach((item, index) => this.set(keys[index]!, item));
      if (keys.join("\n") !== this.order.peek().join("\n")) this.order.value = keys;
    });
  }

  put(item: T): void {
    const key = this.keyOf(item);
    const known = this.cells.has(key);
    this.set(key, item);
    if (!known) this.order.value = [...this.order.peek(), key];
  }

  drop(key: string): void {
    if (this.cells.delete(key)) this.order.value = this.order.peek().filter((each) => each !== key);
  }

  private set(key: string, item: T): void {
    const cell = this.cells.get(key);
    if (cell === undefined) this.cells.set(key, signal(item));
    else if (JSON.stringify(cell.peek()) !== JSON.stringify(item)) cell.value = item;
  }
}

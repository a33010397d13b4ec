/** A part of a list, as the API answers it. */

export interface Page<T> {
  readonly items: readonly T[];
  /** What to ask with for the part after it; null at the end. */
  readonly next: string | null;
}

/** What one page reads for itself: asked when it opens, asked again when its topic changes, never emptied meanwhile. */

import { useSignal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get, wordsOf } from "../api/client";
import { topic } from "./topics";

/** What one look at the service costs is not asked more often than anybody could read it. */
const AGAIN_MS_MIN = 600;

export interface Resource<T> {
  readonly value: T | null;
  /** Why the last look failed; the value before it is still shown. */
  readonly error: string | null;
  /** When the value was asked for, in milliseconds of `performance.now()`. */
  readonly askedAt: number;
}

const NOTHING = { value: null, error: null, askedAt: 0 };

export function useResource<T>(path: string, topicName: string): ReadonlySignal<Resource<T>> {
  const found = useSignal<Resource<T>>(NOTHING);
  const shown = useRef("");
  const asked = useRef({ at: -Infinity, timer: 0, gone: false });

  const ask = async () => {
    const mine = path;
    const askedAt = performance.now();
    asked.current.at = askedAt;
    try {
      const value = await get<T>(mine);
      const isNewest = askedAt >= found.peek().askedAt;
      if (!asked.current.gone && shown.current === mine && isNewest) found.value = { value, error: null, askedAt };
    } catch (error) {
      if (!asked.current.gone && shown.current === mine) found.value = { ...found.peek(), error: wordsOf(error) };
    }
  };

  useEffect(() => {
    shown.current = path;
    asked.current.gone = false;
    found.value = NOTHING;
    void ask();
    return () => {
      asked.current.gone = true;
      window.clearTimeout(asked.current.timer);
      asked.current.timer = 0;
    };
  }, [path]);

  const first = useRef(true);
  useSignalEffect(() => {
    void topic(topicName).value;
    if (first.current) {
      first.current = false;
      return;
    }
    const state = asked.current;
    if (state.timer) return;
    const wait = Math.max(0, AGAIN_MS_MIN - (performance.now() - state.at));
    state.timer = window.setTimeout(() => {
      state.timer = 0;
      void ask();
    }, wait);
  });

  return found;
}

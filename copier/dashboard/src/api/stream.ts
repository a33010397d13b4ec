/** The event stream: kept open over restarts, sleeps and dead networks, and resumed after the last event seen.

`EventSource` tells neither a refusal from a dead network nor silence from rest, so this reads the stream itself.
*/

import { keyNeeded, ROOT } from "./client";
import { EventReader, type StreamEvent } from "./sse";

/** The service says something at least every 15 s; three of these missing mean that nobody is there. */
const SILENCE_MS = 45_000;
const PAUSE_MS_MIN = 400;
const PAUSE_MS_MAX = 8_000;

export interface Listener {
  /** The stream stands, and tells what happens from now on, or from the last event seen on. */
  opened(): void;
  event(event: StreamEvent): void;
  lost(): void;
}

export class Stream {
  private reader = new EventReader();
  private attempt: AbortController | null = null;
  private failures = 0;
  private wake: (() => void) | null = null;
  private ended = false;

  constructor(private readonly listener: Listener) {}

  start(): void {
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
    void this.run();
  }

  stop(): void {
    this.ended = true;
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    this.attempt?.abort();
    this.wake?.();
  }

  /** Try again now, if a try is being waited for. */
  readonly hurry = (): void => {
    if (!document.hidden) this.wake?.();
  };

  private async run(): Promise<void> {
    while (!this.ended) {
      try {
        await this.listen();
      } catch {
        // Whatever cut it: a dead network, a restart, silence, an answer that is no stream.
      }
      if (this.ended || keyNeeded.value) return;
      this.listener.lost();
      this.failures += 1;
      await this.pause();
    }
  }

  private async listen(): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    let silence = window.setTimeout(() => attempt.abort(), SILENCE_MS);
    const heard = () => {
      window.clearTimeout(silence);
      silence = window.setTimeout(() => attempt.abort(), SILENCE_MS);
    };
    try {
      const last = this.reader.lastId;
      this.reader = new EventReader();
      this.reader.lastId = last;
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = last;
      const response = await fetch(`${ROOT}/events`, {
        headers,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "error",
        signal: attempt.signal,
      });
      if (response.status === 401) keyNeeded.value = true;
      if (!response.ok || !response.body) return;
      this.failures = 0;
      this.listener.opened();
      const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await chunks.read();
        if (done) return;
        heard();
        for (const event of this.reader.take(value)) this.listener.event(event);
      }
    } finally {
      window.clearTimeout(silence);
      attempt.abort();
    }
  }

  private pause(): Promise<void> {
    const longest = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(this.failures - 1, 10));
    return new Promise((resolve) => {
      const done = () => {
        this.wake = null;
        window.clearTimeout(timer);
        resolve();
      };
      const timer = window.setTimeout(done, longest * (0.5 + Math.random() / 2));
      this.wake = done;
    });
  }
}

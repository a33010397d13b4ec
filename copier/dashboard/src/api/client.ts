/** Requests to the service: with a deadline, and with what went wrong in words. */

import { signal } from "@preact/signals";
import type { Problem } from "./types";

export const ROOT = "/api/v1";
export const SESSION = "/session";

/** The service answers from memory; what takes longer is not going to come. Commands wait for a commit to disk. */
const DEADLINE_MS = 12_000;

/** The service wants a key before it shows anything. */
export const keyNeeded = signal(false);

/** The service said no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | null,
  ) {
    super(problem?.detail || problem?.title || `The service answered ${status}.`);
  }
}

/** There was no answer. */
export class Unreachable extends Error {
  constructor() {
    super("The service does not answer.");
  }
}

export function get<T>(path: string): Promise<T> {
  return request<T>("GET", path);
}

/** Send a command; `key` makes that it is done once, however often it is sent. */
export function post<T>(path: string, body: unknown, key: string): Promise<T> {
  return request<T>("POST", path, { "Idempotency-Key": key }, body);
}

/** Exchange a key for a cookie, which scripts cannot read. */
export function openSession<T>(key: string): Promise<T> {
  return request<T>("POST", SESSION, { "X-API-Key": key });
}

export function closeSession(): Promise<unknown> {
  return request("DELETE", SESSION);
}

async function request<T>(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<T> {
  const type: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  let response: Response;
  let text: string;
  try {
    response = await fetch(ROOT + path, {
      method,
      headers: { Accept: "application/json", ...type, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    text = await response.text();
  } catch {
    throw new Unreachable();
  }
  if (response.ok) return (text ? JSON.parse(text) : null) as T;
  if (response.status === 401 && path !== SESSION) keyNeeded.value = true;
  throw new Refused(response.status, problemOf(text));
}

function problemOf(text: string): Problem | null {
  try {
    const found = JSON.parse(text) as Problem;
    return typeof found.title === "string" ? found : null;
  } catch {
    return null;
  }
}

/** An id for a command that nobody else has. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Who is looking: the key behind the session, and what it may do. */

import { signal } from "@preact/signals";
import { get, keyNeeded, post, remove, Refused } from "../api/client";

export interface Who {
  /** The key's name; null: nobody signed in, and none is needed to read here. */
  readonly name: string | null;
  readonly scopes: readonly string[];
}

export const who = signal<Who | null>(null);

export async function refreshSession(): Promise<void> {
  try {
    who.value = await get<Who>("/session");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

export async function signIn(key: string): Promise<void> {
  await post("/session", { key });
  keyNeeded.value = false;
  await refreshSession();
}

export async function signOut(): Promise<void> {
  await remove("/session");
  location.reload();
}

export function mayOperate(): boolean {
  return who.value?.scopes.includes("operate") ?? false;
}

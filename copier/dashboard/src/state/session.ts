/** Who is looking: the key behind the session, and what it may do. */

import { signal } from "@preact/signals";
import { closeSession, get, keyNeeded, openSession, Refused, SESSION } from "../api/client";
import type { Visitor } from "../api/types";

export const who = signal<Visitor | null>(null);

export async function refreshSession(): Promise<void> {
  try {
    who.value = await get<Visitor>(SESSION);
  } catch (error) {
    // Who may not be told: nobody is signed in, which every other request finds as well.
    if (!(error instanceof Refused)) throw error;
    who.value = null;
  }
}

export async function signIn(key: string): Promise<void> {
  who.value = await openSession<Visitor>(key);
  keyNeeded.value = false;
}

export async function signOut(): Promise<void> {
  await closeSession();
  location.reload();
}

export function mayOperate(): boolean {
  return who.value?.scopes.includes("operate") ?? false;
}

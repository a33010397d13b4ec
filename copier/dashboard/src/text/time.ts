/** Instants and durations for people: in the reader's zone, or in UTC where they ask for it. */

import { computed, signal } from "@preact/signals";

export const inUtc = signal(localStorage.getItem("zone") === "utc");

/** How far the server's clock is ahead of this machine's, in milliseconds: durations are told by the server's. */
export const clockAhead = signal(0);

/** The server's time, every second. */
export const now = signal(Date.now());

let ticking: number | undefined;

export function startClock(): void {
  ticking ??= window.setInterval(() => {
    if (!document.hidden) now.value = Date.now() + clockAhead.value;
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    now.value = Date.now() + clockAhead.value;
  });
}

export function useUtc(utc: boolean): void {
  inUtc.value = utc;
  localStorage.setItem("zone", utc ? "utc" : "local");
}

export const zoneName = computed(() => (inUtc.value ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone));

const today = computed(() => dayOf(new Date(now.value), inUtc.value));

/** The time of day, with the date where it is not today's. */
export function shownTime(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const utc = inUtc.value;
  const clock = `${two(utc ? date.getUTCHours() : date.getHours())}:${two(utc ? date.getUTCMinutes() : date.getMinutes())}:${two(utc ? date.getUTCSeconds() : date.getSeconds())}`;
  const day = dayOf(date, utc);
  return day === today.value ? clock : `${day} ${clock}`;
}

/** A time of a chart's axis: of the day, or the day itself where many are shown. */
export function clockText(seconds: number, days: boolean): string {
  const date = new Date(seconds * 1000);
  const utc = inUtc.value;
  if (days) return dayOf(date, utc).slice(5);
  const clock = `${two(utc ? date.getUTCHours() : date.getHours())}:${two(utc ? date.getUTCMinutes() : date.getMinutes())}`;
  const left = utc ? date.getUTCSeconds() : date.getSeconds();
  return left ? `${clock}:${two(left)}` : clock;
}

/** The same instant in UTC, for those who hover. */
export function utcTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : `${date.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** A duration to its two largest units: "4 h 12 min". */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function secondsUntil(at: string): number {
  return (new Date(at).getTime() - now.value) / 1000;
}

function dayOf(date: Date, utc: boolean): string {
  return utc
    ? `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
    : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

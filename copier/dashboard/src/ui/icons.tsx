/** Small pictures beside words; never instead of them. */

import type { JSX } from "preact";

const PATHS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4l9 16H3L12 4zm0 6v4m0 3v.01",
  stop: "M8 3h8l5 5v8l-5 5H8l-5-5V8l5-5zm4 5v5m0 3v.01",
  overview: "M4 13a8 8 0 0116 0M12 13l4-4M4 17h16",
  accounts: "M3 7h18v12H3zM3 11h18M7 15h4",
  links: "M4 8h12l-3-3m3 3l-3 3M20 16H8l3-3m-3 3l3 3",
  limits: "M4 18V9m5 9V5m5 13v-6m5 6V8",
  mismatches: "M4 9h16M4 15h16M15 5L9 19",
  decisions: "M5 5h14M5 10h14M5 15h9M5 20h6",
  approvals: "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6l8-3zm-3.5 9l2.5 2.5 4.5-5",
  alerts: "M6 17V11a6 6 0 0112 0v6l2 2H4l2-2zm4 4h4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4M17.6 17.6L19 19M19 5l-1.4 1.4M6.4 17.6L5 19",
  moon: "M20 14.5A8.5 8.5 0 119.5 4a7 7 0 0010.5 10.5z",
  auto: "M12 3a9 9 0 100 18 9 9 0 000-18zm0 0v18",
  back: "M15 5l-7 7 7 7",
  arrow: "M5 12h14m-5-5l5 5-5 5",
  close: "M6 6l12 12M18 6L6 18",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo({ size }: { size: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="brand-back" width="32" height="32" rx="7" />
      <path class="brand-line" d="M7 20l6-6 4 4 8-9" />
    </svg>
  );
}

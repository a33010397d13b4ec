/** Dark or light: as the machine says, unless the reader chose. */

import { computed, effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const stored = localStorage.getItem("theme");
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "auto");

const system = window.matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);

/** What is in force. */
export const shownTheme = computed<"light" | "dark">(() =>
  theme.value === "auto" ? (systemDark.value ? "dark" : "light") : theme.value,
);

export function startTheme(): void {
  system.addEventListener("change", () => {
    systemDark.value = system.matches;
  });
  effect(() => {
    document.documentElement.dataset["theme"] = shownTheme.value;
  });
  effect(() => {
    if (theme.value === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme.value);
  });
}

/** Light, dark, or as the system says. */
import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const listeners = new Set<() => void>();

function current(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === "light" || set === "dark" ? set : "system";
}

function choose(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    // Plain text, as public/theme.js reads it before the first paint.
    if (theme === "system") localStorage.removeItem("plait.theme");
    else localStorage.setItem("plait.theme", theme);
  } catch {
    // It holds until the page is left.
  }
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", tell);
  return () => {
    listeners.delete(tell);
    system.removeEventListener("change", tell);
  };
}

export function useTheme(): [Theme, (next: Theme) => void] {
  return [useSyncExternalStore(subscribe, current), choose];
}

/** Whether the page is dark now, whoever decided it; canvases draw with colours that they must ask for. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, () => {
    const theme = current();
    return theme === "dark" || (theme === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  });
}

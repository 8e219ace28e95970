/** Whether the page is as narrow as a phone. */
import { useSyncExternalStore } from "react";

const query = typeof window === "undefined" ? null : window.matchMedia("(max-width: 620px)");

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (tell) => {
      query?.addEventListener("change", tell);
      return () => query?.removeEventListener("change", tell);
    },
    () => query?.matches ?? false,
  );
}

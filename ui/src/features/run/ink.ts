/** The page's colours as plain values, for canvases, which know no tokens. */
import { useMemo } from "react";

import { useIsDark } from "~/app/theme";

export type Ink = (token: string) => string;

/** Asks the page for each token once; asked again when the theme changes. */
export function useInk(): Ink {
  const dark = useIsDark();
  return useMemo(() => {
    const known = new Map<string, string>();
    return (token: string) => {
      const before = known.get(token);
      if (before !== undefined) return before;
      const probe = document.createElement("span");
      probe.style.color = token.startsWith("var(") ? token : `var(${token})`;
      document.body.append(probe);
      const color = getComputedStyle(probe).color;
      probe.remove();
      known.set(token, color);
      return color;
    };
    // The theme decides what the tokens are.
  }, [dark]);
}

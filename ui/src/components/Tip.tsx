/** A word on hover or focus, with the key that does the same. */
import { Tooltip } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";

import { shown } from "~/lib/keys";

import css from "./Tip.module.css";

export const TipProvider = Tooltip.Provider;

export function Tip({ text, keys, children }: { text: string; keys?: string; children: ReactElement<Record<string, unknown>> }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger render={children} />
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6} className={css.positioner}>
          <Tooltip.Popup className={css.tip}>
            {text}
            {keys && <kbd className={css.keys}>{shown(keys)}</kbd>}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

/** Tabs whose choice is the page's (in the address), by arrow keys too. */
import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

import css from "./Tabs.module.css";

export type Tab = { id: string; label: ReactNode; count?: number | string | null };

type Props = {
  tabs: Tab[];
  value: string;
  onChange: (id: string) => void;
  label: string;
  /** Whether they take what is left of a page, or of a pane that is as high as it is. */
  rest?: "page" | "pane";
  children: ReactNode;
};

export function Tabs({ tabs, value, onChange, label, rest, children }: Props) {
  const shown = (
    <Base.Root value={value} onValueChange={(next) => onChange(String(next))} className={css.root}>
      <Base.List className={css.list} aria-label={label} activateOnFocus={false}>
        {tabs.map((one) => (
          <Base.Tab key={one.id} value={one.id} className={css.tab}>
            {one.label}
            {one.count != null && one.count !== 0 && <span className={css.count}>{one.count}</span>}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel value={value} className={css.panel} keepMounted={false}>
        {children}
      </Base.Panel>
    </Base.Root>
  );
  return rest ? <div className={css[rest]}>{shown}</div> : shown;
}

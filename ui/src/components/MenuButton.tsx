/** A button that opens a list of things to do. */
import { Menu } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { classes } from "~/lib/classes";

export type MenuEntry =
  | { kind: "separator" }
  | { kind: "label"; text: string }
  | { kind?: "item"; text: ReactNode; icon?: ReactNode; run: () => void; disabled?: boolean; danger?: boolean; checked?: boolean; why?: string };

export function MenuButton({ trigger, entries, align = "start" }: { trigger: ReactElement<Record<string, unknown>>; entries: MenuEntry[]; align?: "start" | "end" }) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger render={trigger} />
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align={align} className="layer">
          <Menu.Popup className="popup">
            {entries.map((entry, index) => {
              if (entry.kind === "separator") return <div key={index} className="separator" role="separator" />;
              if (entry.kind === "label")
                return (
                  <div key={index} className="popup-label" role="presentation">
                    {entry.text}
                  </div>
                );
              const inside = (
                <>
                  {entry.icon}
                  <span>{entry.text}</span>
                </>
              );
              if (entry.checked !== undefined)
                return (
                  <Menu.CheckboxItem key={index} className="item" checked={entry.checked} onCheckedChange={entry.run} closeOnClick={false}>
                    <span style={{ width: 14, display: "inline-flex" }}>{entry.checked && <Check size={14} />}</span>
                    {inside}
                  </Menu.CheckboxItem>
                );
              return (
                <Menu.Item key={index} className={classes("item", entry.danger && "danger")} disabled={entry.disabled ?? false} onClick={entry.run} title={entry.why}>
                  {inside}
                </Menu.Item>
              );
            })}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** Which parameters and metrics are columns. */
import { Popover } from "@base-ui/react/popover";
import { Columns3 } from "lucide-react";
import { useId, useState } from "react";

import type { RunColumns } from "~/api/types";

import css from "./ColumnChooser.module.css";

export function ColumnChooser({ known, value, onChange }: { known: RunColumns | undefined; value: string; onChange: (next: string) => void }) {
  const [find, setFind] = useState("");
  const id = useId();
  const chosen = value.split(",").filter(Boolean);
  const groups = [
    { title: "Metrics", kind: "metric", items: known?.metrics ?? [] },
    { title: "Parameters", kind: "param", items: known?.params ?? [] },
  ];
  const toggle = (column: string) => onChange((chosen.includes(column) ? chosen.filter((one) => one !== column) : [...chosen, column]).join(","));
  return (
    <Popover.Root>
      <Popover.Trigger className={css.trigger}>
        <Columns3 size={14} aria-hidden="true" /> Columns{chosen.length > 0 && <span className="dim">{chosen.length}</span>}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={4} align="end" className="layer">
          <Popover.Popup className="popup" aria-label="Columns">
            <input className="field" placeholder="Find a metric or parameter" aria-label="Find a metric or parameter" value={find} onChange={(event) => setFind(event.target.value)} />
            {groups.map(({ title, kind, items }) => {
              const found = items.filter((one) => one.name.toLowerCase().includes(find.toLowerCase())).slice(0, 60);
              return (
                found.length > 0 && (
                  <fieldset key={kind} className={css.group}>
                    <legend className="popup-label">{title}</legend>
                    {found.map((one) => (
                      <label key={one.name} className="item" htmlFor={`${id}-${kind}-${one.name}`}>
                        <input
                          id={`${id}-${kind}-${one.name}`}
                          type="checkbox"
                          checked={chosen.includes(`${kind}:${one.name}`)}
                          onChange={() => toggle(`${kind}:${one.name}`)}
                        />
                        <code className="cut">{one.name}</code>
                        <span className={css.where}>{one.pipelines.join(", ")}</span>
                      </label>
                    ))}
                  </fieldset>
                )
              );
            })}
            {known && known.metrics.length + known.params.length === 0 && <p className="popup-label">Runs have no parameters or metrics yet.</p>}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

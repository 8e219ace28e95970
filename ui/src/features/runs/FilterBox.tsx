/** The filter of the runs, as text: what it says is also in the address. */
import { Autocomplete } from "@base-ui/react/autocomplete";
import { CircleAlert, Search, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";

import type { RunColumns, Term } from "~/api/types";
import { useKeys } from "~/lib/keys";

import css from "./FilterBox.module.css";
import { type Suggestion, suggestions } from "./filter";

type Props = { value: string; onChange: (next: string) => void; terms: Term[]; columns: RunColumns | undefined };

export function FilterBox({ value, onChange, terms, columns }: Props) {
  const [text, setText] = useState(value);
  const [open, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const sent = useRef(value);
  useKeys("Runs", [{ keys: "/", does: "filter", run: () => input.current?.focus() }]);

  // From elsewhere: back button, a saved view, a link.
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      onChange(text.trim());
    }, 180);
    return () => clearTimeout(timer);
  }, [text, onChange]);

  const items = useMemo(() => suggestions(text, columns), [text, columns]);
  const wrong = terms.filter((one) => one.error !== null);
  return (
    <div className={css.box}>
      <Autocomplete.Root
        items={items}
        filter={null}
        itemToStringValue={(one: Suggestion) => one.text}
        value={text}
        onValueChange={(next) => setText(next)}
        open={open && items.length > 0}
        onOpenChange={setOpen}
        autoHighlight={false}
      >
        <div className={css.line}>
          <Search size={14} aria-hidden="true" className={css.icon} />
          <Autocomplete.Input
            ref={input}
            className={css.input}
            aria-label="Filter runs"
            placeholder="status:failed pipeline:training alpha>0.1 rmse<0.3 tag:nightly"
            spellCheck={false}
            autoComplete="off"
            onFocus={() => setOpen(true)}
            aria-invalid={wrong.length > 0}
            aria-describedby="filter-problem"
            onKeyDown={(event) => {
              if (event.key === "Escape" && !open) input.current?.blur();
            }}
          />
          {text && (
            <button type="button" className={css.clear} aria-label="Clear the filter" onClick={() => setText("")}>
              <X size={14} />
            </button>
          )}
        </div>
        <Autocomplete.Portal>
          <Autocomplete.Positioner sideOffset={4} className="layer" align="start">
            <Autocomplete.Popup className="popup">
              <Autocomplete.List>
                {(one: Suggestion) => (
                  <Autocomplete.Item key={one.text} value={one} className="item">
                    <code>{one.shows}</code>
                    <span className="dim">{one.says}</span>
                  </Autocomplete.Item>
                )}
              </Autocomplete.List>
            </Autocomplete.Popup>
          </Autocomplete.Positioner>
        </Autocomplete.Portal>
      </Autocomplete.Root>
      <div id="filter-problem" className={css.problems} role="status">
        {wrong.map((one) => (
          <p key={one.text}>
            <CircleAlert size={12} aria-hidden="true" /> <code>{one.text}</code>: {one.error}
          </p>
        ))}
      </div>
    </div>
  );
}

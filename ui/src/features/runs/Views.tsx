/** Filters, orders and columns under a name, remembered by this browser. */
import { Bookmark } from "lucide-react";
import { useState } from "react";

import { Button } from "~/components/Button";
import { MenuButton, type MenuEntry } from "~/components/MenuButton";
import { Modal } from "~/components/Modal";
import { useStored } from "~/lib/stored";
import type { RunsSearch } from "~/router";

import css from "./actions.module.css";

type View = { name: string; search: RunsSearch };
const NONE: View[] = [];
const BUILT_IN: View[] = [
  { name: "Everything", search: {} },
  { name: "Failed", search: { q: "status:failed,crashed" } },
  { name: "Running", search: { q: "status:running" } },
  { name: "This week", search: { q: "since:7d" } },
  { name: "Pinned", search: { q: "is:pinned" } },
];

export function Views({ search, onOpen }: { search: RunsSearch; onOpen: (search: RunsSearch) => void }) {
  const [views, setViews] = useStored<View[]>("runs.views", NONE);
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const same = (one: View) => JSON.stringify(tidy(one.search)) === JSON.stringify(tidy(search));
  const current = [...views, ...BUILT_IN].find(same);
  const entries: MenuEntry[] = [
    ...BUILT_IN.map((one): MenuEntry => ({ text: one.name, run: () => onOpen(one.search) })),
    ...(views.length > 0 ? [{ kind: "separator" } as MenuEntry, { kind: "label", text: "Saved" } as MenuEntry] : []),
    ...views.map((one): MenuEntry => ({ text: one.name, run: () => onOpen(one.search) })),
    { kind: "separator" },
    { text: "Save this view …", run: () => setNaming(true) },
    ...(current && views.includes(current) ? [{ text: `Forget “${current.name}”`, danger: true, run: () => setViews(views.filter((one) => one !== current)) } as MenuEntry] : []),
  ];
  return (
    <>
      <MenuButton
        entries={entries}
        trigger={
          <Button tone="quiet">
            <Bookmark size={14} aria-hidden="true" /> {current && current.name !== "Everything" ? current.name : "Views"}
          </Button>
        }
      />
      <Modal open={naming} onClose={() => setNaming(false)} title="Save this view" narrow>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!name.trim()) return;
            setViews([...views.filter((one) => one.name !== name.trim()), { name: name.trim(), search: tidy(search) }]);
            setNaming(false);
            setName("");
          }}
        >
          <label className={css.label}>
            Name
            <input className="field" value={name} onChange={(event) => setName(event.target.value)} autoFocus />
          </label>
          <div className={css.buttons}>
            <Button onClick={() => setNaming(false)}>Cancel</Button>
            <Button tone="primary" type="submit" disabled={!name.trim()}>
              Save
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}

function tidy(search: RunsSearch): RunsSearch {
  return Object.fromEntries(
    Object.entries(search)
      .filter(([, value]) => value !== undefined)
      .sort(),
  );
}

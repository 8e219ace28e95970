/** What can be pressed on this page. */
import { Modal } from "~/components/Modal";
import { bindings, shown } from "~/lib/keys";

import css from "./Shortcuts.module.css";

export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal open={open} onClose={onClose} title="Keyboard">
      {open && <List />}
    </Modal>
  );
}

function List() {
  const scopes = new Map<string, Map<string, string>>();
  for (const one of bindings()) {
    const own = scopes.get(one.scope) ?? new Map<string, string>();
    scopes.set(one.scope, own.set(one.does, own.has(one.does) ? `${own.get(one.does)} or ${shown(one.keys)}` : shown(one.keys)));
  }
  return (
    <div className={css.scopes}>
      {[...scopes].map(([scope, list]) => (
        <section key={scope}>
          <h3>{scope}</h3>
          <dl className={css.list}>
            {[...list].map(([does, keys]) => (
              <div key={does} className={css.row}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

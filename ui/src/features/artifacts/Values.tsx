/** Values by their names: each in a line, opened to what it looks like. */
import { ChevronRight, SquareArrowOutUpRight } from "lucide-react";
import { Suspense, lazy, useState } from "react";

import type { NamedValue, ValueRef } from "~/api/run";
import { IconButton } from "~/components/Button";
import { Loading } from "~/components/Feedback";
import { TaskLink } from "~/features/run/DataTables";
import { classes } from "~/lib/classes";
import { bytes, plural } from "~/lib/format";

import css from "./Values.module.css";

const Preview = lazy(() => import("./Preview"));

type Props = { items: readonly NamedValue[]; run: string; task?: string; open?: boolean; onOpen: (artifact: string) => void };

export function Values({ items, run, task, open = false, onOpen }: Props) {
  return (
    <ul className={css.values}>
      {items.map((one, at) => (
        <Value key={`${one.name} ${at}`} name={one.name} value={one.value} run={run} task={task} open={open && at < 6} onOpen={onOpen} />
      ))}
    </ul>
  );
}

/** Numbers, short texts and the like are told whole by their line; a text of several lines, or of markup, is not. */
function isWhole(value: ValueRef): boolean {
  if (value.artifact === null || value.kind === "parameter") return true;
  const text = value.text ?? "";
  return /^(int|float|bool|str|NoneType|complex)$/.test(value.type ?? "") && text.length < 199 && !/\\n|^["']\s*</.test(text);
}

function Value({ name, value, run, task, open, onOpen }: { name: string; value: ValueRef; run: string; task?: string; open: boolean; onOpen: (artifact: string) => void }) {
  const [shown, setShown] = useState(open);
  const whole = isWhole(value);
  const typed = value.type && !value.text?.startsWith(value.type) ? value.type : null;
  return (
    <li className={css.value}>
      <div className={css.line}>
        {whole ? (
          <span className={css.name}>{name}</span>
        ) : (
          <button type="button" className={css.name} aria-expanded={shown} onClick={() => setShown(!shown)}>
            <ChevronRight size={13} aria-hidden="true" className={classes(css.arrow, shown && css.turned)} />
            {name}
          </button>
        )}
        <code className={css.text} title={value.text ?? undefined}>
          {value.text}
        </code>
        <span className={css.facts}>
          {typed && <span>{typed}</span>}
          {value.items !== null && value.kind !== "list" && <span>{plural(value.items, "item")}</span>}
          {value.size !== null && !whole && <span>{bytes(value.size)}</span>}
          {value.from_task && value.from_task !== task && (
            <span>
              from <TaskLink task={value.from_task} />
            </span>
          )}
          {value.from_input && value.from_input !== name && <span>parameter {value.from_input}</span>}
        </span>
        {value.artifact !== null && value.kind !== "parameter" && (
          <span className={css.open}>
            <IconButton label={`All about ${name}`} onClick={() => value.artifact && onOpen(value.artifact)}>
              <SquareArrowOutUpRight size={13} />
            </IconButton>
          </span>
        )}
      </div>
      {shown && value.artifact !== null && (
        <div className={css.preview}>
          <Suspense fallback={<Loading />}>
            <Preview id={value.artifact} met={{ run, task: value.from_task ?? task }} compact />
          </Suspense>
        </div>
      )}
    </li>
  );
}

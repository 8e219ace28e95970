/** One line of a log: its number (a link), when, how loud, whose, and what it says. */
import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight } from "lucide-react";
import { memo } from "react";

import type { LogLine } from "~/api/run";
import { useAbsoluteTimes } from "~/components/Time";
import { classes } from "~/lib/classes";

import css from "./LogView.module.css";
import { type Style, marked, pieces } from "./ansi";

const LETTERS: [number, string, string][] = [
  [50, "C", "critical"],
  [40, "E", "error"],
  [30, "W", "warning"],
  [20, "I", "info"],
  [10, "D", "debug"],
];

type LineProps = {
  line: LogLine;
  start: number | null;
  pattern: RegExp | null;
  current: boolean;
  wide: boolean;
  onPick: (line: number) => void;
  onFold?: () => void;
};

export const LineRow = memo(
  function LineRow({ line, start, pattern, current, wide, onPick, onFold }: LineProps) {
    const [exact] = useAbsoluteTimes();
    const level = LETTERS.find(([least]) => line.level >= least);
    return (
      <div className={classes(css.row, current && css.current)} data-line={line.n} data-level={level?.[2]}>
        <button type="button" className={css.number} onClick={() => onPick(line.n)} title="Link to this line" tabIndex={-1}>
          {line.n + 1}
        </button>
        <span className={css.when}>{line.at === null ? "" : moment(line.at, start, exact)}</span>
        <span className={css.letter} title={level?.[2]}>
          {level?.[1] ?? ""}
        </span>
        {wide && (
          <span className={css.task}>
            {line.task && (
              <Link from="/runs/$runId" search={(before) => ({ ...before, task: line.task ?? undefined, step: undefined, line: undefined })} tabIndex={-1} title={line.task}>
                {line.task}
              </Link>
            )}
          </span>
        )}
        <span className={css.text}>
          {onFold && (
            <button type="button" className={css.unfold} onClick={onFold} aria-label="Fold these frames">
              <ChevronDown size={12} />
            </button>
          )}
          {marked(pieces(line.text), pattern).map((piece, at) => {
            const style = styleOf(piece.style);
            if (piece.mark)
              return (
                <mark key={at} style={style}>
                  {piece.text}
                </mark>
              );
            return style ? (
              <span key={at} style={style}>
                {piece.text}
              </span>
            ) : (
              piece.text
            );
          })}
          {line.cut && <span className="dim"> … the line goes on</span>}
        </span>
      </div>
    );
  },
  (before, after) =>
    before.line === after.line &&
    before.pattern === after.pattern &&
    before.current === after.current &&
    before.start === after.start &&
    before.wide === after.wide &&
    (before.onFold === undefined) === (after.onFold === undefined),
);

export function FoldRow({ n, label, wide, onOpen }: { n: number; label: string; wide: boolean; onOpen: () => void }) {
  return (
    <div className={css.row} data-level="error">
      <span className={css.number}>{n + 1}</span>
      <span className={css.when} />
      <span className={css.letter} />
      {wide && <span className={css.task} />}
      <button type="button" className={css.fold} onClick={onOpen} aria-expanded={false}>
        <ChevronRight size={12} aria-hidden="true" /> {label}
      </button>
    </div>
  );
}

export function MissingRow({ n }: { n: number }) {
  return (
    <div className={css.row} aria-hidden="true">
      <span className={css.number}>{n + 1}</span>
      <span className={css.coming} style={{ width: `${20 + ((n * 37) % 40)}%` }} />
    </div>
  );
}

const COLORS = ["--ink-2", "--failed", "--done", "--retried", "--running", "--series-5", "--cached", "--ink"];

function styleOf(style: Style): React.CSSProperties | undefined {
  const { color, bold, faint, italic, underline } = style;
  if (color === undefined && !bold && !faint && !italic && !underline) return undefined;
  return {
    ...(color !== undefined ? { color: `var(${COLORS[color] ?? "--ink"})` } : faint ? { color: "var(--ink-3)" } : {}),
    ...(bold ? { fontWeight: 600 } : {}),
    ...(italic ? { fontStyle: "italic" } : {}),
    ...(underline ? { textDecoration: "underline" } : {}),
  };
}

/** `14:02:07.123`, or since the start: `0:12.345`. */
export function moment(at: number, start: number | null, exact: boolean): string {
  if (exact || start === null) {
    const date = new Date(at * 1000);
    const two = (part: number) => String(part).padStart(2, "0");
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  }
  const passed = Math.max(0, at - start);
  const minutes = Math.floor(passed / 60);
  const seconds = (passed % 60).toFixed(3).padStart(6, "0");
  return minutes >= 60 ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

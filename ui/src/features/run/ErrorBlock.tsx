/** Why did it fail? The user's own frames with their line of code; the libraries' folded away until asked for. */
import { ChevronRight } from "lucide-react";
import { useState } from "react";

import type { ErrorInfo, Frame } from "~/api/run";
import { CopyButton } from "~/components/Copy";
import { classes } from "~/lib/classes";
import { plural } from "~/lib/format";

import css from "./ErrorBlock.module.css";

export function ErrorBlock({ error }: { error: ErrorInfo }) {
  return (
    <div className={css.error}>
      <p className={css.message} role="heading" aria-level={3}>
        <b>{error.type}</b>
        {error.message && <>: {error.message}</>}
      </p>
      {error.notes.map((note, at) => (
        <p key={at} className={css.note}>
          {note}
        </p>
      ))}
      {error.frames.length > 0 && (
        <ol className={css.frames}>
          {grouped(error.frames).map((part, at) => (part.folded ? <Folded key={at} frames={part.frames} /> : part.frames.map((frame, index) => <FrameLine key={`${at} ${index}`} frame={frame} />)))}
        </ol>
      )}
      {error.cause && (
        <details className={css.cause} open={error.cause.frames.some(isOwn)}>
          <summary>
            caused by <b>{error.cause.type}</b>
          </summary>
          <ErrorBlock error={error.cause} />
        </details>
      )}
    </div>
  );
}

/** The user's own code. Compiled modules tell of files that stand nowhere on this machine. */
function isOwn(frame: Frame): boolean {
  return frame.origin === "user" && !/\.(pyx|pxi|pxd)$/.test(frame.file);
}

/** Frames in their order, those that are not the user's own together. */
export function grouped(frames: readonly Frame[]): { folded: boolean; frames: Frame[] }[] {
  const parts: { folded: boolean; frames: Frame[] }[] = [];
  // Where nothing is the user's, the innermost frame is the best there is.
  const own = frames.some(isOwn);
  for (const [at, frame] of frames.entries()) {
    const folded = own ? !isOwn(frame) : at < frames.length - 1;
    const last = parts.at(-1);
    if (last && last.folded === folded) last.frames.push(frame);
    else parts.push({ folded, frames: [frame] });
  }
  return parts;
}

function Folded({ frames }: { frames: Frame[] }) {
  const [open, setOpen] = useState(false);
  const packages = [...new Set(frames.map((one) => (one.origin === "plait" ? "plait" : packageOf(one.file))))];
  return (
    <>
      <li>
        <button type="button" className={css.fold} aria-expanded={open} onClick={() => setOpen(!open)}>
          <ChevronRight size={12} aria-hidden="true" className={classes(open && css.turned)} />
          {plural(frames.length, "frame")} of {packages.slice(0, 3).join(", ")}
        </button>
      </li>
      {open && frames.map((frame, at) => <FrameLine key={at} frame={frame} quiet />)}
    </>
  );
}

/** `pandas` of `…/site-packages/pandas/core/frame.py`; a file's own name elsewhere. */
export function packageOf(file: string): string {
  const inside = /(?:site-packages|dist-packages)[/\\]([^/\\]+)/.exec(file)?.[1] ?? /[/\\]python3[^/\\]*[/\\]([^/\\]+)/.exec(file)?.[1] ?? /^([^/\\]+)[/\\].*\.(?:pyx|pxi|pxd)$/.exec(file)?.[1];
  return (inside ?? file.split(/[/\\]/).at(-1) ?? file).replace(/\.py$/, "");
}

function FrameLine({ frame, quiet = false }: { frame: Frame; quiet?: boolean }) {
  const place = frame.line === null ? frame.file : `${frame.file}:${frame.line}`;
  return (
    <li className={classes(css.frame, quiet && css.quiet)}>
      <div className={css.place}>
        <code>{place}</code> <span className="dim">in {frame.function}</span>
        <span className={css.copy}>
          <CopyButton text={place} label="Copy the place" />
        </span>
      </div>
      {frame.code && <pre className={css.code}>{frame.code}</pre>}
    </li>
  );
}

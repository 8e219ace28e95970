/** How times, durations, sizes and values are said: the same words as on the command line (display/words.py). */

const NARROW_SPACE = "\u202f";

/** A duration in seconds: `3 ms`, `1.24 s`, `12.3 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return "";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** A duration that goes on, in whole seconds: `0:07`, `12:30`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60) % 60;
  return whole >= 3600
    ? `${Math.floor(whole / 3600)}:${pad(minutes)}:${pad(whole % 60)}`
    : `${minutes}:${pad(whole % 60)}`;
}

/** A size: `812 B`, `4.1 kB`, `1.3 GB`; a thousand to the next unit. */
export function bytes(size: number | null | undefined): string {
  if (size == null) return "";
  if (size < 1000) return `${Math.trunc(size)} B`;
  let value = size;
  let unit = "";
  for (unit of ["kB", "MB", "GB", "TB", "PB"]) {
    value /= 1000;
    if (value < 999.5) break;
  }
  return value < 99.95 ? `${value.toFixed(1)} ${unit}` : `${value.toFixed(0)} ${unit}`;
}

/** A whole number with thin spaces between thousands: `90 000`. */
export function count(value: number | null | undefined): string {
  return value == null ? "" : Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, NARROW_SPACE);
}

/** A number of a metric: whole ones as they are, else up to five significant digits. */
export function number(value: number | null | undefined): string {
  if (value == null) return "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return count(value);
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return value.toPrecision(4).replace(/\.?0+(e|$)/, "$1");
  const digits = size >= 10000 ? 0 : size >= 1000 ? 1 : size >= 100 ? 2 : size >= 10 ? 3 : size >= 1 ? 4 : 5;
  return value.toFixed(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** When something was, beside `now`: `just now`, `5 min ago`, `yesterday 14:02`, then the date. */
export function ago(moment: Date, now: Date = new Date()): string {
  const passed = (now.getTime() - moment.getTime()) / 1000;
  if (passed < -60) return absolute(moment).slice(0, 16);
  if (passed < 10) return "just now";
  if (passed < 60) return `${Math.floor(passed)} s ago`;
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  const days = Math.round((midnight(now) - midnight(moment)) / 86_400_000);
  const time = `${pad(moment.getHours())}:${pad(moment.getMinutes())}`;
  if (days === 0) return `${Math.floor(passed / 3600)} h ago`;
  if (days === 1) return `yesterday ${time}`;
  if (days < 7) return `${moment.toLocaleDateString("en", { weekday: "short" })} ${time}`;
  return absolute(moment).slice(0, 10);
}

/** The moment itself, in the reader's own time zone: `2026-11-25 14:02:07`. */
export function absolute(moment: Date): string {
  const date = `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
  return `${date} ${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
}

/** A parameter or a small result on one line, as Python writes it. */
export function value(of: unknown): string {
  if (of === null || of === undefined) return "None";
  if (of === true) return "True";
  if (of === false) return "False";
  if (typeof of === "string") return of === "" || of.trim() !== of || /[\n\t]/.test(of) ? JSON.stringify(of) : of;
  if (typeof of === "number") return Number.isFinite(of) ? String(of) : number(of);
  if (Array.isArray(of)) return `[${of.map(inside).join(", ")}]`;
  if (typeof of === "object") {
    return `{${Object.entries(of)
      .map(([key, one]) => `${key}: ${inside(one)}`)
      .join(", ")}}`;
  }
  return String(of);
}

function inside(one: unknown): string {
  return typeof one === "string" ? JSON.stringify(one) : value(one);
}

/** `1 run`, `3 runs`, `90 000 items`. */
/** A place as the user knows it: from the folder that the run was started in. */
export function within(where: string, folder: string | null): string {
  return folder && where.startsWith(`${folder}/`) ? where.slice(folder.length + 1) : where;
}

/** Whether a value says nothing: null, an empty text, list or mapping. */
export function isNothing(of: unknown): boolean {
  return of === null || of === undefined || of === "" || (typeof of === "object" && Object.keys(of).length === 0);
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

function pad(part: number): string {
  return String(part).padStart(2, "0");
}

function midnight(moment: Date): number {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}

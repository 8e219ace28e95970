/** Parameters as text: what stands in a field, and what the same would be on the command line. */
import type { Param, Schema } from "~/api/types";

type Problem = { message: string; hint: string | null };

/** The errors beside the parameters that they begin with, and those of no parameter. */
export function errorsByName<P extends Problem>(errors: readonly P[], names: readonly string[]): { of: Map<string, P>; rest: P[] } {
  const of = new Map<string, P>();
  const rest: P[] = [];
  for (const one of errors) {
    const word = /^(?:parameter )?['"]?([\w.]+)/.exec(one.message)?.[1]?.split(".")[0];
    if (word !== undefined && names.includes(word) && !of.has(word)) of.set(word, one);
    else rest.push(one);
  }
  return { of, rest };
}

/** A value as one would type it after `NAME=`: YAML. */
export function fieldText(of: unknown): string {
  if (of === undefined || of === null) return "";
  if (typeof of === "string") return plain(of) ? of : JSON.stringify(of);
  if (of === true) return "true";
  if (of === false) return "false";
  return typeof of === "number" ? String(of) : JSON.stringify(of);
}

/** Whether YAML reads these letters as that very string. */
function plain(text: string): boolean {
  return text !== "" && !/^[\s[{'"&*!|>%@`#-]|[\n]|: |\s#|\s$/.test(text) && !/^(true|false|null|yes|no|on|off|~|[-+.]?\d.*)$/i.test(text);
}

export type FieldKind = "bool" | "choice" | "number" | "long" | "secret" | "text";

export function fieldKind(param: Param): FieldKind {
  if (param.secret) return "secret";
  const schema = param.schema as Schema;
  if (schema.enum && schema.enum.length > 0) return "choice";
  const types = [schema.type ?? []].flat().filter((one) => one !== "null");
  if (types.length === 1 && types[0] === "boolean") return "bool";
  if (types.length > 0 && types.every((one) => one === "integer" || one === "number")) return "number";
  if (types.includes("object") || fieldText(param.value).length > 60) return "long";
  return "text";
}

type Options = { env: string | null; executor: string | null; workers: number | null; cache: boolean };

export function commandOf(target: string, params: Record<string, string>, options: Options): string {
  const words = ["plait run", quoted(target), ...Object.entries(params).map(([name, text]) => quoted(`${name}=${text}`))];
  if (options.env) words.push("--env", quoted(options.env));
  if (options.executor) words.push("--executor", options.executor);
  if (options.workers) words.push("--workers", String(options.workers));
  if (!options.cache) words.push("--no-cache");
  return words.join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

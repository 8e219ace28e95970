/** How the page speaks to the server: one fetch, errors as the server words them, and the answers of an exported file. */

const BASE = "/api/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }

  get title(): string {
    return TITLES[this.code] ?? "This did not work";
  }
}

const TITLES: Record<string, string> = {
  not_found: "Nothing here by that name",
  unauthorized: "This server asks for a token",
  read_only: "This server only shows",
  forbidden: "This is not allowed",
  conflict: "Not now",
  busy: "The record store is busy",
  gone: "This is gone",
  store: "The record store cannot be read",
  too_large: "Too large to show",
  too_many: "Too many requests",
  offline: "The server does not answer",
  not_exported: "Not part of this file",
};

export type Query = Record<string, string | number | boolean | null | undefined>;

type Exported = { version: string; api: string; run: string; exported_at: number; responses: Record<string, unknown> };

/** The answers inside an exported file; null on a page that a server serves. */
export const exported: Exported | null = readExported();

function readExported(): Exported | null {
  if (typeof document === "undefined") return null;
  const text = document.getElementById("plait-export")?.textContent;
  return text ? (JSON.parse(text) as Exported | null) : null;
}

export function path(route: string, query: Query = {}): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([key, value]) => [key, String(value)] as [string, string])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const text = new URLSearchParams(pairs).toString();
  return BASE + route + (text ? `?${text}` : "");
}

/** A part of a path: names of runs, tasks and datasets hold brackets, dots and more. */
export const part = encodeURIComponent;

export async function get<T>(route: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const address = path(route, query);
  if (exported) return fromFile<T>(address);
  return send<T>(address, { method: "GET", signal: signal ?? null });
}

export async function change<T>(method: "POST" | "PUT" | "DELETE", route: string, body?: unknown): Promise<T> {
  if (exported) throw new ApiError(0, "not_exported", "A file cannot change the run that it shows.");
  return send<T>(path(route), {
    method,
    body: body === undefined ? null : JSON.stringify(body),
    headers: { "X-Plait": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
  });
}

async function send<T>(address: string, request: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, { ...request, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "offline", "Nothing answers at this address any more.", "start it again: plait ui");
  }
  notice(answer.headers.get("X-Plait-Api"));
  if (!answer.ok) throw await asError(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function asError(answer: Response): Promise<ApiError> {
  try {
    const { error } = (await answer.json()) as { error: { code: string; message: string; hint: string | null } };
    return new ApiError(answer.status, error.code, error.message, error.hint);
  } catch {
    return new ApiError(answer.status, "internal", `The server answered ${answer.status} ${answer.statusText}.`);
  }
}

function fromFile<T>(address: string): T {
  const responses = exported?.responses ?? {};
  const found = responses[address] ?? responses[address.split("?")[0] ?? ""];
  if (found === undefined) {
    throw new ApiError(0, "not_exported", "The exported file holds the run and its first pages, not this.", "plait ui shows it");
  }
  return found as T;
}

// A tab that was open while plait was upgraded speaks an older contract than the server: it says so, and offers to reload.
let contract: string | null = null;
const onUpgrade = new Set<() => void>();
let upgraded = false;

function notice(api: string | null): void {
  if (!api) return;
  contract ??= api;
  if (api !== contract) outdated();
}

function outdated(): void {
  if (upgraded) return;
  upgraded = true;
  for (const tell of onUpgrade) tell();
}

// A page's own part that is gone though the server answers went with the upgrade, too.
if (typeof window !== "undefined") {
  window.addEventListener("vite:preloadError", () => {
    void fetch(path("/meta"), { credentials: "same-origin" }).then(outdated, () => undefined);
  });
}

export const upgrade = {
  subscribe(tell: () => void): () => void {
    onUpgrade.add(tell);
    return () => onUpgrade.delete(tell);
  },
  seen: () => upgraded,
};

/** What is around every page: where one is, where one can go, whether it is live. */
import { Menu as BaseMenu } from "@base-ui/react/menu";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { Keyboard, Menu as MenuIcon, Monitor, Moon, Search, Sun } from "lucide-react";
import { type ReactNode, lazy, Suspense, useEffect, useRef, useState } from "react";

import { ApiError, exported } from "~/api/client";
import { useConnection, useLive, useLiveRun } from "~/api/live";
import { metaQuery } from "~/api/queries";
import type { RunRow } from "~/api/types";
import { IconButton } from "~/components/Button";
import { absolute } from "~/lib/format";
import { shown, useKeys } from "~/lib/keys";

import { LoginForm } from "./Login";
import { Notices } from "./Notices";
import css from "./Shell.module.css";
import { Shortcuts } from "./Shortcuts";
import { THEMES, useTheme } from "./theme";
import { useAbsoluteTimes } from "~/components/Time";
import { Toasts } from "~/components/Toasts";

const palettePart = () => import("./Palette");
const Palette = lazy(palettePart);

const PLACES = [
  { to: "/runs", label: "Runs", keys: "g r" },
  { to: "/pipelines", label: "Pipelines", keys: "g p" },
  { to: "/catalog", label: "Catalog", keys: "g c" },
  { to: "/project", label: "Project", keys: "g s" },
] as const;

export function Shell({ children }: { children: ReactNode }) {
  const meta = useQuery(metaQuery);
  const navigate = useNavigate();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [exact, setExact] = useAbsoluteTimes();
  const [theme, setTheme] = useTheme();
  const here = useRouterState({ select: (state) => state.location.pathname });
  const run = /^\/runs\/([^/]+)/.exec(here)?.[1] ?? null;
  useLiveRun(run ? decodeURIComponent(run) : null);
  const client = useQueryClient();
  useLive("project", () => {
    for (const key of ["project", "pipelines", "pipeline", "catalog"]) void client.invalidateQueries({ queryKey: [key] });
  });

  // It opens at once when its key is pressed: whoever presses it types on.
  useEffect(() => {
    const timer = setTimeout(() => void palettePart().catch(() => undefined), 1500);
    return () => clearTimeout(timer);
  }, []);
  const soon = useRef<ReturnType<typeof setTimeout> | null>(null);
  useLive("runs", ({ changed, removed }) => {
    // A run that ended has written datasets and made histories longer.
    if (soon.current || (removed.length === 0 && changed.every((one) => (one as RunRow).status === "running"))) return;
    soon.current = setTimeout(() => {
      soon.current = null;
      for (const key of ["pipelines", "pipeline", "catalog", "lineage"]) void client.invalidateQueries({ queryKey: [key] });
    }, 2000);
  });

  useKeys("Everywhere", [
    { keys: "mod+k", does: "search for anything, or do it", run: () => setPalette((open) => !open), inFields: true },
    { keys: "?", does: "show these keys", run: () => setHelp(true) },
    ...(exported ? [] : PLACES.map((one) => ({ keys: one.keys, does: `go to ${one.label.toLowerCase()}`, run: () => void navigate({ to: one.to }) }))),
    { keys: "t", does: "relative or absolute times", run: () => setExact(!exact) },
    { keys: "T", does: "light, dark or the system's theme", run: () => setTheme(next(theme)) },
  ]);

  const title = here.split("/").filter(Boolean).map(decodeURIComponent).reverse().join(" · ");
  useEffect(() => {
    document.title = title ? `${title} · plait` : "plait";
  }, [title]);

  if (meta.error instanceof ApiError && meta.error.code === "unauthorized") return <LoginForm />;
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#page">
        Skip to the page
      </a>
      <header className={css.header}>
        <Link to="/" className={css.brand} aria-label="plait: start">
          <Braid />
          <span>plait</span>
        </Link>
        {!exported && (
          <nav className={css.places} aria-label="Pages">
            {PLACES.map((one) => (
              <Link key={one.to} to={one.to} className={css.place} activeProps={{ "data-here": "" }}>
                {one.label}
              </Link>
            ))}
          </nav>
        )}
        {exported && <span className={css.exported}>exported {absolute(new Date(exported.exported_at * 1000))}</span>}
        <span className={css.space} />
        {meta.data?.project && (
          <span className={css.project} title={meta.data.project.folder}>
            {meta.data.project.name}
            {meta.data.project.env && <span className="dim"> / {meta.data.project.env}</span>}
            {meta.data.read_only && <span className={css.readonly}>read-only</span>}
          </span>
        )}
        <Live />
        <button type="button" className={css.search} onClick={() => setPalette(true)}>
          <Search size={14} aria-hidden="true" />
          <span>Search</span>
          <kbd>{shown("mod+k")}</kbd>
        </button>
        <IconButton label={`Theme: ${theme}`} keys="T" onClick={() => setTheme(next(theme))}>
          {theme === "dark" ? <Moon size={15} /> : theme === "light" ? <Sun size={15} /> : <Monitor size={15} />}
        </IconButton>
        <IconButton label="Keyboard" keys="?" onClick={() => setHelp(true)} className={css.wide}>
          <Keyboard size={15} />
        </IconButton>
        {!exported && <NarrowMenu />}
      </header>
      <Notices />
      <main id="page" className={css.page} tabIndex={-1}>
        {children}
      </main>
      {palette && (
        <Suspense>
          <Palette onClose={() => setPalette(false)} onHelp={() => setHelp(true)} />
        </Suspense>
      )}
      <Shortcuts open={help} onClose={() => setHelp(false)} />
      <Toasts />
    </div>
  );
}

function next(theme: (typeof THEMES)[number]) {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
}

function NarrowMenu() {
  const navigate = useNavigate();
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger className={css.narrow} aria-label="Pages">
        <MenuIcon size={16} />
      </BaseMenu.Trigger>
      <BaseMenu.Portal>
        <BaseMenu.Positioner sideOffset={4} align="end" className="layer">
          <BaseMenu.Popup className="popup">
            {PLACES.map((one) => (
              <BaseMenu.Item key={one.to} className="item" onClick={() => void navigate({ to: one.to })}>
                {one.label}
              </BaseMenu.Item>
            ))}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

const WORDS = {
  live: "live",
  connecting: "connecting",
  lost: "not connected: trying again",
  off: "",
};

function Live() {
  const connection = useConnection();
  if (connection === "off") return null;
  return (
    <span className={css.live} data-state={connection} role="status" title={WORDS[connection]}>
      <span className={css.dot} aria-hidden="true" />
      <span className={css.liveWord}>{connection === "lost" ? "offline" : WORDS[connection]}</span>
    </span>
  );
}

/** Three strands. */
export function Braid({ size = 20 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} fill="none" strokeWidth="3.2" strokeLinecap="round" aria-hidden="true">
      <path stroke="var(--series-1)" d="M3 7c9 0 9 9 14 12s10 4 12 6" />
      <path stroke="var(--series-2)" d="M3 16c6 0 7-9 13-9s9 7 13 9" />
      <path stroke="var(--series-3)" d="M3 25c8 0 9-9 14-12s9-6 12-6" />
    </svg>
  );
}

/** What a page says when it waits, is empty, or could not get its data: always what to do next. */
import { type ReactNode, useEffect, useState } from "react";

import { ApiError } from "~/api/client";

import { Button } from "./Button";
import { Command } from "./Copy";
import css from "./Feedback.module.css";

/** Quiet for a fifth of a second: what answers at once needs no sign of waiting. */
export function Loading({ what = "Loading" }: { what?: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={css.loading} role="status" aria-live="polite">
      {late && (
        <>
          <span className={css.thread} aria-hidden="true" />
          {what} …
        </>
      )}
    </div>
  );
}

type EmptyProps = { title: string; page?: boolean; children?: ReactNode; command?: string | string[]; action?: ReactNode };

/** Nothing to show, and what to type so that there is; `page` when it is all that the page says. */
export function Empty({ title, page, children, command, action }: EmptyProps) {
  const Head = page ? "h1" : "h2";
  const commands = command === undefined ? [] : Array.isArray(command) ? command : [command];
  return (
    <div className={css.empty}>
      <Head>{title}</Head>
      {children && <div className={css.words}>{children}</div>}
      {commands.map((one) => (
        <Command key={one} text={one} />
      ))}
      {action}
    </div>
  );
}

export function ErrorView({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  return (
    <div className={css.error} role="alert">
      <h2>{known?.title ?? "This did not work"}</h2>
      <p className={css.words}>{message}</p>
      {known?.hint && <p className={css.hint}>→ {known.hint}</p>}
      {retry && (
        <Button onClick={retry} tone="quiet">
          Try again
        </Button>
      )}
    </div>
  );
}

/** A query's three ways to be: waiting, failed, there. */
export function Answer<T>({
  query,
  children,
  what,
}: {
  query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
  children: (data: T) => ReactNode;
  what?: string;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <ErrorView error={query.error} retry={() => void query.refetch()} />;
  return <Loading what={what} />;
}

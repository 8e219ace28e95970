/** Things to press. */
import type { ComponentProps, ReactNode } from "react";

import { classes } from "~/lib/classes";

import css from "./Button.module.css";
import { Tip } from "./Tip";

type Tone = "plain" | "primary" | "quiet" | "danger";

export function Button({ tone = "plain", className, ...rest }: ComponentProps<"button"> & { tone?: Tone }) {
  return <button type="button" {...rest} className={classes(css.button, css[tone], className)} />;
}

/** A button that shows an icon alone: its label is read aloud and shown on hover, with its key. */
export function IconButton({
  label,
  keys,
  children,
  className,
  tone = "quiet",
  ...rest
}: ComponentProps<"button"> & { label: string; keys?: string; children: ReactNode; tone?: Tone }) {
  return (
    <Tip text={label} keys={keys}>
      <button type="button" aria-label={label} {...rest} className={classes(css.button, css.icon, css[tone], className)}>
        {children}
      </button>
    </Tip>
  );
}

/** Text to take along: a command, an id, a line of Python. */
import { Check, Copy as CopyIcon } from "lucide-react";
import { useState } from "react";

import { IconButton } from "./Button";
import css from "./Copy.module.css";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void put(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1400);
    });
  };
  return (
    <IconButton label={copied ? "Copied" : label} onClick={copy}>
      {copied ? <Check size={14} /> : <CopyIcon size={14} />}
      <span className="hidden-text" aria-live="polite">
        {copied ? "Copied" : ""}
      </span>
    </IconButton>
  );
}

/** A command to type in a terminal, or Python to paste. */
export function Command({ text, prompt = "$" }: { text: string; prompt?: string | null }) {
  return (
    <div className={css.command}>
      <code className={css.text}>
        {prompt && (
          <span className={css.prompt} aria-hidden="true">
            {prompt}{" "}
          </span>
        )}
        {text}
      </code>
      <CopyButton text={text} />
    </div>
  );
}

async function put(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https or permission the old way still works.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

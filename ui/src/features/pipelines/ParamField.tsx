/** One parameter to fill in, by its type. Any field takes what the command line takes. */
import { RotateCcw } from "lucide-react";
import { useId } from "react";

import type { Param, Schema } from "~/api/types";

import css from "./LaunchForm.module.css";
import { fieldKind, fieldText } from "./fields";

type Props = {
  param: Param;
  text: string;
  changed: boolean;
  error: { message: string; hint: string | null } | null;
  onChange: (text: string) => void;
  onReset: () => void;
};

export function ParamField({ param, text, changed, error, onChange, onReset }: Props) {
  const id = useId();
  const kind = fieldKind(param);
  const common = {
    id,
    className: "field",
    "aria-invalid": error !== null,
    "aria-describedby": `${id}-help`,
    required: param.required && param.value == null,
  };
  return (
    <div className={css.param} data-changed={changed || undefined}>
      <div className={css.head}>
        <label htmlFor={id}>{param.name}</label>
        <code className="dim">{param.annotation}</code>
        {changed && (
          <button type="button" className={css.reset} onClick={onReset} title={`Back to ${fieldText(param.value) || "nothing"}`}>
            <RotateCcw size={12} aria-hidden="true" /> reset
            <span className="hidden-text"> {param.name}</span>
          </button>
        )}
      </div>
      {kind === "bool" ? (
        <select {...common} value={text} onChange={(event) => onChange(event.target.value)}>
          {text === "" && <option value="">choose</option>}
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : kind === "choice" ? (
        <select {...common} value={text} onChange={(event) => onChange(event.target.value)}>
          {text === "" && <option value="">choose</option>}
          {((param.schema as Schema).enum ?? []).map((one) => (
            <option key={fieldText(one)} value={fieldText(one)}>
              {fieldText(one)}
            </option>
          ))}
        </select>
      ) : kind === "long" ? (
        <textarea {...common} rows={Math.min(8, Math.max(2, Math.ceil(text.length / 60)))} value={text} spellCheck={false} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input
          {...common}
          type={kind === "secret" ? "password" : "text"}
          inputMode={kind === "number" ? "decimal" : undefined}
          value={text}
          placeholder={param.required ? "required" : undefined}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      <p id={`${id}-help`} className={error ? css.problem : css.help}>
        {error ? `${error.message}${error.hint ? ` → ${error.hint}` : ""}` : [param.help, !changed && param.origin && `from ${param.origin}`].filter(Boolean).join(" · ")}
      </p>
    </div>
  );
}

/** The code as it ran: the step's function, and every function, class and constant of the user's that it reaches. */
import { useQuery } from "@tanstack/react-query";

import { type CodePart, codeQuery } from "~/api/run";
import { CopyButton } from "~/components/Copy";
import { Answer } from "~/components/Feedback";

import { Block, Blocks } from "./Block";
import css from "./CodeView.module.css";
import { tokens } from "./python";

export function CodeView({ run, task }: { run: string; task: string }) {
  const query = useQuery(codeQuery(run, task));
  return (
    <Answer query={query} what="Reading the code">
      {(code) => {
        const [own, ...rest] = code.components;
        // Packages stand below by their versions.
        const reached = rest.filter((one) => !one.kind.includes("package"));
        return (
          <Blocks label="Code">
            {!own && <p className="dim">The code of this task was not recorded.</p>}
            {own && (
              <Block title={own.name} note={own.where}>
                <Source part={own} />
              </Block>
            )}
            {reached.length > 0 && (
              <Block title="What it reaches" note="in the project's own code: a change of any of it runs the step again">
                {reached.map((one) => (
                  <details key={`${one.kind} ${one.name}`} className={css.reached}>
                    <summary>
                      <span>{one.name}</span> <span className="dim">{one.kind}</span> {one.where && <code className="dim">{one.where}</code>}
                    </summary>
                    <Source part={one} />
                  </details>
                ))}
              </Block>
            )}
            {code.packages.length > 0 && (
              <Block title="Packages it uses">
                <p>
                  {code.packages.map((one, at) => (
                    <span key={one.name}>
                      {at > 0 && " · "}
                      {one.name} <span className="dim">{one.version}</span>
                    </span>
                  ))}
                </p>
              </Block>
            )}
            {code.opaque.length > 0 && (
              <Block title="What cannot be seen through" note="so it makes the cache key wider, or the step is not cached">
                <ul>
                  {code.opaque.map((one) => (
                    <li key={one}>
                      <code>{one}</code>
                    </li>
                  ))}
                </ul>
              </Block>
            )}
          </Blocks>
        );
      }}
    </Answer>
  );
}

export function Source({ part }: { part: CodePart }) {
  if (!part.source) return <p className="dim">No source was recorded.</p>;
  return (
    <div className={css.source}>
      <pre tabIndex={0} aria-label={`Source of ${part.name}`}>
        <code>
          {tokens(part.source).map((one, at) =>
            one.kind === "plain" ? (
              one.text
            ) : (
              <span key={at} data-token={one.kind}>
                {one.text}
              </span>
            ),
          )}
        </code>
      </pre>
      <span className={css.copy}>
        <CopyButton text={part.source} label="Copy the code" />
      </span>
    </div>
  );
}

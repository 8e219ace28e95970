/** Start a pipeline: a field for each parameter, checked as on the command line; the plan before one presses run. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { ListChecks, Play } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";

import { ApiError, change, part } from "~/api/client";
import { useFollowLaunch } from "~/api/launches";
import { projectQuery } from "~/api/queries";
import { runQuery } from "~/api/run";
import type { CheckAnswer, Launch, Param, PipelineDetail, Plan } from "~/api/types";
import { Button } from "~/components/Button";
import { Command } from "~/components/Copy";
import { ErrorView, Loading } from "~/components/Feedback";
import { value as shownValue } from "~/lib/format";
import { useKeys } from "~/lib/keys";

import css from "./LaunchForm.module.css";
import { ParamField } from "./ParamField";
import { PlanView } from "./PlanView";
import { commandOf, errorsByName, fieldText } from "./fields";

type Props = { pipeline: PipelineDetail; from: string | undefined; readOnly: boolean };

export function LaunchForm({ pipeline, from, readOnly }: Props) {
  const project = useQuery(projectQuery());
  const earlier = useQuery({ ...runQuery(from ?? ""), enabled: from !== undefined });
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [env, setEnv] = useState("");
  const [executor, setExecutor] = useState("");
  const [workers, setWorkers] = useState("");
  const [cache, setCache] = useState(true);
  const [tags, setTags] = useState("");
  const [name, setName] = useState("");
  const [note, setNote] = useState("");
  const follow = useFollowLaunch();

  // Who came to start something types at once: in the first field, or in the first that has to be filled in. On a touch
  // screen that would open the keyboard over the form.
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (readOnly || !window.matchMedia("(pointer: fine)").matches) return;
    const fields = [...(form.current?.querySelectorAll<HTMLElement>(".field") ?? [])];
    (fields.find((one) => one.matches(":required:invalid")) ?? fields[0])?.focus({ preventScroll: true });
  }, [pipeline.name, readOnly]);

  // From an earlier run: its own values stand in the fields.
  const before = earlier.data;
  useEffect(() => {
    if (!before) return;
    const same = new Set(pipeline.params.filter((one) => !one.dataset && !one.secret).map((one) => one.name));
    setTexts(Object.fromEntries(before.params.filter((one) => same.has(one.name)).map((one) => [one.name, fieldText(one.value)])));
  }, [before, pipeline.params]);

  const params = useMemo(
    () =>
      Object.fromEntries(
        pipeline.params.flatMap((one) => {
          const text = texts[one.name];
          return text === undefined || text === "" || text === fieldText(one.value) ? [] : [[one.name, text]];
        }),
      ),
    [texts, pipeline.params],
  );
  const body = { params, env: env || null, executor: executor || null, workers: workers ? Number(workers) : null, cache };
  const place = `/pipelines/${part(pipeline.name)}`;

  const [asked, setAsked] = useState(JSON.stringify({ params, env: body.env }));
  useEffect(() => {
    const timer = setTimeout(() => setAsked(JSON.stringify({ params, env: body.env })), 500);
    return () => clearTimeout(timer);
  }, [params, body.env]);
  const check = useQuery({
    queryKey: ["check", pipeline.name, asked],
    queryFn: () => change<CheckAnswer>("POST", `${place}/check`, JSON.parse(asked)),
    enabled: !readOnly && asked !== '{"params":{},"env":null}',
    placeholderData: (last) => last,
    retry: false,
  });
  const errors = useMemo(() => errorsByName(check.data?.errors ?? [], pipeline.params.map((one) => one.name)), [check.data, pipeline.params]);
  const missing = pipeline.params.filter((one) => one.required && !one.dataset && one.value == null && !texts[one.name]);

  const plan = useMutation({ mutationFn: () => change<Plan>("POST", `${place}/plan`, { params, env: body.env, cache, refresh: [] }) });
  const run = useMutation({
    mutationFn: async () => {
      const started = await change<Launch>("POST", `${place}/run`, {
        ...body,
        refresh: [],
        tags: tags.split(/[\s,]+/).filter(Boolean),
        note: note.trim() || null,
        name: name.trim() || null,
      });
      return follow(started, pipeline.name);
    },
  });
  const busy = run.isPending;
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!busy && missing.length === 0) run.mutate();
  };
  useKeys("Run", [
    { keys: "mod+Enter", does: "run", run: () => submit(), inFields: true },
    { keys: "p", does: "plan", run: () => plan.mutate() },
  ]);

  const own = pipeline.params.filter((one) => !one.dataset);
  const datasets = pipeline.params.filter((one) => one.dataset);
  const problem = run.error ?? plan.error;
  return (
    <div className={css.page}>
      <form ref={form} className={css.form} onSubmit={submit} aria-label={`Run ${pipeline.name}`}>
        {from && before && <p className={css.from}>With the parameters of {before.id}.</p>}
        {own.length === 0 && <p className="dim">This pipeline has no parameters.</p>}
        {own.map((param) => (
          <ParamField
            key={param.name}
            param={param}
            text={texts[param.name] ?? fieldText(param.value)}
            changed={param.name in params}
            error={errors.of.get(param.name) ?? null}
            onChange={(text) => setTexts((all) => ({ ...all, [param.name]: text }))}
            onReset={() => setTexts(({ [param.name]: _, ...rest }) => rest)}
          />
        ))}
        {errors.rest.map((one) => (
          <p key={one.message} className={css.problem} role="alert">
            {one.message} {one.hint && `→ ${one.hint}`}
          </p>
        ))}
        {datasets.length > 0 && (
          <p className={css.datasets}>
            From the catalog: {datasets.map((one: Param) => one.name).join(", ")}
          </p>
        )}
        <fieldset className={css.options}>
          <legend>How it runs</legend>
          <label>
            Environment
            <select className="field" value={env} onChange={(event) => setEnv(event.target.value)}>
              <option value="">{project.data?.env ? `as set: ${project.data.env}` : "as set"}</option>
              {project.data?.environments.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
          <label>
            Executor
            <select className="field" value={executor} onChange={(event) => setExecutor(event.target.value)}>
              <option value="">as set</option>
              <option value="processes">processes</option>
              <option value="inline">inline</option>
            </select>
          </label>
          <label>
            Workers
            <input className="field" inputMode="numeric" pattern="[0-9]*" placeholder="one a core" value={workers} onChange={(event) => setWorkers(event.target.value.replace(/\D/g, ""))} />
          </label>
          <label>
            Name
            <input className="field" value={name} onChange={(event) => setName(event.target.value)} />
          </label>
          <label>
            Tags
            <input className="field" placeholder="nightly baseline" value={tags} onChange={(event) => setTags(event.target.value)} />
          </label>
          <label>
            Note
            <input className="field" value={note} onChange={(event) => setNote(event.target.value)} />
          </label>
          <label className={css.check}>
            <input type="checkbox" checked={cache} onChange={(event) => setCache(event.target.checked)} />
            Use results that are there
          </label>
        </fieldset>
        <Command text={commandOf(pipeline.target ?? pipeline.name, params, body)} />
        <div className={css.buttons}>
          <Button onClick={() => plan.mutate()} disabled={readOnly || plan.isPending}>
            <ListChecks size={14} aria-hidden="true" /> {plan.isPending ? "Planning …" : "Plan"}
          </Button>
          <Button tone="primary" type="submit" disabled={readOnly || busy || missing.length > 0 || check.data?.ok === false}>
            <Play size={13} aria-hidden="true" /> {busy ? "Starting …" : "Run"}
          </Button>
          {readOnly && <span className="dim">This server only shows: the command above runs it.</span>}
          {missing.length > 0 && <span className="dim">Needs {missing.map((one) => one.name).join(", ")}.</span>}
        </div>
      </form>
      <div className={css.side} aria-live="polite">
        {problem ? (
          <ErrorView error={problem instanceof ApiError ? problem : new Error(shownValue(problem instanceof Error ? problem.message : problem))} />
        ) : plan.isPending ? (
          <Loading what="Planning: reading the code and what earlier runs left" />
        ) : plan.data ? (
          <PlanView plan={plan.data} />
        ) : (
          <p className={css.lead}>
            <b>Plan</b> says for each step whether a result is there already, whether it runs, and why, before anything runs.
          </p>
        )}
      </div>
    </div>
  );
}

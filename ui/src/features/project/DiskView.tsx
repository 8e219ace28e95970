/** How much lies on the disk, of what, and what gc would free. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { change, get } from "~/api/client";
import type { Disk, GcAnswer } from "~/api/types";
import { Button } from "~/components/Button";
import { Command } from "~/components/Copy";
import { Answer } from "~/components/Feedback";
import { Modal } from "~/components/Modal";
import { Facts, Section } from "~/components/Page";
import { Time } from "~/components/Time";
import { complain, say } from "~/components/Toasts";
import { bytes, count, plural } from "~/lib/format";

import css from "./ProjectPage.module.css";

export function DiskView({ readOnly }: { readOnly: boolean }) {
  const disk = useQuery({
    queryKey: ["project", "disk"],
    queryFn: ({ signal }) => get<Disk>("/project/disk", {}, signal),
    refetchInterval: (query) => (query.state.data?.measuring ? 1000 : false),
  });
  return (
    <Answer query={disk} what="Measuring">
      {(found) => {
        const most = Math.max(...found.by_pipeline.map((one) => one.bytes), 1);
        return (
          <>
            <Section title="On the disk" note={found.measuring ? "measuring …" : found.measured_at !== null && <>measured <Time at={found.measured_at} /></>}>
              <Facts
                items={[
                  ["results", `${bytes(found.artifacts_bytes)} in ${count(found.blobs)} files`],
                  ["records", bytes(found.records_bytes)],
                  ["free", bytes(found.free_bytes)],
                  ["place", <code key="home">{found.home}</code>],
                ]}
              />
            </Section>
            {found.by_pipeline.length > 0 && (
              <Section title="Results by pipeline" note="a result that two pipelines use counts for both">
                <ul className={css.bars}>
                  {found.by_pipeline.map((one) => (
                    <li key={one.pipeline}>
                      <span className="cut">{one.pipeline}</span>
                      <span className={css.track} aria-hidden="true">
                        <span style={{ width: `${(100 * one.bytes) / most}%` }} />
                      </span>
                      <span className="num">{bytes(one.bytes)}</span>
                    </li>
                  ))}
                </ul>
              </Section>
            )}
            <Gc readOnly={readOnly} />
          </>
        );
      }}
    </Answer>
  );
}

function Gc({ readOnly }: { readOnly: boolean }) {
  const [keep, setKeep] = useState("30d");
  const [keepLast, setKeepLast] = useState("");
  const [sure, setSure] = useState(false);
  const client = useQueryClient();
  const body = { keep: keep.trim() || null, keep_last: keepLast ? Number(keepLast) : null };
  const preview = useMutation({ mutationFn: () => change<GcAnswer>("POST", "/project/gc/preview", body) });
  const clean = useMutation({
    mutationFn: () => change<GcAnswer>("POST", "/project/gc", body),
    onSuccess: (done) => {
      say(`Freed ${bytes(done.bytes + done.leftover_bytes)}: ${plural(done.runs, "run")}, ${plural(done.blobs, "file")}`);
      preview.reset();
      void client.invalidateQueries();
    },
    onError: complain,
  });
  const would = preview.data;
  return (
    <Section title="Clean up" note="runs that are pinned or running stay">
      <form
        className={css.gc}
        onSubmit={(event) => {
          event.preventDefault();
          preview.mutate();
        }}
      >
        <label>
          Keep runs of the last
          <input className="field" value={keep} placeholder="30d" onChange={(event) => setKeep(event.target.value)} />
        </label>
        <label>
          and the last runs of each pipeline
          <input className="field" inputMode="numeric" value={keepLast} placeholder="0" onChange={(event) => setKeepLast(event.target.value.replace(/\D/g, ""))} />
        </label>
        <Button type="submit" disabled={readOnly || preview.isPending}>
          {preview.isPending ? "Counting …" : "What would go?"}
        </Button>
      </form>
      {preview.error && (
        <p className={css.problem} role="alert">
          {preview.error.message}
        </p>
      )}
      {would && (
        <div className={css.would} role="status">
          {would.runs + would.blobs + would.leftover_bytes === 0 ? (
            <p>Nothing: all of it is in use.</p>
          ) : (
            <>
              <p>
                {plural(would.runs, "run")} and {plural(would.blobs, "result file")}: <b>{bytes(would.bytes + would.leftover_bytes)}</b>
                {would.leftover_bytes > 0 && ` (${bytes(would.leftover_bytes)} of them leftovers that no run refers to)`}
              </p>
              <Button tone="danger" onClick={() => setSure(true)} disabled={clean.isPending}>
                {clean.isPending ? "Cleaning …" : "Remove them …"}
              </Button>
            </>
          )}
        </div>
      )}
      <Command text={`plait gc${body.keep ? ` --keep ${body.keep}` : ""}${body.keep_last ? ` --keep-last ${body.keep_last}` : ""} --dry-run`} />
      <Modal open={sure} onClose={() => setSure(false)} title="Remove these runs and results?" narrow>
        <p>
          {would && `${plural(would.runs, "run")} and ${bytes(would.bytes + would.leftover_bytes)} of results`} go. This cannot be taken back.
        </p>
        <div className={css.buttons}>
          <Button onClick={() => setSure(false)}>Keep</Button>
          <Button
            tone="danger"
            onClick={() => {
              setSure(false);
              clean.mutate();
            }}
          >
            Remove
          </Button>
        </div>
      </Modal>
    </Section>
  );
}

/** All about one value: what it looks like, who made it and who used it, how to load it, where to save it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download, Pin } from "lucide-react";

import { type Artifact, type Met, artifactQuery, downloadAddress, previewQuery, previewRoute } from "~/api/artifacts";
import { exported } from "~/api/client";
import { Button } from "~/components/Button";
import { Command, CopyButton } from "~/components/Copy";
import { ErrorView, Loading } from "~/components/Feedback";
import { Facts } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";
import { bytes, count, value as written } from "~/lib/format";

import { Block } from "~/features/run/Block";

import css from "./ArtifactView.module.css";
import ArtifactPreview from "./Preview";
import { TableView } from "./TableView";

export default function ArtifactView({ id, met, onClose }: { id: string; met: Met; onClose?: () => void }) {
  const artifact = useQuery(artifactQuery(id, met));
  const preview = useQuery(previewQuery(previewRoute(id, met)));
  if (artifact.error) return <ErrorView error={artifact.error} retry={() => void artifact.refetch()} />;
  if (!artifact.data) return <Loading what="Reading the artifact" />;
  const one = artifact.data;
  const maker = one.made_by.find((of) => of.run === met.run && of.task === met.task) ?? one.made_by[0];
  const isTable = preview.data?.kind === "table" && !exported;
  return (
    <article className={css.artifact}>
      <header className={css.head}>
        <div className={css.titles}>
          <h2>{maker ? `${maker.output ?? "value"}` : (one.type ?? "Value")}</h2>
          <p className={css.facts}>
            <code>{one.type}</code>
            <span>{bytes(one.size)}</span>
            {one.pinned && (
              <span>
                <Pin size={12} aria-hidden="true" /> pinned
              </span>
            )}
            <span className={css.hash} title={`BLAKE3 of its content: ${one.id}`}>
              <code>{one.id.slice(0, 12)}</code>
              <CopyButton text={one.id} label="Copy the hash" />
            </span>
          </p>
        </div>
        <span className={css.actions}>
          {!exported && one.format !== "gathered" && <Downloads id={id} met={met} table={isTable} />}
          {onClose && <Button onClick={onClose}>Close</Button>}
        </span>
      </header>
      <div className={isTable ? css.table : css.preview}>{isTable ? <TableView id={id} met={met} /> : <ArtifactPreview id={id} met={met} />}</div>
      <div className={css.more}>
        {one.python && (
          <Block title="Load in Python">
            <Command text={one.python} prompt={null} />
          </Block>
        )}
        {one.made_by.length > 0 ? (
          <Block title="Made by">
            <Places items={one.made_by.map((of) => ({ ...of, name: of.output }))} label="Made by" head="Output" />
          </Block>
        ) : met.run && met.task ? (
          // What a task logged is no output of it: the place where it was met says whose it is.
          <Block title="Logged by">
            <Places items={[{ run: met.run, task: met.task, name: "" }]} label="Logged by" head="" />
          </Block>
        ) : (
          <p className="dim">It was given to a run.</p>
        )}
        <Block title="Used by" note={one.more_users > 0 ? `and ${count(one.more_users)} more` : undefined}>
          {one.used_by.length > 0 ? <Places items={one.used_by.map((of) => ({ ...of, name: of.input }))} label="Used by" head="Input" /> : <p className="dim">No task has taken it as an input.</p>}
        </Block>
        <Block title="Stored">
          <Facts
            items={[
              ["hash", <code key="hash">{one.id}</code>],
              ["format", one.format],
              ["size", bytes(one.size)],
              ["buffers", one.blobs],
              ...Object.entries(one.meta ?? {}).map(([name, of]) => [name, typeof of === "object" && of !== null ? JSON.stringify(of) : written(of)] as const),
            ]}
          />
        </Block>
      </div>
    </article>
  );
}

function Downloads({ id, met, table }: { id: string; met: Met; table: boolean }) {
  const formats = table ? ["csv", "parquet"] : [""];
  return (
    <>
      {formats.map((format) => (
        <a key={format} className={css.download} href={downloadAddress(id, { ...met, format: format || undefined })} download>
          <Download size={13} aria-hidden="true" /> {format ? format : "Download"}
        </a>
      ))}
    </>
  );
}

type Place = { run: string; task: string; name: Artifact["made_by"][number]["output"] };

function Places({ items, label, head }: { items: Place[]; label: string; head: string }) {
  return (
    <SimpleTable
      label={label}
      rows={items}
      rowKey={(one, at) => `${one.run} ${one.task} ${at}`}
      columns={[
        {
          head: "Task",
          cell: (one) => (
            <Link to="/runs/$runId" params={{ runId: one.run }} search={{ task: one.task }} className="link">
              {one.task}
            </Link>
          ),
        },
        ...(head ? [{ head, cell: (one: Place) => one.name }] : []),
        {
          head: "Run",
          wide: true,
          cell: (one) => (
            <Link to="/runs/$runId" params={{ runId: one.run }} className="link">
              {one.run}
            </Link>
          ),
        },
      ]}
    />
  );
}

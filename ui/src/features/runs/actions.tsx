/** What can be done with runs: the same list in the table, over a selection, and on a run's own page. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Ban, GitFork, Pencil, Pin, PinOff, Play, RotateCcw, Tag, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";

import { change, part } from "~/api/client";
import { useFollowLaunch } from "~/api/launches";
import type { Bulk, Launch, RunRow } from "~/api/types";
import { Button } from "~/components/Button";
import type { MenuEntry } from "~/components/MenuButton";
import { Modal } from "~/components/Modal";
import { complain, say } from "~/components/Toasts";
import { plural } from "~/lib/format";
import { asState, isLive } from "~/lib/states";

import css from "./actions.module.css";

type Dialog = { kind: "tags" | "note" | "name" | "delete"; runs: RunRow[] };

export type RunActions = {
  entries: (run: RunRow) => MenuEntry[];
  /** `undefined` when nothing may be changed */
  bulk: (kind: "tag" | "pin" | "unpin" | "delete" | "cancel", runs: RunRow[]) => void;
  dialogs: ReactNode;
};

export function useRunActions({ readOnly = false, onDeleted }: { readOnly?: boolean; onDeleted?: (ids: string[]) => void } = {}): RunActions {
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const client = useQueryClient();
  const navigate = useNavigate();
  const follow = useFollowLaunch();
  const refresh = () => {
    void client.invalidateQueries({ queryKey: ["runs"] });
    void client.invalidateQueries({ queryKey: ["run"] });
  };
  const attempt = async (act: () => Promise<unknown>, said?: string) => {
    try {
      await act();
      if (said) say(said);
      refresh();
    } catch (error) {
      complain(error);
    }
  };
  const many = (action: "tag" | "pin" | "unpin" | "delete" | "cancel", runs: RunRow[], tags: string[] = []) =>
    attempt(async () => {
      const answer = await change<Bulk>("POST", "/runs/bulk", { runs: runs.map((one) => one.id), action, tags });
      for (const one of answer.failed.slice(0, 3)) say(`${one.run}: ${one.message}`, { tone: "bad" });
      if (answer.done.length > 0) say(`${plural(answer.done.length, "run")} ${PAST[action]}`);
      if (action === "delete") onDeleted?.(answer.done);
    });
  const start = (run: RunRow, what: "resume" | "rerun") =>
    attempt(async () => {
      const started = await change<Launch>("POST", `/runs/${part(run.id)}/${what}`, what === "rerun" ? { params: {} } : undefined);
      await follow(started, what === "rerun" ? `${run.pipeline} again` : `Resume ${run.id}`);
    });

  const entries = (run: RunRow): MenuEntry[] => {
    const live = isLive(asState(run.status));
    const why = readOnly ? "This server only shows." : undefined;
    const item = (text: string, icon: ReactNode, act: () => void, options: { disabled?: boolean; danger?: boolean } = {}): MenuEntry => ({
      text,
      icon,
      run: act,
      disabled: readOnly || options.disabled,
      danger: options.danger,
      why,
    });
    return [
      live
        ? item("Cancel", <Ban size={14} />, () => void attempt(() => change("POST", `/runs/${part(run.id)}/cancel`), `${run.id} is being cancelled`))
        : item("Resume", <Play size={14} />, () => void start(run, "resume"), { disabled: run.status === "done" }),
      item("Run again", <RotateCcw size={14} />, () => void start(run, "rerun")),
      item("Run again with other parameters …", <GitFork size={14} />, () => void navigate({ to: "/pipelines/$name", params: { name: run.pipeline }, search: { tab: "run", from: run.id } })),
      { kind: "separator" },
      item("Tags …", <Tag size={14} />, () => setDialog({ kind: "tags", runs: [run] })),
      item("Note …", <Pencil size={14} />, () => setDialog({ kind: "note", runs: [run] })),
      item("Name …", <Pencil size={14} />, () => setDialog({ kind: "name", runs: [run] })),
      run.pinned ? item("Unpin", <PinOff size={14} />, () => void many("unpin", [run])) : item("Pin: gc keeps it", <Pin size={14} />, () => void many("pin", [run])),
      { kind: "separator" },
      item("Delete …", <Trash2 size={14} />, () => setDialog({ kind: "delete", runs: [run] }), { danger: true, disabled: live }),
    ];
  };

  const bulk: RunActions["bulk"] = (kind, runs) => {
    if (kind === "tag") setDialog({ kind: "tags", runs });
    else if (kind === "delete") setDialog({ kind: "delete", runs });
    else void many(kind, runs);
  };

  const close = () => setDialog(null);
  const first = dialog?.runs[0];
  const dialogs = (
    <>
      {dialog?.kind === "tags" && first && (
        <TextDialog
          title={dialog.runs.length === 1 ? `Tags of ${first.id}` : `Tag ${plural(dialog.runs.length, "run")}`}
          label="Tags, separated by spaces"
          value={dialog.runs.length === 1 ? first.tags.join(" ") : ""}
          onClose={close}
          onSave={(text) => {
            const tags = text.split(/[\s,]+/).filter(Boolean);
            if (dialog.runs.length > 1) return many("tag", dialog.runs, tags);
            const body = { add: tags.filter((one) => !first.tags.includes(one)), remove: first.tags.filter((one) => !tags.includes(one)) };
            return attempt(() => change("PUT", `/runs/${part(first.id)}/tags`, body), "Tags saved");
          }}
        />
      )}
      {dialog?.kind === "note" && first && (
        <TextDialog
          title={`Note on ${first.id}`}
          label="Note"
          value={first.note}
          long
          onClose={close}
          onSave={(text) => attempt(() => change("PUT", `/runs/${part(first.id)}/note`, { text }), "Note saved")}
        />
      )}
      {dialog?.kind === "name" && first && (
        <TextDialog
          title={`Name of ${first.id}`}
          label="Name"
          value={first.name ?? ""}
          onClose={close}
          onSave={(text) => attempt(() => change("PUT", `/runs/${part(first.id)}/name`, { name: text }), "Name saved")}
        />
      )}
      {dialog?.kind === "delete" && (
        <Modal open onClose={close} title={dialog.runs.length === 1 ? `Delete ${first?.id}?` : `Delete ${plural(dialog.runs.length, "run")}?`} narrow>
          <p>The records go now; results that no other run uses go with the next clean-up. This cannot be taken back.</p>
          <div className={css.buttons}>
            <Button onClick={close}>Keep</Button>
            <Button
              tone="danger"
              onClick={() => {
                void many("delete", dialog.runs);
                close();
              }}
            >
              Delete
            </Button>
          </div>
        </Modal>
      )}
    </>
  );
  return { entries, bulk, dialogs };
}

const PAST = { tag: "tagged", pin: "pinned", unpin: "unpinned", delete: "deleted", cancel: "being cancelled" };

type TextProps = { title: string; label: string; value: string; long?: boolean; onClose: () => void; onSave: (text: string) => unknown };

function TextDialog({ title, label, value, long, onClose, onSave }: TextProps) {
  const [text, setText] = useState(value);
  return (
    <Modal open onClose={onClose} title={title} narrow>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSave(text.trim());
          onClose();
        }}
      >
        <label className={css.label}>
          {label}
          {long ? (
            <textarea className="field" rows={5} value={text} onChange={(event) => setText(event.target.value)} />
          ) : (
            <input className="field" value={text} onChange={(event) => setText(event.target.value)} spellCheck={false} />
          )}
        </label>
        <div className={css.buttons}>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit">
            Save
          </Button>
        </div>
      </form>
    </Modal>
  );
}

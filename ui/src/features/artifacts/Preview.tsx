/** A value of any type, as the server previews it. */
import { value } from "~/lib/format";

export type PreviewAnswer = { kind: string } & Record<string, unknown>;

export function Preview({ preview }: { preview: PreviewAnswer; artifact?: string; rows?: number }) {
  return <pre>{value(preview)}</pre>;
}

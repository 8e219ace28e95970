/** A place in the user's own files, from the project's folder on. */
import { useQuery } from "@tanstack/react-query";

import { metaQuery } from "~/api/queries";

export function Where({ at }: { at: string | null | undefined }) {
  const meta = useQuery(metaQuery);
  if (!at) return null;
  const folder = meta.data?.project.folder;
  const short = folder && at.startsWith(`${folder}/`) ? at.slice(folder.length + 1) : at;
  return (
    <code className="dim" title={at}>
      {short}
    </code>
  );
}

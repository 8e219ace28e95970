/** Every question to the server that more than one place asks. */
import { queryOptions } from "@tanstack/react-query";

import { get } from "./client";
import type { Meta } from "./types";

export const metaQuery = queryOptions({
  queryKey: ["meta"],
  queryFn: ({ signal }) => get<Meta>("/meta", {}, signal),
  staleTime: 60_000,
});

/** A run that was asked for from here: from the press to its page. */
import { useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";

import { complain, say } from "~/components/Toasts";

import { get, part } from "./client";
import type { Launch } from "./types";

/** Follow a launch until its run exists, then show it; tell why when it ends before. */
export function useFollowLaunch(): (started: Launch, what: string) => Promise<string | null> {
  const navigate = useNavigate();
  return useCallback(
    async (started, what) => {
      const show = (run: string) => {
        void navigate({ to: "/runs/$runId", params: { runId: run } });
        return run;
      };
      if (started.run) return show(started.run);
      say(`${what}: starting …`);
      try {
        for (let wait = 200; ; wait = Math.min(wait * 1.3, 1500)) {
          await new Promise((resolve) => setTimeout(resolve, wait));
          const launch = await get<Launch>(`/launches/${part(started.id)}`);
          if (launch.run) return show(launch.run);
          if (launch.state === "ended") {
            throw new Error(`${what} ended before a run was recorded (exit ${launch.exit}).\n${launch.output.trim().split("\n").slice(-8).join("\n")}`);
          }
        }
      } catch (error) {
        complain(error);
        return null;
      }
    },
    [navigate],
  );
}

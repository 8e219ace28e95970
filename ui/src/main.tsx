/** The page starts here. */
import "./styles/tokens.css";
import "./styles/base.css";

import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { TipProvider } from "./components/Tip";
import { listen } from "./lib/keys";
import { queries, router } from "./router";

listen();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queries}>
          <TipProvider delay={400}>
            <RouterProvider router={router} />
          </TipProvider>
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}

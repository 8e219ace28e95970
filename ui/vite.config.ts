import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The server under a development build: `plait ui --no-browser --port 4210`, then `npm run dev`.
const server = process.env.PLAIT_UI ?? "http://127.0.0.1:4210";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../src/plait/server/static",
    emptyOutDir: true,
    target: "es2022",
    // The page's policy forbids data: addresses except for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What most pages share is one file, not thirty small ones that wait for each other.
        codeSplitting: { groups: [{ name: "shared", test: /src\/(api|lib|components)\/(?!graph\/|Chart)|node_modules\/(@base-ui|@tanstack|lucide-react)\//, minShareCount: 2 }] },
      },
    },
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
});

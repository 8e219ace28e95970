import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { type Plugin, defineConfig } from "vite";

const POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src data: blob:",
  "font-src data:",
  "worker-src data: blob:",
].join("; ");

/** Everything inside one page, which opens from a folder or a mail without a server: `plait ui export` lays a run in. */
function onePage(): Plugin {
  return {
    name: "one-page",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("the build made no index.html");
      let html = String(page.source);
      for (const [name, one] of Object.entries(bundle)) {
        const tag = new RegExp(`\\s*<(script|link)[^>]*(src|href)="[^"]*${name}"[^>]*>(</script>)?`);
        if (one.type === "chunk") {
          // There is nothing to load beside the page; this mark would be filled in after us.
          const code = one.code.replaceAll("__VITE_PRELOAD__", "void 0").replace(/<\/script/g, "<\\/script");
          html = html.replace(tag, "").replace("</body>", () => `  <script type="module">${code}</script>\n  </body>`);
          delete bundle[name];
        } else if (name.endsWith(".css")) {
          html = html.replace(tag, () => `\n    <style>${String(one.source)}</style>`);
          delete bundle[name];
        }
      }
      const theme = readFileSync(fileURLToPath(new URL("./public/theme.js", import.meta.url)), "utf8");
      html = html
        .replace(/\s*<link rel="icon"[^>]*>/, "")
        .replace(/<script src="[^"]*theme\.js"><\/script>/, () => `<script>${theme}</script>`)
        .replace("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${POLICY}" />`)
        .replace('<div id="root"></div>', '<div id="root"></div>\n    <script id="plait-export" type="application/json">null</script>');
      if (/(src|href)="(?!data:)[^"]*\.(js|css)"/.test(html)) throw new Error("something of the page is still outside of it");
      delete bundle["index.html"];
      this.emitFile({ type: "asset", fileName: "export.html", source: html });
    },
  };
}

export default defineConfig({
  plugins: [react(), onePage()],
  base: "./",
  publicDir: false,
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../src/plait/server/static",
    emptyOutDir: false,
    target: "es2022",
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: false } },
  },
});

/** @file The dev server of the page: limn from this repository, its models as files, and the headers that threads need. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// Threads of WebAssembly share memory, which browsers allow to cross-origin isolated pages only.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // Models lie at the root of the site: /emblem/unet/….
  publicDir: fileURLToPath(new URL("../../models", import.meta.url)),
  // A missing file is a 404 and not the page: this is no application of one page.
  appType: "mpa",
  server: { headers },
  preview: { headers },
  worker: { format: "es" },
  // It finds its own files by the place of its code.
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  build: { target: "es2023", chunkSizeWarningLimit: 1000 },
});

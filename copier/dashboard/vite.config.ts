// What `npm run build` makes: plain files that a strict content security policy lets run.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // Small files would become data: addresses, which the policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

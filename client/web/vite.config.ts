import type { HtmlTagDescriptor, Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Turns every `data:` picture in a style sheet into a file.
 *
 * Pico draws its ticks and chevrons as `data:` addresses, and the pages are served under
 * `default-src 'self'`, which refuses those.
 */
function picturesAsFiles(): Plugin {
  return {
    name: "pictures-as-files",
    generateBundle(_options, bundle) {
      for (const part of Object.values(bundle)) {
        if (part.type !== "asset" || !part.fileName.endsWith(".css")) continue;
        const css =
          typeof part.source === "string" ? part.source : new TextDecoder().decode(part.source);
        part.source = css.replace(
          /url\((["']?)data:image\/svg\+xml,(.*?)\1\)/g,
          (_all, _quote, picture: string) => {
            const reference = this.emitFile({
              type: "asset",
              name: "icon.svg",
              source: decodeURIComponent(picture),
            });
            return `url(/static/${this.getFileName(reference)})`;
          },
        );
        if (part.source.includes("url(data:")) this.error("a style sheet holds a data: address");
      }
    },
  };
}

/** Puts into every page's head what all of them have; it comes before anything else is read. */
function oneHead(): Plugin {
  const meta = (attrs: Record<string, string>) => ({ tag: "meta", attrs });
  const tags: HtmlTagDescriptor[] = [
    meta({ charset: "utf-8" }),
    meta({ name: "viewport", content: "width=device-width, initial-scale=1" }),
    meta({ name: "color-scheme", content: "light dark" }),
    { tag: "link", attrs: { rel: "icon", href: "/static/icon.svg", type: "image/svg+xml" } },
  ];
  return {
    name: "one-head",
    transformIndexHtml: () => tags.map((tag) => ({ ...tag, injectTo: "head-prepend" })),
  };
}

export default defineConfig({
  base: "/static/",
  build: {
    outDir: "../../proctor/web/pages",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    // Every browser that the pages are for knows it by itself.
    modulePreload: { polyfill: false },
    // An inlined picture is a data: address, see above.
    assetsInlineLimit: 0,
    rollupOptions: {
      input: [
        "index.html",
        "join.html",
        "console/wall.html",
        "console/review.html",
        "console/identity.html",
        "console/report.html",
        "console/agreement.html",
      ],
    },
  },
  plugins: [oneHead(), picturesAsFiles()],
  // Where all is well a limit costs nothing, and a slow machine is no broken test.
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});

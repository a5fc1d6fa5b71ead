import { createHash } from "node:crypto";
import { z } from "zod";
import { defineTool, type ToolServer } from "../../tool.ts";
import { workspacePath } from "../filesystem/path-argument.ts";
import { writeInside } from "../filesystem/write-inside.ts";
import { asResult } from "../tool-failure.ts";
import { download } from "./download.ts";
import { sniffType, typeProblem } from "./file-type.ts";
import type { Reach } from "./outward-request.ts";
import { type Sleep, sleep } from "./retry.ts";
import { SEARCH_SOURCES, searchServer } from "./search-server.ts";

export type WebServerDeps = {
  /** A SearXNG, or an address with `{query}` in it that answers with JSON. Absent: search_web says how to set it. */
  readonly searchUrl?: string;
  /** What downloads may reach beside public https addresses. */
  readonly reach: Reach;
  /** The workspace. */
  readonly root: string;
  /** Between attempts. Default: the clock's. */
  readonly sleep?: Sleep;
};

/** Searching the web and fetching files from it. */
export function openWebServer(deps: WebServerDeps): ToolServer {
  return {
    name: "web",
    instructions: "Searches the web by the configured search server and saves public files in the workspace.",
    tools: [searchTool(deps), downloadTool(deps)],
  };
}

function searchTool({ searchUrl }: WebServerDeps) {
  return defineTool({
    name: "search_web",
    title: "Search the web",
    description: "Search the web for current facts or error messages. Not for local files: use search_docs.",
    input: z.strictObject({
      query: z.string().trim().min(1).max(300),
      source: z.enum(SEARCH_SOURCES).optional(),
    }),
    output: z.object({ results: z.array(z.object({ title: z.string(), url: z.string(), excerpt: z.string() })) }),
    annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: true },
    effect: "none",
    example: { query: "python TypeError unhashable type list" },
    run: async ({ query, source = "web" }, { signal }) => {
      if (searchUrl === undefined) {
        const why =
          "No search server is configured: SEARXNG_URL must name one. Go on with search_docs or what you know.";
        return { ok: false, why };
      }
      const found = await searchServer(searchUrl, { query, source }, signal);
      if (!found.ok) return found;
      const { results } = found;
      const lines = results.map((result, index) => `${index + 1}. ${result.title}\n${result.url}\n${result.excerpt}`);
      return { ok: true, output: { results }, text: lines.join("\n\n") || "Nothing was found; try other words." };
    },
  });
}

function downloadTool({ reach, root, sleep: wait = sleep }: WebServerDeps) {
  return defineTool({
    name: "download_file",
    title: "Download a file",
    description: "Save a public https file (up to 5 MB) in the workspace. Not for packages: use install_package.",
    input: z.strictObject({ url: z.string().min(1).max(2000), path: workspacePath }),
    output: z.object({
      path: z.string(),
      bytes: z.int(),
      sha256: z.string(),
      type: z.string(),
      url: z.string(),
      attempts: z.int(),
    }),
    annotations: { readOnly: false, destructive: true, idempotent: true, openWorld: true },
    effect: "workspace",
    pathArguments: ["path"],
    example: { url: "https://example.com/data.csv", path: "data/data.csv" },
    run: ({ url, path }, { signal }) =>
      asResult(async () => {
        const file = await download({ reach, sleep: wait }, url, signal);
        if (!file.ok) return { ok: false, why: `Nothing was downloaded: ${file.why}` };
        const problem = typeProblem(file.bytes, file.declared, path);
        if (problem !== undefined) return { ok: false, why: `Nothing was saved: ${problem}.` };
        const { bytes } = writeInside(root, path, file.bytes);
        const sha256 = createHash("sha256").update(file.bytes).digest("hex");
        const type = sniffType(file.bytes) ?? plainType(file.declared);
        const output = { path, bytes, sha256, type, url: file.url, attempts: file.attempts };
        return { ok: true, output, text: `Saved ${bytes} bytes (${type}) in ${path}.` };
      }),
  });
}

function plainType(declared: string | undefined): string {
  const type = declared?.split(";")[0]?.trim().toLowerCase() ?? "";
  return /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(type) ? type : "unknown";
}

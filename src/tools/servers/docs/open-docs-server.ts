import { z } from "zod";
import { rankPassages } from "../../../memory/rank-passages.ts";
import { defineTool, type ToolServer } from "../../tool.ts";
import { excerpt } from "../web/excerpt.ts";
import { askOverMcp } from "./ask-over-mcp.ts";
import { askDocumentation, type DocumentationServer } from "./documentation-server.ts";
import { newSnippets } from "./new-snippets.ts";
import { readDocuments } from "./read-documents.ts";

export type DocsServerDeps = {
  /** The workspace. */
  readonly root: string;
  /** Absent: call_context7 answers from local documents only, and says how to set it. */
  readonly context7?: DocumentationServer;
};

const MAX_RESULTS = 5;
const EXCERPT_CHARACTERS = 400;
/** Of what a documentation server says; fixed by the specification. */
const SNIPPET_CHARACTERS = 256;
/** A local passage with so much of the query answers it. */
const LOCAL_ANSWER = 0.6;

const query = z.string().trim().min(1).max(300);

/** Documents: the workspace's own, and a documentation server for what they do not say. */
export function openDocsServer(deps: DocsServerDeps): ToolServer {
  return {
    name: "docs",
    instructions: "Searches the workspace's documents, and a documentation server for what they do not say.",
    tools: [searchTool(deps), context7Tool(deps)],
  };
}

function searchTool({ root }: DocsServerDeps) {
  return defineTool({
    name: "search_docs",
    title: "Search the documents",
    description: "Find passages in the workspace's docs, README and Markdown files. For code use search_files.",
    input: z.strictObject({ query }),
    output: z.object({
      results: z.array(
        z.object({ path: z.string(), line: z.int(), heading: z.string(), excerpt: z.string(), covered: z.number() }),
      ),
    }),
    annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
    effect: "none",
    walks: true,
    example: { query: "how to run the tests" },
    run: async (input, { signal }) => {
      const results = await localResults(root, input.query, signal);
      const lines = results.map(({ path, line, heading, excerpt: words }) => `${path}:${line} ${heading}\n${words}`);
      return { ok: true, output: { results }, text: lines.join("\n\n") || "No document has these words." };
    },
  });
}

function context7Tool({ root, context7 }: DocsServerDeps) {
  return defineTool({
    name: "call_context7",
    title: "Ask the documentation server",
    description: "Look up how a library is used, when search_docs has no answer. Not for the project itself.",
    input: z.strictObject({ query, library: z.string().trim().min(1).max(100).optional() }),
    output: z.object({
      source: z.enum(["local", "context7"]),
      results: z.array(z.object({ title: z.string(), excerpt: z.string() })),
    }),
    annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: true },
    effect: "none",
    walks: true,
    example: { query: "read a request body", library: "fastify" },
    run: async ({ query: words, library }, { signal }) => {
      const local = await localResults(root, library === undefined ? words : `${library} ${words}`, signal);
      const answers = local.filter(({ covered }) => covered >= LOCAL_ANSWER);
      if (answers.length > 0) {
        const results = answers.map((found) => ({ title: `${found.path}:${found.line}`, excerpt: found.excerpt }));
        return {
          ok: true,
          output: { source: "local" as const, results },
          text: listed("Local documents say", results),
        };
      }
      if (context7 === undefined) {
        const why = "No documentation server is configured: CONTEXT7_URL must name one. Go on with what you know.";
        return { ok: false, why };
      }
      const ask = new URL(context7.url).pathname.endsWith("/mcp") ? askOverMcp : askDocumentation;
      const asked = await ask(context7, { query: words, library }, signal);
      if (!asked.ok)
        return { ok: false, why: `The documentation server can't be asked: ${asked.why}. Go on without it.` };
      const known = local.map((found) => found.excerpt);
      const results = newSnippets(asked.snippets, known, MAX_RESULTS).map(({ title, text }) => ({
        title,
        excerpt: excerpt(text, SNIPPET_CHARACTERS),
      }));
      const text =
        results.length === 0 ? "The documentation server knows nothing new of this." : listed("Found", results);
      return { ok: true, output: { source: "context7" as const, results }, text };
    },
  });
}

async function localResults(root: string, words: string, signal: AbortSignal) {
  const ranked = rankPassages(words, await readDocuments(root, signal), MAX_RESULTS);
  return ranked.map(({ passage: { path, line, heading, words: said }, covered }) => ({
    path,
    line,
    heading: excerpt(heading, 120),
    excerpt: excerpt(said, EXCERPT_CHARACTERS),
    covered: Math.round(covered * 100) / 100,
  }));
}

function listed(lead: string, results: readonly { readonly title: string; readonly excerpt: string }[]): string {
  return `${lead}:\n${results.map(({ title, excerpt: words }) => `- ${title}: ${words}`).join("\n")}`;
}

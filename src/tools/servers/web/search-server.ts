import { z } from "zod";
import { excerpt } from "./excerpt.ts";
import { outwardRequest } from "./outward-request.ts";

export const SEARCH_SOURCES = ["web", "stackoverflow", "github"] as const;
export type SearchSource = (typeof SEARCH_SOURCES)[number];

export type WebResult = { readonly title: string; readonly url: string; readonly excerpt: string };

const MAX_RESULTS = 8;
const TITLE_CHARACTERS = 160;
const EXCERPT_CHARACTERS = 300;
const MAX_BYTES = 2 * 1024 * 1024;
const TIMEOUT_MS = 20_000;

/** What is asked of each source, and which addresses count as an answer of it. */
const SOURCES: Readonly<Record<SearchSource, { readonly prefix: string; readonly isFrom: (url: URL) => boolean }>> = {
  web: { prefix: "", isFrom: () => true },
  stackoverflow: {
    prefix: "site:stackoverflow.com ",
    isFrom: ({ hostname }) => /(^|\.)stackoverflow\.com$/.test(hostname),
  },
  github: {
    prefix: "site:github.com issues ",
    isFrom: ({ hostname, pathname }) =>
      hostname === "github.com" && /^\/[^/]+\/[^/]+\/(issues|pull|discussions)\//.test(pathname),
  },
};

/** SearXNG's answer, and with other names for the excerpt those of others. */
const answerSchema = z.object({
  results: z.array(
    z.object({
      title: z.string().nullish(),
      url: z.string(),
      content: z.string().nullish(),
      snippet: z.string().nullish(),
      description: z.string().nullish(),
    }),
  ),
});

/** The address that asks a search server: its own `{query}` filled in, or SearXNG's way. Pure. */
function searchAddress(server: string, query: string, source: SearchSource): URL {
  const words = SOURCES[source].prefix + query;
  if (server.includes("{query}")) return new URL(server.replaceAll("{query}", encodeURIComponent(words)));
  const url = new URL(server);
  url.pathname = `${url.pathname.replace(/\/(search)?\/*$/, "")}/search`;
  url.search = new URLSearchParams({ q: words, format: "json" }).toString();
  return url;
}

/** The results in an answer, each address once, those of other sources left out. Pure; undefined for another format. */
function readResults(body: unknown, source: SearchSource): WebResult[] | undefined {
  const parsed = answerSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const results = new Map<string, WebResult>();
  for (const { title, url: address, content, snippet, description } of parsed.data.results) {
    const url = URL.parse(address);
    if (url === null || !/^https?:$/.test(url.protocol) || !SOURCES[source].isFrom(url)) continue;
    if (results.size === MAX_RESULTS || results.has(url.href) || url.href.length > 500) continue;
    results.set(url.href, {
      title: excerpt(title ?? "", TITLE_CHARACTERS),
      url: url.href,
      excerpt: excerpt(content ?? snippet ?? description ?? "", EXCERPT_CHARACTERS),
    });
  }
  return [...results.values()];
}

/** Asks the search server that a person configured. Its own address may be private. */
export async function searchServer(
  server: string,
  { query, source }: { readonly query: string; readonly source: SearchSource },
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly results: WebResult[] } | { readonly ok: false; readonly why: string }> {
  const url = searchAddress(server, query, source);
  const headers = { accept: "application/json" };
  const request = { url, method: "GET", headers, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS } as const;
  const answer = await outwardRequest({ allowPrivate: [url.host] }, request, signal);
  if (answer.kind === "failed") return { ok: false, why: `The search server can't be asked: ${answer.why}.` };
  if (answer.status === 403 || answer.status === 429) {
    const advice = "if it is SearXNG, its settings.yml must list json under search.formats and let this machine in";
    return { ok: false, why: `The search server refused (${answer.status}); ${advice}.` };
  }
  const results = answer.status === 200 && !answer.isCut ? readResults(parseJson(answer.body), source) : undefined;
  if (results !== undefined) return { ok: true, results };
  return { ok: false, why: `The search server's answer is no list of results (status ${answer.status}).` };
}

/** Undefined for what is no JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

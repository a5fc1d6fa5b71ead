import { z } from "zod";
import { excerpt } from "../web/excerpt.ts";
import { outwardRequest } from "../web/outward-request.ts";
import { parseJson } from "../web/search-server.ts";

export type DocumentationServer = {
  /** Where Context7's API begins, such as `https://context7.com/api`, or any server that answers as it does; one whose path ends with `/mcp` is asked by MCP. */
  readonly url: string;
  readonly apiKey?: string;
};

export type DocumentationQuestion = { readonly query: string; readonly library: string | undefined };

export type DocumentationAnswer =
  | { readonly ok: true; readonly snippets: Snippet[] }
  | { readonly ok: false; readonly why: string };

export type Snippet = { readonly title: string; readonly text: string };

const MAX_BYTES = 2 * 1024 * 1024;
const TIMEOUT_MS = 20_000;

/** What `/v3/search` answers with, as far as it is used. */
const answerSchema = z.object({
  codeSnippets: z
    .array(
      z.object({
        codeTitle: z.string().nullish(),
        codeDescription: z.string().nullish(),
        codeList: z.array(z.object({ code: z.string() })).nullish(),
      }),
    )
    .default([]),
  infoSnippets: z.array(z.object({ breadcrumb: z.string().nullish(), content: z.string() })).default([]),
});

/** Asks a documentation server once. The key goes into the request and nowhere else. */
export async function askDocumentation(
  { url: base, apiKey }: DocumentationServer,
  { query, library }: DocumentationQuestion,
  signal: AbortSignal,
): Promise<DocumentationAnswer> {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/v3/search`;
  url.search = new URLSearchParams({ query, ...(library && { library }), type: "json" }).toString();
  const headers = { accept: "application/json", ...(apiKey && { authorization: `Bearer ${apiKey}` }) };
  const request = { url, method: "GET", headers, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS } as const;
  const answer = await outwardRequest({ allowPrivate: [url.host] }, request, signal);
  if (answer.kind === "failed") return { ok: false, why: answer.why };
  // So it says that it knows nothing of this.
  if (answer.status === 404) return { ok: true, snippets: [] };
  if (answer.status !== 200) return { ok: false, why: `it answered ${answer.status}${adviceOn(answer.status)}` };
  const parsed = answerSchema.safeParse(parseJson(answer.body));
  if (!parsed.success) return { ok: false, why: "its answer is no list of snippets" };
  return { ok: true, snippets: snippetsOf(parsed.data) };
}

function adviceOn(status: number): string {
  if (status === 401 || status === 403) return ": CONTEXT7_API_KEY is missing or wrong";
  return status === 429 ? ": too many requests for now" : "";
}

function snippetsOf({ codeSnippets, infoSnippets }: z.output<typeof answerSchema>): Snippet[] {
  const code = codeSnippets.map(({ codeTitle, codeDescription, codeList }) => ({
    title: codeTitle ?? "",
    text: [codeList?.[0]?.code ?? "", codeDescription ?? ""].filter((part) => part !== "").join(" — "),
  }));
  const info = infoSnippets.map(({ breadcrumb, content }) => ({ title: breadcrumb ?? "", text: content }));
  return [...code, ...info].map(({ title, text }) => ({ title: excerpt(title, 120), text: excerpt(text, 2000) }));
}

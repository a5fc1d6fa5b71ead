import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { messageOf } from "../../../base/errors.ts";
import { limitedFetch } from "../../mcp/limited-fetch.ts";
import { readResult } from "../../mcp/read-result.ts";
import { excerpt } from "../web/excerpt.ts";
import type {
  DocumentationAnswer,
  DocumentationQuestion,
  DocumentationServer,
  Snippet,
} from "./documentation-server.ts";

const MAX_BYTES = 2 * 1024 * 1024;
const MAX_CHARACTERS = 64 * 1024;
const TIMEOUT_MS = 20_000;

/**
 * Asks a documentation server that speaks MCP, by the two tools that Context7's has: one finds a library by its name,
 * the other its documents. The key goes into the request's header and nowhere else.
 */
export async function askOverMcp(
  { url, apiKey }: DocumentationServer,
  { query, library }: DocumentationQuestion,
  signal: AbortSignal,
): Promise<DocumentationAnswer> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const client = new Client({ name: "atos", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` } },
    fetch: limitedFetch(MAX_BYTES),
  });
  const told = (words: string) => ({
    ok: false as const,
    why: excerpt(apiKey === undefined ? words : words.replaceAll(apiKey, "…"), 200),
  });
  const call = async (name: string, args: Record<string, string>) =>
    readResult(
      await client.callTool({ name, arguments: args }, { signal: limited, timeout: TIMEOUT_MS }),
      MAX_CHARACTERS,
    );
  try {
    await client.connect(transport, { signal: limited, timeout: TIMEOUT_MS });
    const found = await call("resolve-library-id", { query, libraryName: library ?? query });
    const libraryId = /library ID: (\/[\w./@-]+)/i.exec(found.text)?.[1];
    if (!found.ok) return told(`it said: ${found.text}`);
    if (libraryId === undefined) return { ok: true, snippets: [] };
    const documents = await call("query-docs", { query, libraryId });
    if (!documents.ok) return told(`it said: ${documents.text}`);
    return { ok: true, snippets: splitSnippets(documents.text) };
  } catch (error) {
    signal.throwIfAborted();
    return told(limited.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : messageOf(error));
  } finally {
    await client.close().catch(() => undefined);
  }
}

/** Snippets stand between rules of dashes, each under a heading. Pure. */
function splitSnippets(text: string): Snippet[] {
  return text.split(/^-{5,}$/m).flatMap((part) => {
    const [, title = "", rest = part] = /^\s*#+ +(.*)\n([\s\S]*)$/.exec(part) ?? [];
    const words = excerpt(rest.replaceAll(/^(?:Source: .*|```.*)$/gm, ""), 2000);
    return words === "" ? [] : [{ title: excerpt(title, 120), text: words }];
  });
}

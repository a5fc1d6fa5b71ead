import type { McpServer } from "@modelcontextprotocol/server";
import { serveStdio as serve } from "@modelcontextprotocol/server/stdio";

/**
 * Serves MCP on standard input and output, until the other side ends its input or the signal is aborted. Calls that
 * are at work then are aborted. Standard output carries the protocol and nothing else.
 */
export async function serveStdio(
  factory: () => McpServer,
  { onError, signal }: { readonly onError: (error: Error) => void; readonly signal: AbortSignal },
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  signal.addEventListener("abort", end, { once: true });
  for (const event of ["end", "close"]) process.stdin.once(event, end);
  const handle = serve(factory, { onerror: onError });
  try {
    if (!signal.aborted) await ended.promise;
  } finally {
    signal.removeEventListener("abort", end);
    await handle.close();
    process.stdin.destroy();
  }
}

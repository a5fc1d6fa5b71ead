import type { Command } from "commander";
import type { McpFlags } from "./mcp.ts";
import type { Output } from "./output.ts";

type Json = { readonly json?: boolean };
type Run = (flags: Json, command: (output: Output) => Promise<number>) => Promise<void>;

/** Declares `atos mcp`; its code is loaded when it is called. */
export function declareMcpCommand(mcp: Command, run: Run): void {
  mcp
    .summary("ATOS's tools for other programs, and other servers for ATOS")
    .description(
      "Serves one of ATOS's tool servers over MCP, on standard input and output or over HTTP; without SERVER it lists them, with what an MCP client's configuration needs.",
    )
    .argument("[server]", "filesystem, shell, code-runner … (atos mcp lists them)")
    .option("--root <dir>", "the folder that the server works in, and nowhere else")
    .option("--read-only", "only tools that change nothing")
    .option("--http", "over Streamable HTTP instead of standard input and output")
    .option("--port <n>", "with --http (any that is free)")
    .option("--host <host>", "with --http (127.0.0.1)")
    .option("--token-file <file>", "with --http: the token that requests must bring (a new one at each start)")
    .option("--others", "start the servers of mcp.json and list what they offer")
    .option("--accept <name>", "accept the tools of a server of mcp.json as they are now")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Examples:
  atos mcp
  atos mcp filesystem --root . --read-only
  atos mcp shell --root . --http --port 7801
  atos mcp --others

Calls pass your policy; what it wants a person asked about is refused, since over MCP there is nobody to ask.`,
    )
    .action((server: string | undefined, flags: Json & McpFlags & { others?: boolean; accept?: string }) =>
      run(flags, async (output) => {
        if (flags.accept !== undefined)
          return (await import("./mcp-others.ts")).runMcpAcceptCommand(flags.accept, output);
        if (flags.others === true) return (await import("./mcp-others.ts")).runMcpOthersCommand(output);
        return (await import("./mcp.ts")).runMcpCommand(server, flags, output);
      }),
    );
}

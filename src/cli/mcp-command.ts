import type { Command } from "commander";
import type { McpFlags } from "./mcp.ts";
import type { Output } from "./output.ts";

type Json = { readonly json?: boolean };
type OthersFlags = {
  readonly others?: boolean;
  readonly accept?: string;
  readonly login?: string;
  readonly logout?: string;
};
type Run = (flags: Json, command: (output: Output) => Promise<number>) => Promise<void>;

/** Declares `atos mcp`; its code is loaded when it is called. */
export function declareMcpCommand(mcp: Command, run: Run): void {
  mcp
    .summary("ATOS's tools for other programs, and other servers for ATOS")
    .description(
      "Serves one of ATOS's tool servers over MCP, on standard input and output or over HTTP; without SERVER it lists them, with what an MCP client's configuration needs.",
    )
    .argument("[server]", "filesystem, shell, code-runner … (atos mcp lists them)")
    .option("--root <dir>", "the folder that the server works in, and nowhere else (memory and workflow need none)")
    .option("--read-only", "only tools that change nothing")
    .option("--http", "over Streamable HTTP instead of standard input and output")
    .option("--port <n>", "with --http (any that is free)")
    .option("--host <host>", "with --http (127.0.0.1)")
    .option("--token-file <file>", "with --http: the token that requests must bring (a new one at each start)")
    .option("--others", "start the servers of mcp.json and list what they offer")
    .option("--accept <name>", "accept the tools of a server of mcp.json as they are now")
    .option("--login <name>", "log in to a server of mcp.json with your browser, at the address that is printed")
    .option("--logout <name>", "remove what is kept of that log-in")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Examples:
  atos mcp
  atos mcp filesystem --root . --read-only
  atos mcp shell --root . --http --port 7801
  atos mcp --others
  atos mcp --login wiki

Calls pass your policy; what it wants a person asked about is refused, since over MCP there is nobody to ask.`,
    )
    .action((server: string | undefined, flags: Json & McpFlags & OthersFlags) =>
      run(flags, async (output) => {
        if (flags.login !== undefined) return (await import("./mcp-login.ts")).runMcpLoginCommand(flags.login, output);
        if (flags.logout !== undefined)
          return (await import("./mcp-login.ts")).runMcpLogoutCommand(flags.logout, output);
        if (flags.accept !== undefined)
          return (await import("./mcp-others.ts")).runMcpAcceptCommand(flags.accept, output);
        if (flags.others === true) return (await import("./mcp-others.ts")).runMcpOthersCommand(output);
        return (await import("./mcp.ts")).runMcpCommand(server, flags, output);
      }),
    );
}

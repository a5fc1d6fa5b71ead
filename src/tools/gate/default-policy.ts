import type { Policy } from "./policy.ts";

const from = "built-in policy";

/**
 * What holds where nobody said otherwise. What stays in the workspace and its sandbox, and what only reads the web,
 * is allowed; what reaches out is asked about. Servers of an `mcp.json` are asked about whatever they say of
 * themselves: their hints come from whom the question is about.
 *
 * | call | decision |
 * | --- | --- |
 * | files, commands, code, git of the workspace | allow |
 * | a command whose words can't be known | ask |
 * | own memory, documents, web search and download | allow |
 * | installing packages | ask |
 * | calling workflows and webhooks | ask |
 * | anything of another MCP server | ask |
 */
export const DEFAULT_POLICY: Policy = {
  rules: [
    { decide: "ask", why: "it is not one of ATOS's own tools", from },
    ...["filesystem", "shell", "code-runner", "git"].map(
      (server) =>
        ({ tool: `${server}/*`, decide: "allow", why: "it stays in the workspace and its sandbox", from }) as const,
    ),
    ...["memory", "docs", "web"].map(
      (server) =>
        ({ tool: `${server}/*`, decide: "allow", why: "it reads, and changes nothing outside", from }) as const,
    ),
    { tool: "packages/*", decide: "ask", why: "it brings in code of others", from },
    { tool: "workflow/*", decide: "ask", why: "it has effects outside that can't be undone", from },
  ],
  unparsed: "ask",
};

export type ListedServer = {
  readonly name: string;
  readonly instructions: string;
  readonly tools: readonly { readonly name: string; readonly description: string; readonly effect: string }[];
  /** Why it can't be opened here. */
  readonly problem?: string;
};

type ClientConfig = {
  readonly mcpServers: Readonly<Record<string, { readonly command: string; readonly args: readonly string[] }>>;
};

/** What an MCP client's configuration needs, with this installation's own paths. Pure. */
export function mcpClientConfig({ node, entry }: { readonly node: string; readonly entry: string }): ClientConfig {
  return {
    mcpServers: {
      "atos-filesystem": { command: node, args: [entry, "mcp", "filesystem", "--root", "/path/to/a/folder"] },
    },
  };
}

/** The list for a reader. Pure. */
export function mcpServerLines(servers: readonly ListedServer[], config: ClientConfig): readonly string[] {
  const lines = servers.flatMap(({ name, instructions, tools, problem }) => [
    `${name}: ${problem === undefined ? instructions : `not here: ${problem}`}`,
    ...tools.map((tool) => `  ${tool.name}${tool.effect === "none" ? "" : ` (${tool.effect})`}: ${tool.description}`),
    "",
  ]);
  return [
    ...lines,
    "Into the configuration of an MCP client, with a server and a folder of your choice:",
    JSON.stringify(config, undefined, 2),
  ];
}

import { EXIT, usageError } from "../base/errors.ts";
import { connectExternal } from "../tools/mcp/connect-external.ts";
import { shownText } from "../tools/mcp/external-tool.ts";
import { rememberTools } from "../tools/mcp/known-tools.ts";
import { findExternal, openExternal, type ServerReport } from "../tools/mcp/open-external.ts";
import { commandContext } from "./context.ts";
import { externalPlaces } from "./external-places.ts";
import { interrupted } from "./interrupted.ts";
import type { Output } from "./output.ts";

/** `atos mcp --others`: starts the servers of `mcp.json`, and says what each offers and what is wrong with it. */
export async function runMcpOthersCommand(output: Output): Promise<number> {
  const places = externalPlaces(commandContext());
  await using opened = await openExternal(places, interrupted());
  const { reports, notices } = opened;
  output.emit({
    file: places.mcpJson,
    servers: reports.map(({ server, tools, changed, problems }) => ({
      server,
      tools: tools.map(({ definition, effect }) => ({ ...definition, effect })),
      changed: changed.map(({ name }) => name),
      problems,
    })),
    notices,
  });
  output.say(reports.length === 0 ? `No servers: ${places.mcpJson} names none.` : reports.flatMap(linesOf).join("\n"));
  for (const notice of notices) output.note(`mcp.json: ${notice}`);
  return reports.every(({ problems, changed }) => problems.length + changed.length === 0) ? EXIT.done : EXIT.failed;
}

/**
 * `atos mcp --accept SERVER`: from now on its tools are what they are now.
 *
 * @throws `cli/unknown-server` when `mcp.json` does not name it.
 */
export async function runMcpAcceptCommand(name: string, output: Output): Promise<number> {
  const places = externalPlaces(commandContext());
  const server = await findExternal(places, name);
  if (server === undefined)
    throw usageError("cli/unknown-server", `${places.mcpJson} names no server ${JSON.stringify(name)}`);
  const { env, version, loginsFolder } = places;
  await using connected = await connectExternal(server, { env, version, loginsFolder, known: {} }, interrupted());
  await rememberTools(places.knownFile, name, connected.fingerprints);
  const tools = connected.tools.map(({ definition }) => definition);
  output.emit({ server: name, accepted: tools });
  output.say([`Accepted of ${name}:`, ...tools.map((tool) => `  ${tool.name}: ${tool.description}`)].join("\n"));
  return EXIT.done;
}

function linesOf({ server, tools, changed, problems }: ServerReport): readonly string[] {
  return [
    `${server}:`,
    ...tools.map(({ definition, effect }) => `  ${definition.name} (${effect}): ${definition.description}`),
    ...changed.map((tool) => `  changed, not used: ${shownText(tool.name)}: ${shownText(tool.description ?? "")}`),
    ...(changed.length === 0 ? [] : [`  If that is what you want: atos mcp --accept ${JSON.stringify(server)}`]),
    ...problems.map((problem) => `  left out: ${problem}`),
  ];
}

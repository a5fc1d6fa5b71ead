import { join } from "node:path";
import type { ExternalPlaces } from "../tools/mcp/open-external.ts";
import type { CommandContext } from "./context.ts";
import { VERSION } from "./version.ts";

/** Where other servers are named, and where ATOS keeps what it was shown of them. */
export function externalPlaces({ configDirectory, folder, env }: CommandContext): ExternalPlaces {
  return {
    mcpJson: join(configDirectory, "mcp.json"),
    knownFile: join(folder.root, "known-tools.json"),
    loginsFolder: join(folder.root, "mcp-logins"),
    env,
    version: VERSION,
  };
}

import type { Attack } from "./attack.ts";
import { CATEGORIES } from "./attack.ts";
import { BOMBS } from "./bombs.ts";
import { ON_APPROVALS } from "./on-approvals.ts";
import { ON_COMMANDS } from "./on-commands.ts";
import { ON_DEVICES } from "./on-devices.ts";
import { ON_DOWNLOADS } from "./on-downloads.ts";
import { ON_FILES } from "./on-files.ts";
import { ON_GIT } from "./on-git.ts";
import { ON_GIT_SERVER } from "./on-git-server.ts";
import { ON_KILL } from "./on-kill.ts";
import { ON_LINKS } from "./on-links.ts";
import { ON_MCP } from "./on-mcp.ts";
import { ON_PACKAGES } from "./on-packages.ts";
import { ON_PRIVILEGE } from "./on-privilege.ts";
import { ON_PROC } from "./on-proc.ts";
import { ON_PROMPTS } from "./on-prompts.ts";
import { ON_PTRACE } from "./on-ptrace.ts";
import { ON_SECRETS } from "./on-secrets.ts";
import { ON_SOCKETS } from "./on-sockets.ts";
import { ON_WORKSPACES } from "./on-workspaces.ts";

const ALL = [
  [ON_LINKS, ON_FILES, ON_WORKSPACES, ON_PROC, ON_DEVICES, ON_SECRETS, BOMBS, ON_KILL, ON_SOCKETS, ON_PTRACE],
  [ON_PRIVILEGE, ON_GIT, ON_GIT_SERVER, ON_COMMANDS, ON_PACKAGES, ON_DOWNLOADS, ON_PROMPTS, ON_MCP, ON_APPROVALS],
].flat(2);

/** All attacks, by category. */
export const ATTACKS: readonly Attack[] = CATEGORIES.flatMap((category) =>
  ALL.filter((attack) => attack.category === category),
);

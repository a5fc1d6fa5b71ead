import { usageError } from "../base/errors.ts";
import { TOOL_SERVERS } from "../tools/servers/tool-servers.ts";
import type { Role } from "./role.ts";
import type { Team } from "./team.ts";

/** What begins with the name of a server of `mcp.json`; which tools those have is known only when they run. */
const OF_OTHERS = /^[^_].*?__./;

/**
 * Says before a build begins that a role can't have the tools that it names. Pure.
 *
 * @throws {AtosError} `agents/unknown-tool`, `agents/no-tools-here`
 */
export function checkTools({ roles, developers }: Pick<Team, "roles" | "developers">): void {
  const { integrator, ...answering } = roles;
  for (const role of Object.values(answering)) {
    if (role.tools.length > 0)
      throw usageError(
        "agents/no-tools-here",
        `the role ${role.name} names tools, and a ${role.seat} only answers; tools are for developers and the integrator`,
      );
  }
  for (const role of [...Object.values(developers), ...(integrator === undefined ? [] : [integrator])]) {
    const unknown = unknownTools(role);
    if (unknown.length > 0)
      throw usageError(
        "agents/unknown-tool",
        `the role ${role.name} names ${unknown.join(", ")}, and there ${unknown.length === 1 ? "is no such tool" : "are no such tools"}. Tools are: ${[...TOOL_SERVERS.keys()].join(", ")}; those of servers in mcp.json are named SERVER__TOOL`,
      );
  }
}

function unknownTools({ tools }: Pick<Role, "tools">): readonly string[] {
  return tools.filter((name) => !TOOL_SERVERS.has(name) && !OF_OTHERS.test(name));
}

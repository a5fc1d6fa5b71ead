import type { ServerName } from "./open-server.ts";

/**
 * Where each of ATOS's own tools for agents in builds is to be had, so that only the servers that are needed are
 * opened. Those of git are not among them: a build's workspace has no repository that an agent sees. A test compares
 * it with what the servers say.
 */
export const TOOL_SERVERS: ReadonlyMap<string, ServerName> = new Map([
  ["read_file", "filesystem"],
  ["list_files", "filesystem"],
  ["search_files", "filesystem"],
  ["write_file", "filesystem"],
  ["edit_file", "filesystem"],
  ["move_file", "filesystem"],
  ["delete_file", "filesystem"],
  ["run_command", "shell"],
  ["run_tests", "code-runner"],
  ["run_python", "code-runner"],
  ["run_node", "code-runner"],
  ["install_package", "packages"],
  ["search_web", "web"],
  ["download_file", "web"],
  ["search_docs", "docs"],
  ["call_context7", "docs"],
  ["remember", "memory"],
  ["recall", "memory"],
  ["call_workflow", "workflow"],
]);

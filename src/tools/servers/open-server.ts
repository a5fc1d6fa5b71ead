import { join } from "node:path";
import { openNotes } from "../../memory/open-notes.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { Language } from "../language.ts";
import type { ToolServer } from "../tool.ts";
import { openCodeRunnerServer } from "./code-runner/open-code-runner-server.ts";
import { openDocsServer } from "./docs/open-docs-server.ts";
import { openFilesystemServer } from "./filesystem/open-filesystem-server.ts";
import { openGitServer } from "./git/open-git-server.ts";
import { openMemoryServer } from "./memory/open-memory-server.ts";
import { dependencyMounts, readLock } from "./packages/dependency-mounts.ts";
import { openPackagesServer, type PackagesServerDeps } from "./packages/open-packages-server.ts";
import type { WorkspaceCommands } from "./shell/run-in-workspace.ts";
import { openShellServer } from "./shell/open-shell-server.ts";
import { openWebServer } from "./web/open-web-server.ts";
import type { Webhook } from "./workflow/webhook.ts";
import { openWorkflowServer } from "./workflow/open-workflow-server.ts";

/** What the servers work on and with. */
export type ServerDeps = {
  /** The workspace. */
  readonly root: string;
  /** Asked for by servers that run something. */
  readonly sandbox: () => Promise<Sandbox>;
  /** Whose tests can be run. Default: the built-in ones. */
  readonly languages?: () => Promise<readonly Language[]>;
  /** Keeps what tests compiled from one call to the next, on the workspace's file system. */
  readonly compiledFolder?: string;
  /** Where notes are kept. */
  readonly notesFolder: string;
  /** Where installed packages are kept. */
  readonly packagesFolder: string;
  /** Package registries that are not the public ones. */
  readonly registries?: NonNullable<PackagesServerDeps["registries"]>;
  readonly webhooks: Readonly<Record<string, Webhook>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The clock. */
  readonly now: () => Date;
};

/** Whose commits are made over MCP; who asked for them is not known. */
const IDENTITY = { name: "ATOS", email: "atos@localhost" };

export const SERVER_NAMES = [
  "filesystem",
  "shell",
  "code-runner",
  "git",
  "packages",
  "web",
  "docs",
  "memory",
  "workflow",
] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** Opens one of ATOS's servers by its name. */
export async function openServer(name: ServerName, deps: ServerDeps): Promise<ToolServer> {
  const { root, env, now } = deps;
  switch (name) {
    case "filesystem":
      return openFilesystemServer({ root });
    case "shell":
      return openShellServer(await commandsOf(deps));
    case "code-runner":
      return openCodeRunnerServer({
        ...(await commandsOf(deps)),
        ...(deps.languages === undefined ? {} : { languages: await deps.languages() }),
        ...(deps.compiledFolder === undefined ? {} : { compiledFolder: deps.compiledFolder }),
      });
    case "git":
      return openGitServer({ gitDir: join(root, ".git"), workTree: root, identity: IDENTITY, now });
    case "packages":
      return openPackagesServer({
        sandbox: await deps.sandbox(),
        root,
        store: deps.packagesFolder,
        ...(deps.registries === undefined ? {} : { registries: deps.registries }),
      });
    case "web": {
      const searchUrl = env["SEARXNG_URL"];
      return openWebServer({ root, reach: { allowPrivate: [] }, ...(searchUrl ? { searchUrl } : {}) });
    }
    case "docs": {
      const { CONTEXT7_URL: url, CONTEXT7_API_KEY: apiKey } = env;
      return openDocsServer({ root, ...(url ? { context7: { url, ...(apiKey ? { apiKey } : {}) } } : {}) });
    }
    case "memory":
      return openMemoryServer({ notes: openNotes(deps.notesFolder, now) });
    case "workflow":
      return openWorkflowServer({ webhooks: deps.webhooks, now });
  }
}

/** Commands see what was installed for the lock that the workspace has when they start. */
async function commandsOf({ root, packagesFolder, sandbox: open }: ServerDeps): Promise<WorkspaceCommands> {
  const sandbox = await open();
  return { root, sandbox, surroundings: async () => dependencyMounts(packagesFolder, readLock(root), sandbox) };
}

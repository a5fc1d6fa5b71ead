import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { findProbe } from "../agents/stored-probe.ts";
import { missingError } from "../base/errors.ts";
import type { Turnstile } from "../base/turnstile.ts";
import type { ToolDefinition } from "../engine/dialects/tool-definition.ts";
import type { ToolFormat } from "../engine/dialects/tool-format.ts";
import type { ModelSource } from "../engine/model.ts";
import type { Journal } from "../journal/effect.ts";
import type { WorkspaceFolder } from "../journal/workspace-folder.ts";
import type { Workspaces } from "../journal/workspaces.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { askPerson } from "../tools/gate/ask-person.ts";
import type { Gate } from "../tools/gate/call-tool.ts";
import type { GateTool } from "../tools/gate/gate-tool.ts";
import { mayCall } from "../tools/gate/may-call.ts";
import { openGate } from "../tools/gate/open-gate.ts";
import { readPolicy } from "../tools/gate/read-policy.ts";
import { redactorOf } from "../tools/gate/redact.ts";
import { secretsOf } from "../tools/gate/secrets-of.ts";
import { connectOwn } from "../tools/mcp/connect-own.ts";
import { type ExternalPlaces, openExternal } from "../tools/mcp/open-external.ts";
import type { Language } from "../tools/language.ts";
import { openServer, type ServerDeps } from "../tools/servers/open-server.ts";
import { TOOL_SERVERS } from "../tools/servers/tool-servers.ts";
import { readWebhooks } from "../tools/servers/workflow/read-webhooks.ts";
import { type Dependency, showToCommands } from "./project-dependencies.ts";
import { type ApprovalSettings, noticesOf, readSecret } from "./tell-webhook.ts";

export type ToolDeps = {
  readonly workspaces: Workspaces;
  readonly openSandbox: (unsafe: boolean) => Promise<Sandbox>;
  /** Commands of agents take their turns with the checks of code. */
  readonly checks: Turnstile;
  readonly scratchDirectory: string;
  /** Of the person: policy and webhooks. */
  readonly configDirectory: string;
  readonly probesFolder: string;
  readonly notesFolder: string;
  readonly packagesFolder: string;
  readonly registries: NonNullable<ServerDeps["registries"]>;
  readonly approvals: ApprovalSettings;
  readonly external: ExternalPlaces;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Who is given tools, and for what. */
export type ToolsRequest = {
  readonly journal: Journal;
  readonly buildId: string;
  readonly task: string;
  readonly role: string;
  readonly source: ModelSource;
  /** Names of the tools, in the order in which the model is told of them. */
  readonly tools: readonly string[];
  readonly unsafe: boolean;
  readonly expiresMs?: number;
  /** The folder that the build delivers to. A policy there counts where it is stricter. */
  readonly target: string;
  /** Those that the build knows. */
  readonly languages: readonly Language[];
  /** Packages that are installed there. */
  readonly dependencies: readonly Dependency[];
};

/** An agent's tools and the empty folder that they work in, until disposed. */
export type OpenedTools = AsyncDisposable & {
  readonly gate: Gate;
  readonly folder: WorkspaceFolder;
  readonly definitions: readonly ToolDefinition[];
  /** How the model writes calls best, as far as that is known. */
  readonly format: ToolFormat;
};

const USUAL_FORMAT: ToolFormat = "hermes-xml";

/**
 * Opens a folder, the servers that have the tools, and the gate before them. Nothing is read of `mcp.json` for who names
 * none of its tools.
 *
 * @throws {AtosError} `workflows/tool-missing`, exit 3, for a tool that is not to be had here and now.
 */
export async function openTools(deps: ToolDeps, request: ToolsRequest, signal: AbortSignal): Promise<OpenedTools> {
  const { buildId, task, journal, source, target } = request;
  const { env, approvals } = deps;
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(deps.scratchDirectory, "work-"));
  const folder = deps.workspaces.openFolder(directory);
  const empty = await folder.snapshot();
  stack.defer(async () => {
    // A command may have taken from us what is needed to remove a folder; a snapshot is restored whatever it did.
    if (empty.kind === "taken") await folder.restore(empty.snapshot);
    await rm(directory, { recursive: true, force: true });
    await rm(compiledIn(directory), { recursive: true, force: true });
  });
  const offered = [
    ...(await openOwn(deps, { request, root: folder.directory }, stack)),
    ...(await openOthers(deps, request, { stack, signal })),
  ];
  const tools = request.tools.map(
    (name) => offered.find((tool) => tool.definition.name === name) ?? missing(request, name),
  );
  const policy = await readPolicy({ configDirectory: deps.configDirectory, workspace: target });
  const secret = await readSecret(approvals).catch(() => undefined);
  const secrets = [...secretsOf(env), ...(secret === undefined ? [] : [secret])];
  const { expiresMs = approvals.expiresMs } = request;
  const redactor = redactorOf(secrets);
  const gate = openGate({
    run: { journal, buildId, task, folder },
    tools,
    decide: (question) => mayCall(policy, question),
    ask: askPerson({
      ...journal,
      redactor,
      expiresMs,
      ...noticesOf(approvals, { now: journal.now, redactor }),
    }),
    secrets,
  });
  const format = (await findProbe(deps.probesFolder, source))?.report.best ?? USUAL_FORMAT;
  const owned = stack.move();
  return {
    gate,
    folder,
    definitions: tools.map(({ definition }) => definition),
    format,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Beside an agent's folder: it is no part of its work. */
function compiledIn(directory: string): string {
  return `${directory}.compiled`;
}

async function openOwn(
  deps: ToolDeps,
  { request, root }: { readonly request: ToolsRequest; readonly root: string },
  stack: AsyncDisposableStack,
): Promise<readonly GateTool[]> {
  const names = new Set(request.tools.flatMap((tool) => TOOL_SERVERS.get(tool) ?? []));
  const { notesFolder, packagesFolder, registries, env, configDirectory } = deps;
  const { journal } = request;
  const { now } = journal;
  const webhooks = names.has("workflow") ? await readWebhooks(join(configDirectory, "webhooks.yaml")) : {};
  const sandbox = async (): Promise<Sandbox> => shownSandbox(await deps.openSandbox(request.unsafe), deps, request);
  const languages = () => Promise.resolve(request.languages);
  const serverDeps = {
    root,
    sandbox,
    languages,
    compiledFolder: compiledIn(root),
    notesFolder,
    packagesFolder,
    registries,
    webhooks,
    env,
    now,
  };
  const tools: GateTool[] = [];
  for (const name of names) tools.push(...stack.use(await connectOwn(await openServer(name, serverDeps))).tools);
  return tools;
}

async function openOthers(
  { external }: ToolDeps,
  { tools }: ToolsRequest,
  { stack, signal }: { readonly stack: AsyncDisposableStack; readonly signal: AbortSignal },
): Promise<readonly GateTool[]> {
  if (tools.every((name) => TOOL_SERVERS.has(name))) return [];
  const { reports } = stack.use(await openExternal(external, signal));
  return reports.flatMap((report) => report.tools);
}

function missing({ role }: ToolsRequest, name: string): never {
  throw missingError(
    "workflows/tool-missing",
    `the role ${role} names the tool ${name}, which no server offers now; atos mcp --others tells what those of mcp.json have, and what is wrong with them`,
  );
}

/** Runs what it is given when it is its turn, with the packages of the repository in sight. */
async function shownSandbox(plain: Sandbox, { checks }: ToolDeps, request: ToolsRequest): Promise<Sandbox> {
  const { target: directory, dependencies } = request;
  const shown = await showToCommands(plain, { directory, dependencies });
  return {
    ...shown,
    run: async (asked, signal) => {
      using _turn = await checks.take(signal);
      return shown.run(asked, signal);
    },
  };
}

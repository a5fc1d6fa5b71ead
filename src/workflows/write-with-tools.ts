import { append, type Context, type Segment } from "../agents/context.ts";
import { type Conversation, optionsOf } from "../agents/converse.ts";
import { durableAgent } from "../agents/durable-agent.ts";
import { fill } from "../agents/fill.ts";
import { type Agent, type AgentOutcome, openAgent, runAgent, systemOf } from "../agents/run-agent.ts";
import { AtosError } from "../base/errors.ts";
import type { Step } from "../base/run-graph.ts";
import type { WorkspaceFile } from "../journal/workspaces.ts";
import { keepLineEnds } from "./describe-project.ts";
import { judgeChanges } from "./judge-changes.ts";
import type { OpenedTools } from "./open-tools.ts";
import { readWritten } from "./read-written.ts";
import type { Strand } from "./strand.ts";
import { failed, type TaskJob, type TaskWork } from "./task-work.ts";

type Acting = {
  readonly strand: Strand;
  readonly job: TaskJob;
  readonly tools: OpenedTools;
  readonly agent: Agent;
  /** What the folder began with: the task's tree without the tests of tasks whose code is not there yet. */
  readonly from: string;
  /** The task's tree as it was before. */
  readonly before: string;
};

type Ending = AgentOutcome | { readonly kind: "limit"; readonly why: string };

/** What a run of the agent left: the tree of its folder, and the conversation it goes on in. */
type Acted = {
  readonly outcome: Ending;
  readonly conversation: Conversation;
  readonly folder: string;
};

type Written = { readonly ok: true; readonly tree: string } | { readonly ok: false; readonly why: string };

/**
 * The developer writes, or repairs, by calling tools in a folder of its own, one call a turn, until a reply makes no
 * call or its turns are over; then what is there counts. A repair goes on in the same context.
 *
 * Every turn and every call is a recorded step, and so is what the folder began and ended with: after a crash the
 * folder is made what it was, wherever that is by then. Only the task's own files are taken out of it.
 */
export async function writeWithTools(strand: Strand, job: TaskJob, work: TaskWork): Promise<Step<TaskWork>> {
  const { conversation: before } = work;
  if (before === undefined) throw new Error(`task ${job.task.id} is written before it is opened`);
  const { prompt: role, source } = before;
  const { request, repository, deps } = strand.build;
  await using tools = await deps.openTools(
    {
      journal: strand.deps.journal,
      buildId: strand.build.id,
      task: job.task.id,
      role: role.name,
      source,
      tools: role.tools,
      unsafe: request.unsafe,
      target: request.outDirectory,
      languages: request.languages,
      dependencies: repository?.dependencies ?? [],
      ...(request.approvalExpiresMs === undefined ? {} : { expiresMs: request.approvalExpiresMs }),
    },
    // Also to come to what is recorded when the limit was reached since.
    strand.unlimited().signal,
  );
  const from = await deps.workspaces.change(work.tree, { remove: job.otherTests });
  const known = await fillFolder(strand, { tools, from, conversation: before });
  const agent = work.agent ?? { ...known, role: role.system ?? "", options: optionsOf(before, "") };
  const acting = { strand, job, tools, agent, from, before: work.tree };
  let content = work.content;
  let conversation = before;
  for (let told = false; ; told = true) {
    const acted = await act(acting, conversation, content);
    const written = await takeFiles(acting, acted);
    ({ conversation } = acted);
    const said = { ...work, agent, conversation };
    const limited = acted.outcome.kind === "limit";
    if (written.ok) {
      const step = `${conversation.name}/turn-${conversation.turns}`;
      strand.tell({ type: "files-written", step, task: job.task.id, from: work.tree, tree: written.tree });
      return { on: limited ? "limit" : "files", state: { ...said, tree: written.tree } };
    }
    if (limited) return { on: "limit", state: said };
    const { why } = written;
    if (told || role.rejected === undefined || acted.outcome.kind !== "done")
      return { on: "unusable", state: failed(said, { failing: undefined, key: why, text: why }) };
    strand.tell({ type: "reply-rejected", task: job.task.id, role: role.seat, why });
    content = fill(role.rejected, { why });
  }
}

const LIMIT = { kind: "limit", why: "the build is at its limit" } as const;

type Filling = { readonly tools: OpenedTools; readonly from: string; readonly conversation: Conversation };

/**
 * Puts a tree into the empty folder. Recorded with it is what the model is told of its tools: it may be otherwise in
 * another run, and what was said stays said.
 */
function fillFolder(strand: Strand, { tools, from, conversation }: Filling): Promise<Pick<Agent, "tools" | "format">> {
  const { folder, definitions, format } = tools;
  const refused = (why: string): never => {
    throw new AtosError(
      "workflows/no-workspace",
      `the files of ${conversation.task} can't be a workspace for tools: ${why}. Let its developer be a role without tools`,
    );
  };
  return strand.effect(
    {
      name: `${conversation.name}/workspace-${conversation.turns + 1}`,
      kind: "workspace",
      task: conversation.task,
      input: { tree: from, tools: conversation.prompt.tools },
      guard: { kind: "workspace", folder, refused },
    },
    async () => {
      await strand.build.deps.workspaces.checkOut(from, folder.directory);
      return { result: { tools: definitions, format }, events: [] };
    },
  );
}

async function act(
  { strand, job, tools, agent }: Acting,
  conversation: Conversation,
  content: readonly Segment[],
): Promise<Acted> {
  const { name, source, prompt, turns: begun, keptSeeds, seed } = conversation;
  const seat = { buildId: strand.build.id, task: job.task.id, role: prompt.seat, source };
  const durable = durableAgent({ ...strand.deps, gate: tools.gate }, { agent, seat, name, begun });
  let turns = begun;
  const takeTurn: typeof durable.takeTurn = ({ state, options }, signal) => {
    turns++;
    const kept = keptSeeds?.[`${name}/turn-${turns}`] ?? seed;
    // What is added to the seed stays added where a fork has turns that were drawn with another.
    const drawn = (options.seed + kept - seed + 2 ** 32) % 2 ** 32;
    return durable.takeTurn({ state, options: { ...options, seed: drawn } }, signal);
  };
  const context = begun === 0 ? openAgent(systemOf(agent), content) : goOn(conversation.context, content);
  const start = { agent, context, limits: { turns: prompt.turns } };
  const run = await strand.withinLimit(() => runAgent({ ...durable, takeTurn }, start, strand.signal));
  // What is there by then is taken in any case.
  const taking = run === undefined ? strand.unlimited() : strand;
  const folder = await taking.effect<string>(
    { name: `${name}/files-${turns}`, kind: "workspace", task: job.task.id, input: {} },
    async () => {
      using _held = await tools.folder.hold(taking.signal);
      const current = await tools.folder.current();
      if (current.kind === "refused") throw new Error(`a folder can't be recorded that was: ${current.why}`);
      return { result: await tools.folder.filesOf(current.snapshot), events: [] };
    },
  );
  const { outcome, context: said } = run ?? { outcome: LIMIT, context };
  return { outcome, folder, conversation: { ...conversation, context: said, turns } };
}

/** Who was cut short heard something last, and hears more of it: two messages in a row are not for every template. */
function goOn(context: Context, content: readonly Segment[]): Context {
  const last = context.at(-1);
  if (last?.role !== "user") return append(context, { role: "user", segments: content });
  return [
    ...context.slice(0, -1),
    { ...last, segments: [...last.segments, { part: "rules", text: "\n\n" }, ...content] },
  ];
}

/** The base tree with the task's own files as they are in the folder, or why they can't be taken. */
async function takeFiles(
  { strand, job, from, before }: Acting,
  { outcome, conversation, folder }: Acted,
): Promise<Written> {
  const { workspaces } = strand.build.deps;
  const { mayWrite } = job;
  const ignores = await strand.texts(job.base, [".gitignore"]);
  const ignored = [...ignores, ...job.language.scaffold.filter(({ path }) => path === ".gitignore")];
  const { putBack, foreign } = judgeChanges(await workspaces.changedPaths(from, folder), {
    mayWrite,
    ignored: ignored.flatMap(({ content }) => content.split("\n")),
  });
  const own = [...mayWrite].join(", ");
  if (foreign.length > 0)
    return {
      ok: false,
      why: `${listed(foreign)} ${foreign.length === 1 ? "is" : "are"} not of this task; its files are ${own}`,
    };
  const there = await workspaces.readAll(folder, [...mayWrite]);
  const odd = there.find(({ kind }) => kind !== "text");
  if (odd !== undefined) return { ok: false, why: `${odd.path} is a ${odd.kind} and must be a plain text file` };
  const files = withReply(await strand.texts(folder, [...mayWrite]), job, outcome);
  if (files.length === 0)
    return { ok: false, why: `none of the task's files was written; its files are ${own}${cutShort(outcome)}` };
  const { repository } = strand.build;
  const old = repository === undefined ? [] : await strand.texts(repository.tree, [...mayWrite]);
  const gone = [...mayWrite].filter((path) => files.every((file) => file.path !== path));
  const tree = await workspaces.change(job.base, { write: keepLineEnds(files, old), remove: gone });
  if (tree === before && outcome.kind !== "done") return { ok: false, why: `nothing was changed${cutShort(outcome)}` };
  if (putBack.length > 0) {
    const step = `${conversation.name}/turn-${conversation.turns}`;
    strand.tell({ type: "files-put-back", step, task: job.task.id, paths: putBack });
  }
  return { ok: true, tree };
}

/** A model may show whole files in its last reply where it could have called a tool. */
function withReply(files: readonly WorkspaceFile[], job: TaskJob, outcome: Ending): readonly WorkspaceFile[] {
  const read = outcome.kind === "done" ? readWritten(job, outcome.text) : undefined;
  if (read?.ok !== true) return files;
  const shown = read.value;
  return [...files.filter(({ path }) => shown.every((file) => file.path !== path)), ...shown];
}

function cutShort(outcome: Ending): string {
  switch (outcome.kind) {
    case "done":
      return "";
    case "out-of-turns":
      return `; its ${outcome.turns} turns are over`;
    case "unreadable":
    case "no-room":
    case "limit":
      return `; ${outcome.why}`;
  }
}

const MOST_LISTED = 5;

function listed(paths: readonly string[]): string {
  const rest = paths.length - MOST_LISTED;
  return `${paths.slice(0, MOST_LISTED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

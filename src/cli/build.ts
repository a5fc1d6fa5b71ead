import { usageError } from "../base/errors.ts";
import { type Build, buildUsingDirectory, insertBuild } from "../store/builds.ts";
import type { BuildRequest } from "../workflows/build-request.ts";
import { type BuildWish, prepareBuild } from "../workflows/prepare-build.ts";
import { type CommandContext, commandContext, settingsOf } from "./context.ts";
import { describeMachine } from "./describe-machine.ts";
import { finish } from "./finish.ts";
import { followBuild } from "./follow.ts";
import { modelChoice } from "./model-choice.ts";
import { newBuildId } from "./new-build-id.ts";
import type { Output } from "./output.ts";
import { readSeed } from "./read-seed.ts";
import { showPath } from "./show-path.ts";
import { VERSION } from "./version.ts";
import { connect, type Connection } from "./worker-client.ts";

export type BuildFlags = {
  readonly out?: string;
  readonly repo?: string;
  readonly branch?: string;
  readonly model?: string;
  readonly roster?: string;
  readonly seed?: string;
  readonly unsafe?: boolean;
  readonly budget?: string;
  readonly team?: string;
  readonly yes?: boolean;
  readonly planOnly?: boolean;
  readonly maxMinutes?: string;
  readonly maxTokens?: string;
  readonly deterministic?: boolean;
};

/** `atos build`: checks the wish, queues the build, and follows it to its end. */
export async function runBuildCommand(goal: string, flags: BuildFlags, output: Output): Promise<number> {
  const here = commandContext();
  const createdAtMs = Date.now();
  const id = newBuildId(new Date(createdAtMs));
  if (flags.model !== undefined && flags.roster !== undefined)
    throw usageError("cli/two-choices", "give --model or --roster, not both");
  const { model, roster, budget, team } = flags;
  const settings = await settingsOf(here, { model, roster, budget, team });
  const context = { ...here, budget: settings.budget };
  const machine = describeMachine();
  const { request, notes } = await prepareBuild({
    goal,
    out: targetOf(flags, id),
    stateRoot: context.folder.root,
    unsafe: flags.unsafe ?? false,
    seed: readSeed(flags.seed ?? "0"),
    createdAtMs,
    ...(settings.team === undefined ? {} : { team: settings.team }),
    effort: settings.effort,
    limits: readLimits(flags),
    // Somebody has to be there to answer. Of what is no terminal, isTTY is not false but missing.
    askPlan: flags.yes !== true && !output.json && Boolean(process.stdin.isTTY && process.stdout.isTTY),
    planOnly: flags.planOnly ?? false,
    approvalExpiresMs: settings.approvalExpiresMinutes * 60_000,
    shape: "team",
    deterministic: flags.deterministic ?? false,
    choice: modelChoice(context, settings, flags),
  });
  output.say(`ATOS ${VERSION} on ${await machine}`);
  if (request.roster.name === "nano")
    output.say(
      "model nano: built in, tiny, for a closed domain of small functions; for anything else: atos build --help",
    );
  for (const note of notes) output.note(`atos: ${note}`);
  const build = await queueBuild(context, { id, request }, output);
  output.emit({ type: "build-queued", build: build.id, outDirectory: build.outDirectory });
  output.say(
    `build ${build.id} → ${showPath(request.outDirectory)}${request.repository === undefined ? "" : `, branch ${request.repository.branch}`}\n`,
  );
  return finish(output, await followBuild(context, output, { buildId: build.id, fromSeq: 0 }), build.id);
}

/** @throws {AtosError} `cli/branch-without-repo`, `cli/no-out` */
function targetOf({ out, repo, branch }: BuildFlags, id: string): BuildWish["out"] {
  if (repo === undefined && branch !== undefined)
    throw usageError("cli/branch-without-repo", "--branch names what --repo DIR gets; a new repository has its own");
  if (out !== undefined && repo === undefined) return out;
  if (repo !== undefined && out === undefined) return { directory: repo, branch: branch ?? `atos/${id}` };
  throw usageError(
    "cli/no-out",
    `${out === undefined ? "say where the result shall go" : "the result can't go to two places"}: --out DIR (a new or empty folder), or --repo DIR (a repository to work on)`,
  );
}

type NewBuild = { readonly id: string; readonly request: BuildRequest };

async function queueBuild(context: CommandContext, { id, request }: NewBuild, output: Output): Promise<Build> {
  await using connection = await connect(context, output.note);
  const at = new Date(request.createdAtMs);
  await refuseUsedDirectory(connection, request.outDirectory);
  // The worker sees it there and runs it: nothing else has to be told.
  return await insertBuild(connection.db, {
    id,
    goal: request.goal,
    request,
    worker: connection.workerId,
    outDirectory: request.outDirectory,
    at,
  }).catch(async (error: unknown) => {
    // Another client may have been quicker since we looked.
    await refuseUsedDirectory(connection, request.outDirectory);
    throw error;
  });
}

async function refuseUsedDirectory({ db, workerId }: Connection, directory: string): Promise<void> {
  const other = await buildUsingDirectory(db, { worker: workerId, outDirectory: directory });
  if (other === undefined) return;
  throw usageError(
    "cli/directory-in-use",
    `build ${other.id} (${other.state}) delivers to ${directory}, and one at a time may. Go on with it: atos resume ${other.id}. Or end it: atos cancel ${other.id}. Or choose another folder`,
  );
}

function readLimits({ maxMinutes, maxTokens }: BuildFlags): BuildRequest["limits"] {
  const limit = (flag: string, text: string | undefined): number | undefined => {
    const value = text === undefined ? undefined : Number(text);
    if (value === undefined || (Number.isFinite(value) && value > 0)) return value;
    throw usageError("cli/bad-limit", `${flag} must be a number greater than 0, not ${JSON.stringify(text)}`);
  };
  const minutes = limit("--max-minutes", maxMinutes);
  const tokens = limit("--max-tokens", maxTokens);
  return { ...(minutes === undefined ? {} : { minutes }), ...(tokens === undefined ? {} : { tokens }) };
}

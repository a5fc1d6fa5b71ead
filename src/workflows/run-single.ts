import { readFileBlocks } from "../agents/file-blocks.ts";
import { fill } from "../agents/fill.ts";
import { modelFor } from "../agents/roster.ts";
import { roleFor } from "../agents/team.ts";
import type { BuildOutcome } from "./build.ts";
import type { BuildRun } from "./build-run.ts";
import { NOTHING } from "./build-work.ts";
import { deliverBuild } from "./deliver-build.ts";
import { startBuild } from "./start-build.ts";
import { LEADING_TIER } from "./strand.ts";

const UNPROVEN = "one reply of one model; nothing was tested";

/**
 * What a team is measured against: the goal put to one model once, and its files delivered as they are. Never green,
 * since nothing proves it.
 */
export async function runSingle(build: BuildRun): Promise<BuildOutcome> {
  const strand = build.main;
  const started = await startBuild(strand, NOTHING);
  if (started.state.refused !== undefined) return { outcome: "refused", ...started.state.refused };
  const { request, deps } = build;
  const role = roleFor(request.team, "developer", LEADING_TIER);
  const source = modelFor(request.roster, role, LEADING_TIER);
  const conversation = strand.open({ role, source, task: "single", name: "single" });
  const answer = await strand.withinLimit(() =>
    strand.ask(conversation, fill(role.user, { goal: request.goal }), readFileBlocks),
  );
  const read = answer?.read;
  const stopped =
    read === undefined ? "the build's limit was reached before there was a reply" : read.ok ? UNPROVEN : read.why;
  const tree = await deps.workspaces.write(read?.ok === true ? read.value : []);
  const line = await strand.commit("single/commit", { tree, parents: [], message: "One reply\n" });
  const merging = { line, waiting: [], merged: [], leftOut: [], broken: undefined };
  return deliverBuild(strand.unlimited(), { ...started.state, merging, stopped });
}

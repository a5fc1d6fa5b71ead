import { z } from "zod";
import { EXIT } from "../base/errors.ts";
import type { RecordedEvent } from "../journal/build-events.ts";
import type { Build } from "../store/builds.ts";
import { costText, workTime } from "./build-cost.ts";
import type { Followed } from "./follow.ts";
import { nextSteps } from "./next-steps.ts";
import type { Output } from "./output.ts";
import { planLines } from "./plan-lines.ts";
import { showPath } from "./show-path.ts";
import { countSwaps, swapTimeline } from "./swap-timeline.ts";
import { terminalWidth } from "./terminal-width.ts";

/** What the workflow leaves in a finished build's row. */
const resultSchema = z.object({
  outcome: z.string(),
  why: z.string(),
  directory: z.string(),
  branch: z.string(),
  commit: z.string(),
  receiptCommit: z.string(),
  passed: z.number(),
  failed: z.number(),
  /** Of a build on an existing repository. */
  summary: z.string().optional(),
});

const refusalSchema = z.object({ why: z.string(), exitCode: z.number() });

/** Says how a followed build ended: its swaps if there were any, and three lines. Returns the exit code. */
export function finish(output: Output, followed: Followed, buildId: string): number {
  if (followed.kind === "left") {
    output.note(`left; build ${buildId} may go on. See: atos status ${buildId}. Go on: atos resume ${buildId}`);
    output.emit({ type: "result", build: buildId, state: "left", exitCode: EXIT.interrupted });
    return EXIT.interrupted;
  }
  const { build, events, plan } = followed;
  const exitCode = exitCodeOf(followed);
  const swaps = countSwaps(events);
  output.emit({
    type: "result",
    build: build.id,
    state: build.state,
    exitCode,
    result: build.result,
    swaps,
    ...workTime(events),
    ...(plan === undefined ? {} : { plan }),
  });
  const timeline = swapTimeline(events, terminalWidth());
  if (timeline.length > 0) output.say(`\n${timeline.join("\n")}`);
  if (plan !== undefined) output.say(`\n${planLines(plan).join("\n")}`);
  output.say(`\n${summary(build, exitCode, events)}`);
  return exitCode;
}

function exitCodeOf({ build, position }: Extract<Followed, { kind: "ended" }>): number {
  switch (build.state) {
    case "green":
      return EXIT.done;
    case "refused":
      return refusalSchema.parse(build.result).exitCode;
    case "red":
    case "cancelled":
      return EXIT.failed;
    case "queued":
    case "running":
      return EXIT.interrupted;
    case "paused":
      return position.pauseExitCode ?? EXIT.interrupted;
  }
}

/** A few lines: what came out, what it cost, what to do next. Pure. */
export function summary(build: Build, exitCode: number, events: readonly RecordedEvent[]): string {
  const result = resultSchema.safeParse(build.result);
  if (build.state === "paused" && exitCode === EXIT.done)
    return `The plan and its tests stand; nothing is built yet.\nGo on:  atos resume ${build.id}\nEnd it: atos cancel ${build.id}`;
  if (build.state === "paused") {
    const how = exitCode === EXIT.interrupted ? "Paused." : "Paused, as something is in the way (see above).";
    return `${how} Everything finished so far is kept.\nGo on:  atos resume ${build.id}\nEnd it: atos cancel ${build.id}`;
  }
  if (build.state === "refused") return `Refused: ${refusalSchema.parse(build.result).why}\nNothing was built.`;
  if (!result.success) return `Ended: ${build.state}`;
  const { summary: pullRequest, passed, failed, directory, branch, why, commit } = result.data;
  const cost = `Cost: ${costText(events)}, no cloud.`;
  const isGreen = build.state === "green";
  const next = isGreen ? [] : nextSteps(build.id, events);
  const notDone = `Not done: ${why.split("\n")[0] ?? ""}`;
  const where = showPath(directory);
  if (pullRequest !== undefined) {
    const tests = `${passed} of ${passed + failed} tests pass on ${commit.slice(0, 10)}.`;
    return [
      pullRequest,
      ...(isGreen
        ? [`Done: branch ${branch} of ${where}; ${tests}`]
        : [notDone, `The work so far: branch ${branch} of ${where}; ${tests}`]),
      cost,
      `Look: git -C ${where} diff HEAD...${branch}. Proof: atos receipt verify ${where} --branch ${branch}`,
      ...next,
    ].join("\n");
  }
  if (isGreen) {
    return [
      `Done: ${where} holds a git repository; ${passed} of ${passed + failed} acceptance tests pass on ${commit.slice(0, 10)}.`,
      cost,
      `Proof: ${where}/RECEIPT.md; check it yourself: atos receipt verify ${where}`,
    ].join("\n");
  }
  return [notDone, cost, `The work so far, with a red receipt: ${where}, branch ${branch}`, ...next].join("\n");
}

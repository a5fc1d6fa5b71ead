import type { Approval } from "../store/approvals.ts";
import type { Build } from "../store/builds.ts";
import type { BuildRequest } from "../workflows/build-request.ts";
import { type AtWork, type BuildView, isMerging, type TaskView } from "../workflows/view-build.ts";
import { counted } from "./counted.ts";
import { seconds } from "./render-event.ts";
import { showPath } from "./show-path.ts";
import { taskDepths } from "./task-depths.ts";
import { UNFINISHED } from "../store/builds.ts";

export type Status = {
  readonly build: Build;
  readonly limits: BuildRequest["limits"];
  readonly view: BuildView;
  readonly questions: readonly Approval[];
};

const SIGNS = { waiting: "○", running: "●", green: "✔", red: "✘", skipped: "–" } as const;

/** A build as it stands, for people: itself, its tasks below those they wait for, and what is open. Pure. */
export function statusLines({ build, limits, view, questions }: Status): readonly string[] {
  const { id, state, goal, outDirectory, forkedFrom, forkedStep } = build;
  const facts = [
    counted(view.turns, "turn"),
    `${view.tokens.prompt} + ${view.tokens.output} tokens`,
    seconds(view.spentMs),
    ...(UNFINISHED.includes(state) ? [`time left: ${leftText(view)}`] : []),
  ];
  return [
    `${id}  ${state}  ${goal.split("\n")[0] ?? ""}`,
    `→ ${showPath(outDirectory)} · ${facts.join(" · ")}`,
    ...(forkedFrom === null ? [] : [`forked from ${forkedFrom}, at ${forkedStep ?? "its beginning"}`]),
    ...limitLines(limits, view),
    ...view.tasks.map((task) => taskLine(task, view)),
    ...view.atWork.filter(({ task }) => !view.tasks.some(({ id: of }) => of === task)).map(workLine),
    ...questions.map(({ id: question, task }) => `? ${task} asks you: atos approve ${question}   or   atos deny`),
  ];
}

function leftText({ expectedLeftMs, tasks }: BuildView): string {
  const about = expectedLeftMs === undefined ? "unknown" : `about ${seconds(Math.max(100, expectedLeftMs))}`;
  return isMerging(tasks) ? `${about}, only merging and the last check` : about;
}

function limitLines({ minutes, tokens }: BuildRequest["limits"], { limitReached }: BuildView): readonly string[] {
  const limits = [
    ...(minutes === undefined ? [] : [`${minutes} minutes`]),
    ...(tokens === undefined ? [] : [`${tokens} tokens`]),
  ];
  if (limits.length === 0) return [];
  return [`limit: ${limits.join(", ")}${limitReached === undefined ? "" : ` (reached: ${limitReached})`}`];
}

function taskLine(task: TaskView, { tasks, atWork }: BuildView): string {
  const { id, state, tier, attempt, tokens, spentMs, description, kept, why } = task;
  const now = atWork.find((work) => work.task === id);
  const tries = attempt === undefined ? [] : [attemptText(attempt)];
  const cost = tokens.output === 0 ? [] : [`${tokens.prompt} + ${tokens.output} tokens`];
  const time = kept ? ["kept"] : spentMs === 0 ? [] : [seconds(spentMs)];
  const parts = [...(now === undefined ? [] : [workText(now)]), ...tries, ...cost, ...time];
  const indent = "  ".repeat(taskDepths(tasks).get(id) ?? 0);
  const facts = parts.length === 0 ? "" : ` · ${parts.join(" · ")}`;
  const because = why === undefined ? "" : ` · ${why.split("\n")[0] ?? ""}`;
  return `${indent}${SIGNS[state]} ${state.padEnd(8)} ${id} (${tier})${facts}${because}: ${description}`;
}

function attemptText({ sample, repairs }: NonNullable<TaskView["attempt"]>): string {
  const repaired = repairs === 0 ? "" : `, ${repairs} repair${repairs === 1 ? "" : "s"}`;
  return `sample ${sample}${repaired}`;
}

function workLine(work: AtWork): string {
  // Tests of several tasks are written side by side.
  const [, of] = /^tests\/([^/]+)\//.exec(work.step) ?? [];
  return `● ${"running".padEnd(8)} ${work.task}${of === undefined ? "" : ` of ${of}`} · ${workText(work)}`;
}

function workText({ does, model, forMs }: AtWork): string {
  return `${does}${model === undefined ? "" : ` with ${model}`} for ${seconds(forMs)}`;
}

/** The same for programs. Pure. */
export function statusDocument({ build, limits, view, questions }: Status): Readonly<Record<string, unknown>> {
  const { id, state, goal, outDirectory, createdAt, updatedAt, result, forkedFrom, forkedStep } = build;
  const { tasks, ...rest } = view;
  return {
    id,
    state,
    goal,
    outDirectory,
    createdAt,
    updatedAt,
    ...(forkedFrom === null ? {} : { forkedFrom, forkedStep }),
    limits,
    ...rest,
    tasks,
    questions: questions.map(({ id: approval, task, expiresAt }) => ({ id: approval, task, expiresAt })),
    result,
  };
}

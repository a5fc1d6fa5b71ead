import { userInfo } from "node:os";
import { AtosError, EXIT } from "../base/errors.ts";
import { type Answered, type Approval, findApproval, openApprovals } from "../store/approvals.ts";
import { answerQuestion } from "../tools/gate/answer-question.ts";
import { questionHash, shownSchema } from "../tools/gate/approval-question.ts";
import { showUnseen } from "../tools/gate/call-text.ts";
import { bindPlan, shownPlanSchema } from "../workflows/plan-question.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { planLines } from "./plan-lines.ts";
import { connect } from "./worker-client.ts";

export const MAX_REASON_CHARS = 500;

export type ApproveFlags = { readonly reason?: string };

/** `atos approve [ID]`, `atos deny [ID]`: answers a question of a build; without ID lists those that are open. */
export async function runApproveCommand(
  {
    id,
    decision,
    reason,
  }: { readonly id: string | undefined; readonly decision: "approved" | "denied" } & ApproveFlags,
  output: Output,
): Promise<number> {
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  if (id === undefined) {
    list(await openApprovals(db, new Date()), output);
    return EXIT.done;
  }
  const approval = await findApproval(db, id.trim().toLowerCase());
  if (approval === undefined) throw noQuestion(id);
  const { hash } = checkedApproval(approval);
  const said = reason === undefined ? {} : { reason: showUnseen(reason).slice(0, MAX_REASON_CHARS) };
  const answered = await answerQuestion(db, {
    id: approval.id,
    hash,
    decision,
    by: whoAnswers(),
    ...said,
    at: new Date(),
  });
  if (answered.kind !== "answered") throw refusal(answered, id);
  output.emit(documentOf(answered.approval));
  const what = isPlan(approval) ? "the plan" : "this one call";
  output.say(`${decision}: ${approval.id}, ${what} of build ${approval.buildId}\n${questionText(approval)}`);
  return EXIT.done;
}

/** A question as it is shown, whole: what would be done, exactly, and nothing that acts on a terminal. Pure. */
function questionText(approval: Approval): string {
  const plan = shownPlanSchema.safeParse(approval.shown);
  if (plan.success)
    return [`  plan of build ${approval.buildId}`, ...planLines(plan.data).map((line) => `    ${line}`)].join("\n");
  const { kind, task, tool, arguments: values, commands, why } = shownSchema.parse(approval.shown);
  const { command, ...others } = values;
  const rest = Object.entries(typeof command === "string" ? others : values);
  const lines = [
    `  ${plainName(tool)}, task ${plainName(task)} of build ${approval.buildId}`,
    ...(typeof command === "string" ? indented("$ ", command) : []),
    ...rest.flatMap(([name, value]) =>
      indented(`${plainName(name)}: `, typeof value === "string" ? value : JSON.stringify(value)),
    ),
    ...(commands.length > 1 ? ["  runs:", ...commands.map((line) => `    - ${line}`)] : []),
    ...(kind === "in-doubt" ? ["  it was cut off and may have happened already; approve to do it again"] : []),
    ...indented("because: ", why).map((line) => line.slice(2)),
  ];
  return showUnseen(lines.join("\n"));
}

function isPlan({ shown }: Approval): boolean {
  return shownPlanSchema.safeParse(shown).success;
}

/** A name may be anything that a model says; one that is not plain is shown as what it is. */
function plainName(name: string): string {
  return /^[\w./-]{1,100}$/.test(name) ? name : JSON.stringify(name);
}

function list(approvals: readonly Approval[], output: Output): void {
  output.emit(approvals.map(documentOf));
  if (approvals.length === 0) output.say("no questions are open");
  for (const approval of approvals) {
    const problem = problemOf(approval);
    if (problem !== undefined) output.say(`${approval.id}  ${problem}\n`);
    else
      output.say(
        `${approval.id}  until ${approval.expiresAt.toISOString()}\n${questionText(approval)}\n  atos approve ${approval.id}   or   atos deny ${approval.id}\n`,
      );
  }
}

function documentOf({ id, buildId, shown, state, askedAt, expiresAt, answeredBy, reason }: Approval): unknown {
  const answer = { ...(answeredBy === undefined ? {} : { answeredBy }), ...(reason === undefined ? {} : { reason }) };
  return { id, build: buildId, state, askedAt, expiresAt, shown, ...answer };
}

/** What is shown must be what the answer is bound to, also in a database that others can write. */
function problemOf({ callId, shown: given, hash, buildId }: Approval): string | undefined {
  const plan = shownPlanSchema.safeParse(given);
  const { callId: asked, hash: bound } = plan.success ? bindPlan(buildId, plan.data) : { callId, hash: "" };
  if (plan.success && asked === callId && bound === hash) return undefined;
  const shown = shownSchema.safeParse(given);
  if (shown.success && questionHash(callId, shown.data) === hash) return undefined;
  return `is not what was asked: its text does not belong to its hash. Don't answer it; atos cancel ${buildId}`;
}

/** @throws {AtosError} `cli/approval-changed` */
export function checkedApproval(approval: Approval): Approval {
  const problem = problemOf(approval);
  if (problem === undefined) return approval;
  throw new AtosError("cli/approval-changed", `the question ${approval.id} ${problem}`);
}

function refusal(answered: Exclude<Answered, { kind: "answered" }>, id: string): AtosError {
  if (answered.kind === "unknown") return noQuestion(id);
  const { approval } = answered;
  if (answered.kind === "changed")
    return new AtosError(
      "cli/approval-changed",
      `the question ${approval.id} changed just now; look at it again: atos approve`,
    );
  const by = approval.answeredBy === undefined ? "" : ` by ${approval.answeredBy}`;
  const how =
    approval.state === "open" || approval.state === "expired"
      ? `expired at ${approval.expiresAt.toISOString()}, and the call was not made`
      : `has been ${approval.state}${by} already, and that stays`;
  return new AtosError("cli/approval-closed", `the question ${approval.id} ${how}; open ones: atos approve`);
}

function noQuestion(id: string): AtosError {
  return new AtosError("cli/no-such-approval", `there is no question ${JSON.stringify(id)}; open ones: atos approve`);
}

function indented(label: string, text: string): string[] {
  // Further lines are marked, so that none can pass for a line of ours.
  return text.split("\n").map((line, index) => `    ${index === 0 ? label : "| "}${line}`);
}

/** The person; a process may run under a number that has no name. */
export function whoAnswers(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}

import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { BuildEvent } from "../../base/events.ts";
import { appendBuildEvents } from "../../journal/build-events.ts";
import { reportEvent } from "../../journal/report-event.ts";
import { type Claim, RunEndedError } from "../../journal/run-ended.ts";
import type { StepWriter } from "../../journal/step-writer.ts";
import { type Approval, askApproval, findApproval, type NewApproval } from "../../store/approvals.ts";
import { hasClaim } from "../../store/builds.ts";
import type { Db } from "../../store/database.ts";
import { expireQuestions } from "./answer-question.ts";
import type { ApprovalNotice, NoticeResult } from "./notify-approval.ts";

export type QuestionDeps = {
  readonly db: Db;
  readonly now: () => Date;
  /** The run that asks: once it has ended, nothing is asked any more. Absent: not checked. */
  readonly claim?: Claim;
  /** Of the run: what the question comes of is recorded before it is asked. */
  readonly writer?: StepWriter;
  /** After which nobody's answer is a no. */
  readonly expiresMs: number;
  /** Tells somebody outside, if that is set up. */
  readonly notify?: (notice: ApprovalNotice, signal: AbortSignal) => Promise<NoticeResult>;
};

export type NewQuestion = Omit<NewApproval, "id" | "at" | "expiresAt"> & {
  readonly step: string;
  /** What the trail is told of it. */
  readonly text: string;
  /** What somebody outside is told of it, when that is not all that is shown. */
  readonly notice?: unknown;
};

const POLL_MS = 250;
/** Without those that are read as another. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz";
const ID_LETTERS = 8;

/**
 * Puts a question where any terminal can answer it, and tells the build, in one transaction. The same question about
 * the same call is the one that is there already, so a crash forgets nothing. Then tells who is to be told, after a
 * crash again, for nobody knows whether it was told: the notice has the question's id as its key.
 *
 * @throws {RunEndedError}
 */
export async function putQuestion(deps: QuestionDeps, question: NewQuestion, signal: AbortSignal): Promise<Approval> {
  const approval = await record(deps, question);
  const { buildId, task, tool, notice: shown = question.shown } = question;
  const { id, expiresAt } = approval;
  if (approval.state !== "open") return approval;
  const told = await deps.notify?.({ approval: id, build: buildId, task, tool, shown, expiresAt }, signal);
  if (told?.ok === false)
    await reportEvent(deps, buildId, { type: "approval-notice-failed", approval: id, why: told.why });
  return approval;
}

async function record(deps: QuestionDeps, question: NewQuestion): Promise<Approval> {
  const { db, now, claim, expiresMs } = deps;
  await deps.writer?.settle();
  const { step, text, notice: _outside, ...row } = question;
  const { buildId, task, tool } = row;
  const at = now();
  const expiresAt = new Date(at.getTime() + expiresMs);
  return db.transaction().execute(async (trx) => {
    if (claim !== undefined && !(await hasClaim(trx, claim))) throw new RunEndedError(buildId);
    const { approval, closed, isNew } = await askApproval(trx, { ...row, id: newId(), at, expiresAt });
    const { id } = approval;
    const asked = { task, step, approval: id, tool, shown: text, expiresAtMs: expiresAt.getTime() };
    const events: readonly BuildEvent[] = [
      ...closed.map((old): BuildEvent => {
        return { type: "approval-answered", approval: old.id, decision: "expired", by: "" };
      }),
      ...(isNew ? [{ type: "approval-asked", ...asked } as const] : []),
    ];
    await appendBuildEvents(trx, buildId, { events, at });
    return approval;
  });
}

/** Waits until the question `id` is answered or its time is over, and returns it as it is then. */
export async function waitForAnswer(
  { db, now }: Pick<QuestionDeps, "db" | "now">,
  id: string,
  signal: AbortSignal,
): Promise<Approval> {
  for (;;) {
    const found = await findApproval(db, id);
    if (found === undefined) throw new Error(`the question ${id} is gone`);
    if (found.state !== "open") return found;
    if (found.expiresAt <= now()) await expireQuestions(db, now());
    else await setTimeout(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function newId(): string {
  return Array.from({ length: ID_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}

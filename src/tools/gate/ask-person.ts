import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { BuildEvent } from "../../base/events.ts";
import { appendBuildEvents } from "../../journal/build-events.ts";
import { type Approval, askApproval, findApproval } from "../../store/approvals.ts";
import type { Db } from "../../store/database.ts";
import { expireQuestions } from "./answer-question.ts";
import { type ApprovalQuestion, bindQuestion } from "./approval-question.ts";
import { callText } from "./call-text.ts";
import type { ApprovalNotice, NoticeResult } from "./notify-approval.ts";
import type { Redactor } from "./redact.ts";

export type { ApprovalQuestion } from "./approval-question.ts";

export type ApprovalAnswer = {
  readonly decision: "approved" | "denied" | "expired";
  /** What the person said with it. */
  readonly reason?: string;
};

export type AskPersonDeps = {
  readonly db: Db;
  readonly now: () => Date;
  readonly expiresMs: number;
  readonly redactor: Redactor;
  /** Tells somebody outside of a new question. Absent: nobody. */
  readonly notify?: (notice: ApprovalNotice, signal: AbortSignal) => Promise<NoticeResult>;
};

const POLL_MS = 300;
const SHOWN_CHARS = 4000;
/** Without those that are taken for others. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz";
const ID_LETTERS = 8;

/**
 * Asks a person about one call and waits until somebody answers or the question expires. The same question again, as
 * after a crash, is not asked twice: it is waited for, or has its answer. An answer is for this call with exactly these
 * arguments; a changed call is another question.
 *
 * @throws the signal's reason when aborted; the question stays open then.
 */
export async function askPerson(
  deps: AskPersonDeps,
  question: ApprovalQuestion,
  signal: AbortSignal,
): Promise<ApprovalAnswer> {
  signal.throwIfAborted();
  const { db, now } = deps;
  const asked = await ask(deps, question);
  if (asked.isNew && deps.notify !== undefined) await notify(deps, { question, approval: asked.approval }, signal);
  // Bounded: the question expires.
  for (;;) {
    const approval = await findApproval(db, asked.approval.id);
    if (approval === undefined) return { decision: "expired" };
    const { state, reason, expiresAt } = approval;
    if (state !== "open") return { decision: state, ...(reason === undefined ? {} : { reason }) };
    if (expiresAt.getTime() <= now().getTime()) await expireQuestions(db, now());
    else
      await setTimeout(POLL_MS, undefined, { signal }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error;
      });
  }
}

function ask(
  { db, now, expiresMs, redactor }: AskPersonDeps,
  question: ApprovalQuestion,
): Promise<{ readonly isNew: boolean; readonly approval: Approval }> {
  const { buildId, task, step, tool } = question;
  const bound = bindQuestion(question, redactor);
  const at = now();
  const expiresAt = new Date(at.getTime() + expiresMs);
  return db.transaction().execute(async (trx) => {
    const asked = await askApproval(trx, { ...bound, id: newApprovalId(), buildId, task, tool, at, expiresAt });
    if (!asked.isNew) return asked;
    const event: BuildEvent = {
      type: "approval-asked",
      task,
      step,
      approval: asked.approval.id,
      tool,
      shown: `${callText(tool, question.arguments, { limitChars: SHOWN_CHARS, redactor })}\n${bound.shown.why}`,
      expiresAtMs: expiresAt.getTime(),
    };
    await appendBuildEvents(trx, buildId, { events: [event], at });
    return asked;
  });
}

/** A question is worth as much when nobody outside hears of it: it is told that they did not. */
async function notify(
  { db, now, notify: tell }: AskPersonDeps,
  { question, approval }: { readonly question: ApprovalQuestion; readonly approval: Approval },
  signal: AbortSignal,
): Promise<void> {
  const { id, buildId, task, tool, shown, expiresAt } = approval;
  const result = await tell?.({ approval: id, build: buildId, task, tool, shown, expiresAt }, signal);
  if (result === undefined || result.ok) return;
  const event: BuildEvent = { type: "approval-notice-failed", approval: id, why: result.why };
  await db.transaction().execute((trx) => appendBuildEvents(trx, question.buildId, { events: [event], at: now() }));
}

function newApprovalId(): string {
  return Array.from({ length: ID_LETTERS }, () => LETTERS[randomInt(LETTERS.length)] ?? "a").join("");
}

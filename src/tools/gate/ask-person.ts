import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { BuildEvent } from "../../base/events.ts";
import { appendBuildEvents } from "../../journal/build-events.ts";
import { reportEvent } from "../../journal/report-event.ts";
import { type Claim, RunEndedError } from "../../journal/run-ended.ts";
import { type Approval, askApproval, findApproval } from "../../store/approvals.ts";
import { hasClaim } from "../../store/builds.ts";
import type { Db } from "../../store/database.ts";
import { expireQuestions } from "./answer-question.ts";
import { type ApprovalQuestion, bindQuestion } from "./approval-question.ts";
import { callText } from "./call-text.ts";
import type { Gate } from "./call-tool.ts";
import type { ApprovalNotice, NoticeResult } from "./notify-approval.ts";
import type { Redactor } from "./redact.ts";

export type AskDeps = {
  readonly db: Db;
  readonly redactor: Redactor;
  readonly now: () => Date;
  /** The run that asks: once it has ended, nothing is asked any more. Absent: not checked. */
  readonly claim?: Claim;
  /** After which nobody's answer is a no. */
  readonly expiresMs: number;
  /** Tells somebody outside, if that is set up. */
  readonly notify?: (notice: ApprovalNotice, signal: AbortSignal) => Promise<NoticeResult>;
};

export type ApprovalAnswer = { readonly decision: "approved" | "denied" | "expired"; readonly reason?: string };

const POLL_MS = 250;
/** Without those that are read as another. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz";
const ID_LETTERS = 8;
const SHOWN_CHARS = 4000;

/**
 * Puts a question to a person and waits for the answer, for as long as the question holds. Only who waits is held up.
 *
 * The question is in the database, so that any terminal can answer it and a crash forgets nothing: asked again about
 * the same call, the same answer comes back. It is bound to exactly what was shown; another form of the call is
 * another question.
 */
export function askPerson(deps: AskDeps): Gate["ask"] {
  return async (question, signal) => {
    const asked = await ask(deps, question, signal);
    for (;;) {
      const found = await findApproval(deps.db, asked.id);
      if (found === undefined) throw new Error(`the question ${asked.id} is gone`);
      const answer = answerOf(found);
      if (answer !== undefined) return answer;
      if (found.expiresAt <= deps.now()) await expireQuestions(deps.db, deps.now());
      else await setTimeout(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  };
}

async function ask(deps: AskDeps, question: ApprovalQuestion, signal: AbortSignal): Promise<Approval> {
  const { db, now } = deps;
  const { buildId, task, step, tool } = question;
  const { callId, shown, hash } = bindQuestion(question, deps.redactor);
  const at = now();
  const expiresAt = new Date(at.getTime() + deps.expiresMs);
  const { approval } = await db.transaction().execute(async (trx) => {
    if (deps.claim !== undefined && !(await hasClaim(trx, deps.claim))) throw new RunEndedError(buildId);
    const row = { id: newId(), buildId, task, callId, tool, shown, hash, at, expiresAt };
    const asked = await askApproval(trx, row);
    const { id } = asked.approval;
    const text = callText(tool, question.arguments, { limitChars: SHOWN_CHARS, redactor: deps.redactor });
    const event = {
      task,
      step,
      approval: id,
      tool,
      shown: `${text}\nbecause: ${shown.why}`,
      expiresAtMs: expiresAt.getTime(),
    } as const;
    for (const { id: old } of asked.closed) {
      await append(trx, buildId, { type: "approval-answered", approval: old, decision: "expired", by: "" });
    }
    if (asked.isNew) await append(trx, buildId, { type: "approval-asked", ...event });
    return asked;
  });
  // After a crash again, for nobody knows whether it was told: the notice has the question's id as its key.
  if (approval.state === "open" && deps.notify !== undefined) {
    const notice = { approval: approval.id, build: buildId, task, tool, shown, expiresAt };
    const told = await deps.notify(notice, signal);
    const failed = told.ok ? undefined : told.why;
    if (failed !== undefined) {
      const event = { type: "approval-notice-failed", approval: approval.id, why: failed } as const;
      await reportEvent(deps, buildId, event);
    }
  }
  return approval;

  function append(trx: Parameters<typeof appendBuildEvents>[0], build: string, event: BuildEvent): Promise<void> {
    return appendBuildEvents(trx, build, { events: [event], at: now() });
  }
}

function answerOf({ state, reason }: Approval): ApprovalAnswer | undefined {
  if (state === "open") return undefined;
  return { decision: state, ...(reason === undefined ? {} : { reason }) };
}

function newId(): string {
  return Array.from({ length: ID_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}

import { reportEvent } from "../../journal/report-event.ts";
import type { Approval } from "../../store/approvals.ts";
import { type ApprovalQuestion, bindQuestion } from "./approval-question.ts";
import { callText } from "./call-text.ts";
import type { Gate } from "./call-tool.ts";
import type { ApprovalNotice, NoticeResult } from "./notify-approval.ts";
import { putQuestion, type QuestionDeps, waitForAnswer } from "./put-question.ts";
import type { Redactor } from "./redact.ts";

export type AskDeps = QuestionDeps & {
  readonly redactor: Redactor;
  /** Tells somebody outside, if that is set up. */
  readonly notify?: (notice: ApprovalNotice, signal: AbortSignal) => Promise<NoticeResult>;
};

export type ApprovalAnswer = { readonly decision: "approved" | "denied" | "expired"; readonly reason?: string };

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
    const { state, reason } = await waitForAnswer(deps, asked.id, signal);
    if (state === "open") throw new Error(`the question ${asked.id} is still open`);
    return { decision: state, ...(reason === undefined ? {} : { reason }) };
  };
}

async function ask(deps: AskDeps, question: ApprovalQuestion, signal: AbortSignal): Promise<Approval> {
  const { buildId, task, step, tool } = question;
  const { callId, shown, hash } = bindQuestion(question, deps.redactor);
  const call = callText(tool, question.arguments, { limitChars: SHOWN_CHARS, redactor: deps.redactor });
  const text = `${call}\nbecause: ${shown.why}`;
  const approval = await putQuestion(deps, { buildId, task, step, callId, tool, shown, hash, text });
  // After a crash again, for nobody knows whether it was told: the notice has the question's id as its key.
  if (approval.state === "open" && deps.notify !== undefined) {
    const { id, expiresAt } = approval;
    const told = await deps.notify({ approval: id, build: buildId, task, tool, shown, expiresAt }, signal);
    if (!told.ok) {
      const event = { type: "approval-notice-failed", approval: id, why: told.why } as const;
      await reportEvent(deps, buildId, event);
    }
  }
  return approval;
}

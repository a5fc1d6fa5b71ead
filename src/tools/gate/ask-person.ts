import type { Approval } from "../../store/approvals.ts";
import { type ApprovalQuestion, bindQuestion } from "./approval-question.ts";
import { callText } from "./call-text.ts";
import type { Gate } from "./call-tool.ts";
import { putQuestion, type QuestionDeps, waitForAnswer } from "./put-question.ts";
import type { Redactor } from "./redact.ts";

export type AskDeps = QuestionDeps & { readonly redactor: Redactor };

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

function ask(deps: AskDeps, question: ApprovalQuestion, signal: AbortSignal): Promise<Approval> {
  const { buildId, task, step, tool } = question;
  const { callId, shown, hash } = bindQuestion(question, deps.redactor);
  const call = callText(tool, question.arguments, { limitChars: SHOWN_CHARS, redactor: deps.redactor });
  const text = `${call}\nbecause: ${shown.why}`;
  return putQuestion(deps, { buildId, task, step, callId, tool, shown, hash, text }, signal);
}

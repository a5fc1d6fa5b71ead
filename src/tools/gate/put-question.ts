import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { BuildEvent } from "../../base/events.ts";
import { appendBuildEvents } from "../../journal/build-events.ts";
import { type Claim, RunEndedError } from "../../journal/run-ended.ts";
import { type Approval, askApproval, findApproval, type NewApproval } from "../../store/approvals.ts";
import { hasClaim } from "../../store/builds.ts";
import type { Db } from "../../store/database.ts";
import { expireQuestions } from "./answer-question.ts";

export type QuestionDeps = {
  readonly db: Db;
  readonly now: () => Date;
  /** The run that asks: once it has ended, nothing is asked any more. Absent: not checked. */
  readonly claim?: Claim;
  /** After which nobody's answer is a no. */
  readonly expiresMs: number;
};

export type NewQuestion = Omit<NewApproval, "id" | "at" | "expiresAt"> & {
  readonly step: string;
  /** What the trail is told of it. */
  readonly text: string;
};

const POLL_MS = 250;
/** Without those that are read as another. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz";
const ID_LETTERS = 8;

/**
 * Puts a question where any terminal can answer it, and tells the build, in one transaction. The same question about
 * the same call is the one that is there already, so a crash forgets nothing.
 *
 * @throws {RunEndedError}
 */
export async function putQuestion(deps: QuestionDeps, question: NewQuestion): Promise<Approval> {
  const { db, now, claim } = deps;
  const { step, text, ...row } = question;
  const { buildId, task, tool } = row;
  const at = now();
  const expiresAt = new Date(at.getTime() + deps.expiresMs);
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

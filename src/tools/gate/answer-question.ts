import { appendBuildEvents } from "../../journal/build-events.ts";
import {
  answerApproval,
  type Answered,
  type Approval,
  type ApprovalReply,
  expireApprovals,
} from "../../store/approvals.ts";
import type { Db } from "../../store/database.ts";

/** Answers a question and tells its build, in one transaction. */
export function answerQuestion(db: Db, reply: ApprovalReply): Promise<Answered> {
  return db.transaction().execute(async (trx) => {
    const answered = await answerApproval(trx, reply);
    if (answered.kind !== "answered") return answered;
    const { id, buildId } = answered.approval;
    const { decision, by, reason, at } = reply;
    const event = {
      type: "approval-answered",
      approval: id,
      decision,
      by,
      ...(reason === undefined ? {} : { reason }),
    } as const;
    await appendBuildEvents(trx, buildId, { events: [event], at });
    return answered;
  });
}

/** Closes the questions that nobody answered in time and tells their builds, in one transaction. */
export function expireQuestions(db: Db, at: Date): Promise<readonly Approval[]> {
  return db.transaction().execute(async (trx) => {
    const expired = await expireApprovals(trx, at);
    // Trails are locked in one order by everybody, or two of them could wait for one another.
    for (const { id, buildId } of expired.toSorted((one, other) => (one.buildId < other.buildId ? -1 : 1)))
      await appendBuildEvents(trx, buildId, {
        events: [{ type: "approval-answered", approval: id, decision: "expired", by: "" }],
        at,
      });
    return expired;
  });
}

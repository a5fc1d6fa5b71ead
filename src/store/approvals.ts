import { z } from "zod";
import { type Db, jsonText } from "./database.ts";

const APPROVAL_STATES = ["open", "approved", "denied", "expired"] as const;

const approvalRow = z
  .object({
    id: z.string(),
    build_id: z.string(),
    task: z.string(),
    call_id: z.string(),
    tool: z.string(),
    shown: z.unknown(),
    hash: z.string(),
    state: z.enum(APPROVAL_STATES),
    asked_at: z.date(),
    expires_at: z.date(),
    answered_at: z.date().nullable(),
    answered_by: z.string().nullable(),
    reason: z.string().nullable(),
    answer: z.unknown(),
  })
  .transform(({ build_id, call_id, asked_at, expires_at, answered_at, answered_by, reason, ...rest }) => ({
    ...rest,
    buildId: build_id,
    callId: call_id,
    askedAt: asked_at,
    expiresAt: expires_at,
    answeredAt: answered_at ?? undefined,
    answeredBy: answered_by ?? undefined,
    reason: reason ?? undefined,
  }));

/**
 * A question to a person about one call, or about a plan. `shown` is JSON as it was given; `hash` is of that and the
 * call. `answer` is what was said besides yes or no, as JSON; null where nothing was.
 */
export type Approval = Readonly<z.infer<typeof approvalRow>>;

export type NewApproval = {
  readonly id: string;
  readonly buildId: string;
  readonly task: string;
  readonly callId: string;
  readonly tool: string;
  readonly shown: unknown;
  readonly hash: string;
  readonly at: Date;
  readonly expiresAt: Date;
  /** Asks anew where nobody answered in time. Without it that stays the answer. */
  readonly reopens?: boolean;
};

/** What became of an answer. Only `answered` changed anything. */
export type Answered =
  | { readonly kind: "answered"; readonly approval: Approval }
  /** Answered before, or expired: by its state. */
  | { readonly kind: "closed"; readonly approval: Approval }
  /** The question is not the one that was shown to whoever answers. */
  | { readonly kind: "changed"; readonly approval: Approval }
  | { readonly kind: "unknown" };

export type ApprovalReply = {
  readonly id: string;
  /** Of what the person was shown. */
  readonly hash: string;
  readonly decision: "approved" | "denied";
  readonly by: string;
  readonly reason?: string | undefined;
  /** What is said besides, as JSON. */
  readonly answer?: unknown;
  readonly at: Date;
};

/**
 * Asks, once: the same question about the same call is the row that is there already, whatever became of it. Open
 * questions about other forms of the call expire, for nobody waits for them any more.
 */
export async function askApproval(
  db: Db,
  question: NewApproval,
): Promise<{ readonly isNew: boolean; readonly approval: Approval; readonly closed: readonly Approval[] }> {
  const { id, buildId, task, callId, tool, shown, hash, at, expiresAt, reopens = false } = question;
  const others = await db
    .updateTable("atos.approvals")
    .set({ state: "expired", answered_at: at })
    .where("call_id", "=", callId)
    .where("hash", "!=", hash)
    .where("state", "=", "open")
    .returningAll()
    .execute();
  const closed = approvalRow.array().parse(others);
  const added = await db
    .insertInto("atos.approvals")
    .values({
      id,
      build_id: buildId,
      task,
      call_id: callId,
      tool,
      shown: jsonText(shown),
      hash,
      state: "open",
      asked_at: at,
      expires_at: expiresAt,
      answered_at: null,
      answered_by: null,
      reason: null,
    })
    .onConflict((conflict) => conflict.columns(["call_id", "hash"]).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (added !== undefined) return { isNew: true, approval: approvalRow.parse(added), closed };
  const known = await db
    .selectFrom("atos.approvals")
    .selectAll()
    .where("call_id", "=", callId)
    .where("hash", "=", hash)
    .executeTakeFirstOrThrow();
  const approval = approvalRow.parse(known);
  if (!reopens || approval.state !== "expired") return { isNew: false, approval, closed };
  const reopened = await db
    .updateTable("atos.approvals")
    .set({ state: "open", asked_at: at, expires_at: expiresAt, answered_at: null })
    .where("id", "=", approval.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { isNew: true, approval: approvalRow.parse(reopened), closed };
}

/** Answers an open question that has not expired, by exactly what was shown; anything else changes nothing. */
export async function answerApproval(db: Db, reply: ApprovalReply): Promise<Answered> {
  const { id, hash, decision, by, reason, answer, at } = reply;
  const said = { reason: reason ?? null, answer: answer === undefined ? null : jsonText(answer) };
  const row = await db
    .updateTable("atos.approvals")
    .set({ state: decision, answered_at: at, answered_by: by, ...said })
    .where("id", "=", id)
    .where("hash", "=", hash)
    .where("state", "=", "open")
    .where("expires_at", ">", at)
    .returningAll()
    .executeTakeFirst();
  if (row !== undefined) return { kind: "answered", approval: approvalRow.parse(row) };
  const approval = await findApproval(db, id);
  if (approval === undefined) return { kind: "unknown" };
  return approval.hash === hash ? { kind: "closed", approval } : { kind: "changed", approval };
}

/** Closes the open questions whose time is over, and returns those that it closed. */
export async function expireApprovals(db: Db, at: Date): Promise<readonly Approval[]> {
  const rows = await db
    .updateTable("atos.approvals")
    .set({ state: "expired", answered_at: at })
    .where("id", "in", (inner) =>
      inner
        .selectFrom("atos.approvals")
        .select("id")
        .where("state", "=", "open")
        .where("expires_at", "<=", at)
        .orderBy("id")
        // Two who do this at once would wait for each other.
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute();
  return approvalRow.array().parse(rows);
}

/** Closes the open questions of a build that has ended, and returns them. */
export async function closeApprovals(db: Db, buildId: string, at: Date): Promise<readonly Approval[]> {
  const rows = await db
    .updateTable("atos.approvals")
    .set({ state: "expired", answered_at: at })
    .where("build_id", "=", buildId)
    .where("state", "=", "open")
    .returningAll()
    .execute();
  return approvalRow.array().parse(rows);
}

/** Questions that can still be answered, the oldest first. */
export async function openApprovals(db: Db, at: Date): Promise<readonly Approval[]> {
  const rows = await db
    .selectFrom("atos.approvals")
    .selectAll()
    .where("state", "=", "open")
    .where("expires_at", ">", at)
    .orderBy("asked_at")
    .orderBy("id")
    .limit(1000)
    .execute();
  return approvalRow.array().parse(rows);
}

export async function findApproval(db: Db, id: string): Promise<Approval | undefined> {
  const row = await db.selectFrom("atos.approvals").selectAll().where("id", "=", id).executeTakeFirst();
  return row && approvalRow.parse(row);
}

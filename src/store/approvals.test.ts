import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { answerApproval, askApproval, expireApprovals, findApproval, openApprovals } from "./approvals.ts";
import { insertBuild } from "./builds.ts";

let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: true });
});
after(async () => await scratch[Symbol.asyncDispose]());
beforeEach(async () => {
  await scratch.db.deleteFrom("atos.builds").execute();
  await insertBuild(scratch.db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/out", at: at(0) });
});

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute, 0, 123));
const question = (
  id: string,
  more: { readonly callId?: string; readonly hash?: string; readonly minute?: number } = {},
) => ({
  id,
  buildId: "b",
  task: "code",
  callId: more.callId ?? "b/code/turn-1/call",
  tool: "run_command",
  shown: { z: "\u0000\ud800", a: ["git push"] },
  hash: more.hash ?? "hash-1",
  at: at(more.minute ?? 0),
  expiresAt: at((more.minute ?? 0) + 10),
});
const yes = (id: string, more: { readonly hash?: string; readonly minute?: number } = {}) =>
  ({ id, hash: more.hash ?? "hash-1", decision: "approved", by: "ada", at: at(more.minute ?? 1) }) as const;

test("a question is kept as it was asked, and asked once", async () => {
  const { db } = scratch;
  const first = await askApproval(db, question("aaaaaaaa"));
  assert.deepEqual(first, {
    isNew: true,
    closed: [],
    approval: {
      id: "aaaaaaaa",
      buildId: "b",
      task: "code",
      callId: "b/code/turn-1/call",
      tool: "run_command",
      shown: {
        z: "\0\ud800",
        a: ["git push"],
      },

      hash: "hash-1",
      state: "open",
      askedAt: at(0),
      expiresAt: at(10),

      answeredAt: undefined,
      answeredBy: undefined,
      reason: undefined,
      answer: null,
    },
  });
  assert.deepEqual(await askApproval(db, question("bbbbbbbb", { minute: 5 })), {
    isNew: false,
    closed: [],
    approval: first.approval,
  });
  assert.deepEqual(await openApprovals(db, at(9)), [first.approval]);
  assert.deepEqual(await openApprovals(db, at(10)), []);
});

test("what is said besides yes or no is kept as it was given", async () => {
  const { db } = scratch;
  await askApproval(db, question("aaaaaaaa"));
  const said = { plan: "a\0b", tests: [] };
  const answered = await answerApproval(db, { ...yes("aaaaaaaa"), answer: said });
  assert.ok(answered.kind === "answered");
  assert.deepEqual(answered.approval.answer, said);
  assert.deepEqual((await findApproval(db, "aaaaaaaa"))?.answer, said);
});

test("a question that nobody answered is asked anew only where that is said, and an answer stays", async () => {
  const { db } = scratch;
  await askApproval(db, question("aaaaaaaa"));
  await expireApprovals(db, at(10));
  const same = await askApproval(db, question("bbbbbbbb", { minute: 20 }));
  assert.deepEqual([same.isNew, same.approval.state], [false, "expired"]);
  const anew = await askApproval(db, { ...question("bbbbbbbb", { minute: 20 }), reopens: true });
  const { id, state, askedAt, expiresAt, answeredAt } = anew.approval;
  assert.deepEqual(
    [anew.isNew, id, state, askedAt, expiresAt, answeredAt],
    [true, "aaaaaaaa", "open", at(20), at(30), undefined],
  );
  await answerApproval(db, yes("aaaaaaaa", { minute: 21 }));
  const after = await askApproval(db, { ...question("bbbbbbbb", { minute: 40 }), reopens: true });
  assert.deepEqual([after.isNew, after.approval.state], [false, "approved"]);
});

test("an answer stays, and is for that one call", async () => {
  const { db } = scratch;
  await askApproval(db, question("aaaaaaaa"));
  const answered = await answerApproval(db, { ...yes("aaaaaaaa"), reason: "go" });
  assert.equal(answered.kind, "answered");
  const { approval } = await askApproval(db, question("bbbbbbbb"));
  assert.deepEqual(
    [approval.id, approval.state, approval.answeredBy, approval.reason],
    ["aaaaaaaa", "approved", "ada", "go"],
  );
  const again = await answerApproval(db, { ...yes("aaaaaaaa"), decision: "denied" });
  assert.deepEqual(again, { kind: "closed", approval });
  const other = await askApproval(db, question("cccccccc", { callId: "b/code/turn-2/call" }));
  assert.equal(other.approval.state, "open", "the same words in another call are another question");
});

test("an approval is of no use to a call with other arguments", async () => {
  const { db } = scratch;
  await askApproval(db, question("aaaaaaaa"));
  await answerApproval(db, yes("aaaaaaaa"));
  const changed = await askApproval(db, question("bbbbbbbb", { hash: "hash-2" }));
  assert.deepEqual([changed.isNew, changed.approval.state], [true, "open"]);
  const third = await askApproval(db, question("cccccccc", { hash: "hash-3", minute: 2 }));
  assert.equal((await findApproval(db, "bbbbbbbb"))?.state, "expired", "nobody waits for it any more");
  assert.equal((await answerApproval(db, yes("bbbbbbbb", { hash: "hash-2", minute: 3 }))).kind, "closed");
  assert.equal((await answerApproval(db, yes("cccccccc", { hash: "hash-2", minute: 3 }))).kind, "changed");
  assert.deepEqual(await openApprovals(db, at(3)), [third.approval]);
});

test("what has expired can't be answered, and is closed once", async () => {
  const { db } = scratch;
  await askApproval(db, question("aaaaaaaa"));
  assert.equal((await answerApproval(db, yes("aaaaaaaa", { minute: 10 }))).kind, "closed");
  assert.deepEqual(await expireApprovals(db, at(9)), []);
  assert.deepEqual(
    (await expireApprovals(db, at(10))).map(({ id, state }) => [id, state]),
    [["aaaaaaaa", "expired"]],
  );
  assert.deepEqual(await expireApprovals(db, at(11)), []);
  assert.deepEqual(await answerApproval(db, yes("zzzzzzzz")), { kind: "unknown" });
});

test("of two answers at the same moment one counts", async () => {
  const { db } = scratch;
  await askApproval(db, question("aaaaaaaa"));
  const answers = await Promise.all([
    answerApproval(db, yes("aaaaaaaa")),
    answerApproval(db, { ...yes("aaaaaaaa"), decision: "denied" }),
  ]);
  assert.deepEqual(answers.map(({ kind }) => kind).toSorted(), ["answered", "closed"]);
});

test("of two who ask the same at the same moment both have one question", async () => {
  const asked = await Promise.all(["aaaaaaaa", "bbbbbbbb"].map((id) => askApproval(scratch.db, question(id))));
  assert.equal(new Set(asked.map(({ approval }) => approval.id)).size, 1);
});

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type ScratchDatabase, scratchDatabase } from "../../../test/fixtures/scratch-database.ts";
import { allBuildEvents } from "../../journal/build-events.ts";
import { runEffect } from "../../journal/effect.ts";
import { RunEndedError } from "../../journal/run-ended.ts";
import { StepWriter } from "../../journal/step-writer.ts";
import { type Approval, openApprovals } from "../../store/approvals.ts";
import { claimBuild, insertBuild } from "../../store/builds.ts";
import { answerQuestion } from "./answer-question.ts";
import { type ApprovalQuestion, bindQuestion, questionHash, shownSchema } from "./approval-question.ts";
import { type AskDeps, askPerson } from "./ask-person.ts";
import type { ApprovalNotice, NoticeResult } from "./notify-approval.ts";
import { redactorOf } from "./redact.ts";

let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: true });
});
after(async () => await scratch[Symbol.asyncDispose]());
beforeEach(async () => {
  await scratch.db.deleteFrom("atos.builds").execute();
  await insertBuild(scratch.db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/out", at: new Date() });
});

const redactor = redactorOf(["hunter2-value"]);
const push: ApprovalQuestion = {
  buildId: "b",
  task: "code",
  step: "code/turn-1/call",
  tool: "run_command",
  arguments: { command: "cd x && git push https://a:hunter2-value@h" },
  kind: "policy",
  why: 'ask command "git push **"',
};
const signal = AbortSignal.timeout(20_000);

function deps(more: Partial<AskDeps> = {}): AskDeps {
  return { db: scratch.db, now: () => new Date(), expiresMs: 60_000, redactor, ...more };
}

async function asked(): Promise<Approval> {
  for (let tries = 0; tries < 100; tries++) {
    const [open] = await openApprovals(scratch.db, new Date());
    if (open !== undefined) return open;
    await setTimeout(20);
  }
  throw new Error("nothing was asked");
}

const answer = async (decision: "approved" | "denied", { id, hash }: Approval, reason?: string) =>
  await answerQuestion(scratch.db, { id, hash, decision, by: "ada", reason, at: new Date() });

test("what a question comes of is recorded before it is asked", async () => {
  const { run } = (await claimBuild(scratch.db, { id: "b", at: new Date() })) ?? assert.fail();
  const claim = { buildId: "b", run };
  const journal = { db: scratch.db, now: () => new Date(), claim, writer: new StepWriter(scratch.db, claim) };
  const turn = { buildId: "b", name: "code/turn-1", kind: "turn", task: "code", input: 1, signal } as const;
  const done = { type: "model-unloaded", model: "m", why: "the turn is done" } as const;
  await runEffect(journal, turn, async () => ({ result: "a call", events: [done] }));
  const waiting = askPerson({ ...deps(), ...journal })(push, signal);
  await answer("approved", await asked());
  await waiting;
  assert.deepEqual(
    (await allBuildEvents(scratch.db, "b")).map(({ event }) => event.type),
    ["attempt-started", "model-unloaded", "approval-asked", "approval-answered"],
  );
});

test("waits for the answer of a person, and tells the build of question and answer", async () => {
  const waiting = askPerson(deps())(push, signal);
  const open = await asked();
  assert.match(open.id, /^[a-z]{8}$/);
  assert.deepEqual(shownSchema.parse(open.shown).commands, ["cd x", "git push https://a:[known secret taken out]@h"]);
  await answer("denied", open, "not on Fridays");
  assert.deepEqual(await waiting, { decision: "denied", reason: "not on Fridays" });
  assert.deepEqual(
    (await allBuildEvents(scratch.db, "b")).map(({ event }) => event),
    [
      {
        type: "approval-asked",
        task: "code",
        step: "code/turn-1/call",
        approval: open.id,
        tool: "run_command",
        shown: 'run_command: cd x && git push https://a:[known secret taken out]@h\nbecause: ask command "git push **"',
        expiresAtMs: open.expiresAt.getTime(),
      },
      { type: "approval-answered", approval: open.id, decision: "denied", by: "ada", reason: "not on Fridays" },
    ],
  );
});

test("after a crash the same question has its answer, and is not asked again", async () => {
  const first = askPerson(deps())(push, signal);
  const open = await asked();
  await answer("approved", open);
  assert.deepEqual(await first, { decision: "approved" });
  assert.deepEqual(await askPerson(deps())(push, signal), { decision: "approved" });
  assert.equal((await allBuildEvents(scratch.db, "b")).length, 2);
});

test("an answer is of no use to other arguments, another call, or a doubt about the same one", async () => {
  const first = askPerson(deps())(push, signal);
  await answer("approved", await asked());
  await first;
  const others: readonly ApprovalQuestion[] = [
    { ...push, arguments: { command: "cd x && git push https://a:hunter2-value@h --force" } },
    { ...push, step: "code/turn-2/call" },
    { ...push, kind: "in-doubt" },
  ];
  for (const other of others)
    assert.deepEqual(await askPerson(deps({ expiresMs: 1 }))(other, signal), { decision: "expired" });
});

test("arguments that differ in a secret alone are told apart, though they are shown alike", () => {
  const shown = (command: string) =>
    bindQuestion({ ...push, arguments: { command } }, redactorOf(["secret-one", "secret-two"]));
  const [one, two] = [shown("push secret-one"), shown("push secret-two")];
  assert.deepEqual(one.shown.arguments, two.shown.arguments);
  assert.notEqual(one.hash, two.hash);
  assert.equal(questionHash(one.callId, one.shown), one.hash);
});

test("a question that nobody answers expires, and the build is told", async () => {
  assert.deepEqual(await askPerson(deps({ expiresMs: 50 }))(push, signal), { decision: "expired" });
  const events = await allBuildEvents(scratch.db, "b");
  assert.deepEqual(
    events.map(({ event }) => (event.type === "approval-answered" ? [event.decision, event.by] : event.type)),
    ["approval-asked", ["expired", ""]],
  );
});

test("a wait that is aborted leaves the question open", async () => {
  const stop = new AbortController();
  const waiting = askPerson(deps())(push, stop.signal);
  const open = await asked();
  stop.abort(new Error("paused"));
  await assert.rejects(waiting, /paused/);
  assert.deepEqual(await asked(), open);
});

test("somebody outside is told by all who ask, of the same question; when that fails the build is told, and the question stays", async () => {
  const notices: ApprovalNotice[] = [];
  const notify = async (notice: ApprovalNotice): Promise<NoticeResult> => {
    notices.push(notice);
    return { ok: false, why: "the webhook answered 500" };
  };
  const first = askPerson(deps({ notify }))(push, signal);
  const second = askPerson(deps({ notify }))(push, signal);
  const open = await asked();
  await answer("approved", open);
  assert.deepEqual([await first, await second], [{ decision: "approved" }, { decision: "approved" }]);
  assert.deepEqual(
    notices.map(({ approval, build }) => [approval, build]),
    [
      [open.id, "b"],
      [open.id, "b"],
    ],
  );
  assert.ok(!JSON.stringify(notices).includes("hunter2"));
  const events = (await allBuildEvents(scratch.db, "b")).map(({ event }) => event.type);
  assert.deepEqual(events.toSorted(), [
    "approval-answered",
    "approval-asked",
    "approval-notice-failed",
    "approval-notice-failed",
  ]);
});

test("a run of the build that has ended asks nothing any more", async () => {
  const { db } = scratch;
  await claimBuild(db, { id: "b", at: new Date() });
  await claimBuild(db, { id: "b", at: new Date() });
  await assert.rejects(askPerson(deps({ claim: { buildId: "b", run: 1 } }))(push, signal), RunEndedError);
  assert.deepEqual([await openApprovals(db, new Date()), await allBuildEvents(db, "b")], [[], []]);
  const waiting = askPerson(deps({ claim: { buildId: "b", run: 2 } }))(push, signal);
  await answer("approved", await asked());
  assert.deepEqual(await waiting, { decision: "approved" });
});

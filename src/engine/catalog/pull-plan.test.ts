import assert from "node:assert/strict";
import { test } from "node:test";
import { planTransfer, resumeFrom, type TransferAnswer, type TransferPlan } from "./pull-plan.ts";

const URL_HERE = "https://hub.example/a.gguf";
const OLD = { haveBytes: 10, url: URL_HERE };
const A = "a".repeat(64);
const B = "b".repeat(64);

test("goes on with what is here only when it surely begins the same file", () => {
  const cases: [Parameters<typeof resumeFrom>, number][] = [
    [[{ haveBytes: 0 }, URL_HERE, {}], 0],
    [[{ ...OLD, sha256: A }, URL_HERE, { sha256: A }], 10],
    [[{ ...OLD, sha256: A }, "https://mirror.example/a.gguf", { sha256: A }], 10],
    [[{ ...OLD, sha256: A }, URL_HERE, { sha256: B }], 0],
    // Nothing was written down, but the hash will show it in the end.
    [[{ haveBytes: 10 }, URL_HERE, { sha256: A }], 10],
    [[{ ...OLD, url: "https://hub.example/b.gguf" }, URL_HERE, { sha256: A }], 0],
    [[{ ...OLD, validator: '"1"' }, URL_HERE, {}], 10],
    // The answer will name the hash again, or the server is none that can go on.
    [[{ ...OLD, sha256: A }, URL_HERE, {}], 10],
    [[OLD, URL_HERE, {}], 0],
    [[{ ...OLD, url: "https://hub.example/b.gguf", validator: '"1"' }, URL_HERE, {}], 0],
    [[{ ...OLD, sha256: A }, URL_HERE, { sha256: A, bytes: 9 }], 0],
  ];
  for (const [input, from] of cases) assert.equal(resumeFrom(...input), from, JSON.stringify(input));
});

test("an answer decides whether to append, to write anew, to stop or to ask again", () => {
  const partial = { ...OLD, validator: '"1"' };
  const whole: TransferPlan = { kind: "write", fromByte: 0, totalBytes: 30 };
  const cases: [TransferAnswer, TransferPlan][] = [
    [{ status: 200, contentLength: 30 }, whole],
    [
      { status: 206, contentRange: "bytes 10-29/30" },
      { kind: "write", fromByte: 10, totalBytes: 30 },
    ],
    [
      { status: 206, contentRange: "bytes 10-29/*" },
      { kind: "write", fromByte: 10, totalBytes: undefined },
    ],
    [{ status: 206, contentRange: "bytes 0-29/30" }, { kind: "start-again" }],
    [{ status: 206 }, { kind: "start-again" }],
    [{ status: 206, contentRange: "bytes 10-29/30", validator: '"2"' }, { kind: "start-again" }],
    [{ status: 416, contentRange: "bytes */10" }, { kind: "complete" }],
    [{ status: 416, contentRange: "bytes */9" }, { kind: "start-again" }],
    [{ status: 416 }, { kind: "start-again" }],
    [{ status: 404 }, { kind: "refused" }],
  ];
  for (const [answer, plan] of cases)
    assert.deepEqual(planTransfer(answer, { askedFrom: 10, partial, expected: {} }), plan, JSON.stringify(answer));
});

test("with a hash to check a new validator is no reason to begin again, as storage behind a hub changes it", () => {
  assert.deepEqual(
    planTransfer(
      { status: 206, contentRange: "bytes 10-29/30", validator: '"2"' },
      { askedFrom: 10, partial: { ...OLD, validator: '"1"' }, expected: { sha256: A } },
    ),
    { kind: "write", fromByte: 10, totalBytes: 30 },
  );
});

test("what was begun under one hash is gone on with under that hash only", () => {
  const answer = { status: 206, contentRange: "bytes 10-29/30" };
  const plan = (sha256?: string): string =>
    planTransfer(answer, { askedFrom: 10, partial: { ...OLD, sha256: A }, expected: { sha256 } }).kind;
  assert.deepEqual([plan(A), plan(B), plan()], ["write", "start-again", "start-again"]);
});

test("the hub's size goes before what the storage says", () => {
  assert.deepEqual(
    planTransfer(
      { status: 200, contentLength: 30 },
      { askedFrom: 0, partial: { haveBytes: 0 }, expected: { bytes: 31 } },
    ),
    { kind: "write", fromByte: 0, totalBytes: 31 },
  );
});

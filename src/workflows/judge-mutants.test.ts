import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeMutants } from "./judge-mutants.ts";

function judged(killed: number, survived: number): string {
  const { ok, detail } = judgeMutants({ kind: "tried", mutants: [], killed, survived });
  return `${ok ? "holds" : "does not hold"}: ${detail}`;
}

test("survivors are told, and only tests that notice none of three or more are refused", () => {
  assert.equal(judged(12, 0), "holds: the tests notice all 12 changes of the code");
  assert.equal(judged(1, 0), "holds: the tests notice 1 change of the code");
  assert.equal(judged(10, 2), "holds: 2 of 12 survived: the tests do not notice these changes of the code");
  assert.equal(judged(1, 1), "holds: 1 of 2 survived: the tests do not notice this change of the code");
  assert.equal(judged(0, 2), "holds: the tests do not notice 2 changes of the code, which is too few to judge them by");
  assert.equal(
    judged(0, 3),
    "does not hold: none of 3 changes of the code made a test fail: these tests can't fail, and prove nothing",
  );
  assert.equal(judged(0, 0), "holds: not tried: the code has nothing to change");
});

test("what could not be tried is no fault of the tests; tests that fail by themselves are", () => {
  assert.deepEqual(judgeMutants({ kind: "unsupported", language: "cobol" }), {
    ok: true,
    detail: "not tried: mutants can't be made of cobol",
  });
  assert.deepEqual(judgeMutants({ kind: "red", why: "test_1: 1 != 2" }), {
    ok: false,
    detail: "the tests fail without any change: test_1: 1 != 2",
  });
});

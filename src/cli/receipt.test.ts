import assert from "node:assert/strict";
import { test } from "node:test";
import { folderAndMutants } from "./receipt.ts";

test("a folder behind --mutants is the repository and not a number, and a number stays one", () => {
  assert.deepEqual(folderAndMutants(undefined, "./demo"), { directory: "./demo", mutants: true });
  assert.deepEqual(folderAndMutants("./demo", true), { directory: "./demo", mutants: true });
  assert.deepEqual(folderAndMutants("./demo", "5"), { directory: "./demo", mutants: "5" });
  assert.deepEqual(folderAndMutants(undefined, "5"), { directory: ".", mutants: "5" });
  assert.deepEqual(folderAndMutants("./demo", "many"), { directory: "./demo", mutants: "many" });
  assert.deepEqual(folderAndMutants(undefined, undefined), { directory: ".", mutants: undefined });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { showFile } from "../agents/file-blocks.ts";
import { showSpec } from "../agents/read-spec.ts";
import { showTask } from "../agents/show-task.ts";
import { explainFailure } from "../tools/explain-failure.ts";
import { requireLanguage } from "../tools/find-language.ts";
import { scaffold } from "../tools/language.ts";
import { WORKFLOW_VERSION } from "./build-request.ts";

test("the words that enter a build's steps belong to its workflow version", () => {
  const words = JSON.stringify([
    scaffold(requireLanguage("python"), "some_name", "does something"),
    scaffold(requireLanguage("typescript"), "someName", "does something"),
    showSpec({ name: "f", language: "python", summary: "s", criteria: ["f(1) returns 2"] }),
    showTask({
      id: "code",
      tier: "simple",
      files: ["f.py"],
      after: ["other"],
      description: "write f",
      covers: [],
      kind: "other",
    }),
    showFile({ path: "f.py", content: "x\n" }, "python"),
    explainFailure({
      runner: "r",
      durationMs: 1,
      green: false,
      tests: [{ file: "t", name: "n", outcome: "failed", message: "m  m" }],
    }),
  ]);
  const found = { version: WORKFLOW_VERSION, words: createHash("sha256").update(words).digest("hex").slice(0, 16) };
  // A paused build is replayed with these words. When they change, give WORKFLOW_VERSION a new number too.
  assert.deepEqual(found, { version: "atos-build-4", words: "12cd52229354cb54" });
});

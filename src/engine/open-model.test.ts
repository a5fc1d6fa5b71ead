import assert from "node:assert/strict";
import { test } from "node:test";
import { openModel } from "./open-model.ts";

test("says that a model file is gone, as every command does", async () => {
  const opening = openModel({ kind: "gguf", id: "x", path: "/none/x.gguf" }, {}, new AbortController().signal);
  await assert.rejects(opening, { code: "engine/model-not-found", exitCode: 3, message: /there is no model file/ });
});

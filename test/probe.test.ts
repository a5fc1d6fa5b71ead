import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Installation } from "./fixtures/atos.ts";
import { showCall } from "../src/engine/dialects/tool-format.ts";
import { FakeOpenAiServer } from "./fixtures/fake-openai-server.ts";

const atos = new Installation();
after(() => atos[Symbol.asyncDispose]());

test("what a probe finds out of the built-in model is kept, and shown with the model", async () => {
  const before = await atos.run("models", "show", "nano");
  assert.match(before.stdout, /probe +not probed here yet/);
  const probed = await atos.json("models", "probe", "nano");
  assert.equal(probed.code, 0, probed.stderr);
  const report = Object(probed.lines[0]?.["report"]);
  // It was trained for its own words only, and a grammar makes it keep to a schema all the same.
  assert.deepEqual([report.formats.length, report.followsForcedSchema], [7, true]);
  assert.ok(report.score < 0.3 && report.promptTokensPerSecond > 0);
  const shown = await atos.run("models", "show", "nano");
  assert.match(shown.stdout, new RegExp(`probe +no right call in any format, score ${report.score}`));
});

test("a server's model is probed over the network, and the format it knows is found", async () => {
  const call = showCall("read_file", { path: "README.md" }, "mistral");
  await using server = await FakeOpenAiServer.start({ reply: () => ({ kind: "text", text: call }) });
  const probed = await atos.json("models", "probe", `${server.baseUrl}#m`);
  assert.equal(probed.code, 0, probed.stderr);
  const { formats } = Object(probed.lines[0]?.["report"]);
  // It is read whatever was asked for: one scenario in five wants this very call.
  for (const { right, of } of formats) assert.deepEqual([right, of], [1, 5]);
});

test("a model's speed is timed", async () => {
  const timed = await atos.json("models", "bench", "nano");
  assert.equal(timed.code, 0, timed.stderr);
  const speeds: readonly Record<string, unknown>[] = Object(timed.lines[0])["speeds"];
  assert.ok(speeds.length >= 2);
  assert.ok(speeds.every(({ promptTokensPerSecond }) => Number(promptTokensPerSecond) > 0));
});

test("a model that is not there can't be probed, and nothing is kept", async () => {
  const missing = await atos.json("models", "probe", "./ghost.gguf");
  assert.deepEqual([missing.code, missing.lines[0]?.["code"]], [3, "engine/model-not-found"]);
  const unknown = await atos.json("models", "bench", "ghost");
  assert.deepEqual([unknown.code, unknown.lines[0]?.["code"]], [2, "workflows/unknown-model"]);
});

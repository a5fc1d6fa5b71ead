import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { z } from "zod";
import { missingError } from "../../base/errors.ts";
import type { GateTool } from "../gate/gate-tool.ts";
import { defineTool, type Tool } from "../tool.ts";
import { connectOwn } from "./connect-own.ts";

const { signal } = new AbortController();
const context = { signal, idempotencyKey: "b1/code/turn-1/call" };
const writeFile = defineTool({
  name: "write_file",
  title: "Write a file",
  description: "Create a file.",
  input: z.strictObject({
    path: z
      .string()
      .min(1)
      .meta({ "x-aliases": ["file"] }),
    content: z.string(),
    mode: z.enum(["new", "replace"]).optional(),
  }),
  output: z.strictObject({ bytes: z.int() }),
  annotations: { readOnly: false, destructive: true, idempotent: true, openWorld: false },
  effect: "workspace",
  pathArguments: ["path"],
  example: { path: "a.txt", content: "a" },
  run: async ({ content }) => ({ ok: true, output: { bytes: content.length } }),
});

test("what a model is told comes from the schema that calls are held against", async (t) => {
  const tool = await connect(t, writeFile);
  assert.deepEqual(tool.definition, {
    name: "write_file",
    description: "Create a file.",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", minLength: 1, "x-aliases": ["file"] },
        content: { type: "string", "x-verbatim": true },
        mode: { type: "string", enum: ["new", "replace"] },
      },
      required: ["path", "content"],
      additionalProperties: false,
    },
    "x-example": { path: "a.txt", content: "a" },
  });
  const { server, own, annotations, effect, pathArguments } = tool;
  assert.deepEqual(
    { server, own, annotations, effect, pathArguments },
    { server: "own", own: true, annotations: writeFile.annotations, effect: "workspace", pathArguments: ["path"] },
  );
});

test("arguments are checked without a call, and left as they are", async (t) => {
  const tool = await connect(t, writeFile);
  const value = { path: "a", content: "  b " };
  assert.deepEqual(tool.validate(value), { ok: true, value });
  assert.deepEqual(tool.validate({ path: "a", mode: "append" }), {
    ok: false,
    why: 'write_file: the argument content is missing; it must be a string. mode: expected one of "new"|"replace".',
  });
});

test("a call goes through the protocol and comes back as text and structured output", async (t) => {
  const tool = await connect(t, writeFile);
  assert.deepEqual(await tool.call({ path: "a", content: "abc" }, context), {
    ok: true,
    text: '{"bytes":3}',
    structured: { bytes: 3 },
  });
});

test("a tool's failure is a result", async (t) => {
  const tool = await connect(t, { ...writeFile, run: async () => ({ ok: false, why: "The disk is full." }) });
  assert.deepEqual(await tool.call({ path: "a", content: "" }, context), { ok: false, text: "The disk is full." });
});

test("what a tool throws, the call throws: a broken machine is no observation", async (t) => {
  const broken = missingError("sandbox/none", "no sandbox here");
  const run = async () => {
    throw broken;
  };
  const tool = await connect(t, { ...writeFile, run });
  await assert.rejects(tool.call({ path: "a", content: "" }, context), (error) => error === broken);
  await assert.rejects(tool.call({ path: "a", content: "" }, context), (error) => error === broken);
});

test("an abort ends the call with its reason, and reaches the tool", async (t) => {
  const stop = new AbortController();
  const aborted = Promise.withResolvers<void>();
  const run: Tool["run"] = (_, call) => {
    call.signal.addEventListener("abort", () => aborted.resolve());
    queueMicrotask(() => stop.abort(new Error("enough")));
    return new Promise(() => undefined);
  };
  const tool = await connect(t, { ...writeFile, run });
  await assert.rejects(tool.call({ path: "a", content: "" }, { ...context, signal: stop.signal }), {
    message: "enough",
  });
  await aborted.promise;
  await assert.rejects(tool.call({ path: "a", content: "" }, { ...context, signal: stop.signal }), {
    message: "enough",
  });
});

test("what became of a call is found out as the tool does it", async (t) => {
  const found = defineTool({
    ...writeFile,
    reconcile: async ({ content }) => ({ kind: "done", result: { ok: true, output: { bytes: content.length } } }),
  });
  const tool = await connect(t, found);
  assert.deepEqual(await tool.reconcile?.({ path: "a", content: "ab" }, context), {
    kind: "done",
    result: { ok: true, text: '{"bytes":2}', structured: { bytes: 2 } },
  });
  assert.equal("reconcile" in (await connect(t, writeFile)), false);
});

test("when it is disposed no tool can be called", async () => {
  const connected = await connectOwn({ name: "own", instructions: "", tools: [writeFile] });
  await connected[Symbol.asyncDispose]();
  await assert.rejects(connected.tools[0]?.call({ path: "a", content: "" }, context) ?? assert.fail(), {
    code: "tools/call-failed",
  });
});

async function connect(t: TestContext, tool: Tool): Promise<GateTool> {
  const connected = await connectOwn({ name: "own", instructions: "", tools: [tool] });
  t.after(() => connected[Symbol.asyncDispose]());
  return connected.tools[0] ?? assert.fail("no tool");
}

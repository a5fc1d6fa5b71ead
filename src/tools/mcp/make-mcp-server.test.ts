import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { z } from "zod";
import { AtosError } from "../../base/errors.ts";
import { defineTool, type Tool, type ToolCallContext } from "../tool.ts";
import { makeMcpServer, type McpServerOptions } from "./make-mcp-server.ts";

const readFile = defineTool({
  name: "read_file",
  title: "Read a file",
  description: "Read a text file.",
  input: z.strictObject({
    path: z
      .string()
      .min(1)
      .max(20)
      .meta({ "x-aliases": ["file"] }),
    line: z.int().min(1).optional(),
  }),
  output: z.strictObject({ text: z.string() }),
  annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  effect: "none",
  run: async ({ path }) => ({ ok: true, output: { text: `of ${path}` }, text: `text of ${path}` }),
});

test("a tool is listed with strict schemas and its annotations", async (t) => {
  const client = await connect(t, [readFile]);
  const { tools }: Awaited<ReturnType<Client["listTools"]>> = JSON.parse(JSON.stringify(await client.listTools()));
  assert.deepEqual(
    tools.map(({ inputSchema, outputSchema, ...tool }) => ({
      ...tool,
      inputSchema,
      output: outputSchema?.["additionalProperties"],
    })),
    [
      {
        name: "read_file",
        title: "Read a file",
        description: "Read a text file.",
        inputSchema: {
          $schema: "https://json-schema.org/draft/2020-12/schema",
          type: "object",
          properties: {
            path: { type: "string", minLength: 1, maxLength: 20 },
            line: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
          },
          required: ["path"],
          additionalProperties: false,
        },
        output: false,
        annotations: {
          title: "Read a file",
          readOnlyHint: true,
          destructiveHint: false,
          idempotentHint: true,
          openWorldHint: false,
        },
      },
    ],
  );
});

test("a result is told twice: as text for a model and structured for a program", async (t) => {
  const client = await connect(t, [readFile]);
  assert.deepEqual(await call(client, "read_file", { path: "a" }), {
    content: [{ type: "text", text: "text of a" }],
    structuredContent: { text: "of a" },
  });
});

test("wrong arguments are an error that says what is wrong and what is allowed, and the tool does not run", async (t) => {
  let ran = 0;
  const counting = { ...readFile, run: async () => ({ ok: false as const, why: `${++ran}` }) };
  const client = await connect(t, [counting]);
  const why = async (value: Record<string, unknown>) =>
    (await textOf(client, "read_file", value)).replace(
      "Input validation error: Invalid arguments for tool read_file: ",
      "",
    );
  assert.deepEqual(
    [
      await why({}),
      await why({ path: 5 }),
      await why({ path: "a", lines: 3 }),
      await why({ path: "a", line: 0 }),
      await why({ path: "a".repeat(21), line: 1.5, ["x".repeat(100)]: 1 }),
    ],
    [
      "the argument path is missing; it must be a string.",
      "path: expected string, received number.",
      'it has no argument "lines"; its arguments are path, line.',
      "line: too small: expected number to be >=1.",
      `path: too big: expected string to have <=20 characters. line: expected int, received number. it has no argument "${"x".repeat(40)}"; its arguments are path, line.`,
    ],
  );
  assert.equal(ran, 0);
});

test("an argument that a tool's own schema would drop is refused all the same", async (t) => {
  const loose = { ...readFile, input: z.object({ path: z.string() }) };
  const client = await connect(t, [loose]);
  assert.match(await textOf(client, "read_file", { path: "a", more: 1 }), /it has no argument "more"/);
});

test("a failure is an error with its words", async (t) => {
  const client = await connect(t, [{ ...readFile, run: async () => ({ ok: false, why: "There is no a." }) }]);
  assert.deepEqual(await call(client, "read_file", { path: "a" }), {
    content: [{ type: "text", text: "There is no a." }],
    isError: true,
  });
});

test("of what a tool throws nothing leaves but its code; the server's owner is told all", async (t) => {
  const thrown: unknown[] = [];
  const errors = [new Error("ENOENT /home/me/secret"), new AtosError("tools/x", "key abc is wrong")];
  const run = async () => {
    throw errors[thrown.length];
  };
  const client = await connect(t, [{ ...readFile, run }], { onThrown: (error) => void thrown.push(error) });
  assert.deepEqual(
    [await textOf(client, "read_file", { path: "a" }), await textOf(client, "read_file", { path: "a" })],
    [
      "read_file broke down. The call was not at fault; it is reported to whoever runs ATOS.",
      "read_file broke down [tools/x]. The call was not at fault; it is reported to whoever runs ATOS.",
    ],
  );
  assert.deepEqual(thrown, errors);
});

test("a call that was cancelled is no breakdown", async (t) => {
  const thrown: unknown[] = [];
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const run = (_: unknown, { signal }: ToolCallContext) => {
    start();
    return new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        reject(signal.reason);
        setImmediate(end);
      });
    });
  };
  const client = await connect(t, [{ ...readFile, run }], { onThrown: (error) => void thrown.push(error) });
  const stop = new AbortController();
  const waiting = client.callTool({ name: "read_file", arguments: { path: "a" } }, { signal: stop.signal });
  await started;
  stop.abort(new Error("enough"));
  await assert.rejects(waiting);
  await ended;
  assert.deepEqual(thrown, []);
});

test("a caller that wants to know is told that a call is still at work", async (t) => {
  const told: unknown[] = [];
  const { promise: enough, resolve: stop } = Promise.withResolvers<void>();
  const run = async () => {
    await enough;
    return { ok: false as const, why: "done" };
  };
  const client = await connect(t, [{ ...readFile, run }], { progressMs: 5 });
  const onprogress = (progress: unknown): void => {
    if (told.push(progress) === 2) stop();
  };
  await client.callTool({ name: "read_file", arguments: { path: "a" } }, { onprogress });
  assert.deepEqual(told.slice(0, 2), [
    { progress: 1, message: "at work" },
    { progress: 2, message: "at work" },
  ]);
});

test("output that its schema does not allow is a broken tool, not a result", async (t) => {
  const client = await connect(t, [{ ...readFile, output: z.strictObject({ text: z.number() }) }]);
  assert.match(await textOf(client, "read_file", { path: "a" }), /broke down/);
});

test("too much of anything is refused", async (t) => {
  const large = defineTool({
    name: "large",
    title: "Large",
    description: "Says it a thousand times.",
    input: z.strictObject({ text: z.string(), list: z.array(z.int()).optional() }),
    output: z.strictObject({ text: z.string() }),
    annotations: readFile.annotations,
    effect: "none",
    run: async ({ text }) => ({ ok: true, output: { text: text.repeat(1000) } }),
  });
  const client = await connect(t, [large]);
  assert.match(await textOf(client, "large", { text: "x".repeat(9_000_000) }), /more than 8388608 characters/);
  assert.match(
    await textOf(client, "large", { text: "", list: Array.from({ length: 20_000 }, () => 1) }),
    /10000 elements/,
  );
  assert.match(await textOf(client, "large", { text: "x".repeat(3000) }), /ask for less of it/);
});

test("the call's key and its abort reach the tool; without a key each call has its own", async (t) => {
  const seen: ToolCallContext[] = [];
  const run = (_: unknown, context: ToolCallContext) => {
    seen.push(context);
    const { promise, resolve } = Promise.withResolvers<{ ok: false; why: string }>();
    if (seen.length < 3) resolve({ ok: false, why: "no" });
    else context.signal.addEventListener("abort", () => resolve({ ok: false, why: "aborted" }));
    return promise;
  };
  const client = await connect(t, [{ ...readFile, run }]);
  await client.callTool({ name: "read_file", arguments: { path: "a" }, _meta: { "atos/idempotency-key": "b1/step" } });
  await client.callTool({ name: "read_file", arguments: { path: "a" }, _meta: { "atos/idempotency-key": "a\nb" } });
  const stop = new AbortController();
  const waiting = client.callTool({ name: "read_file", arguments: { path: "a" } }, { signal: stop.signal });
  while (seen.length < 3) await new Promise(setImmediate);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting);
  const [first, second, third] = seen.map(({ idempotencyKey }) => idempotencyKey);
  assert.equal(first, "b1/step");
  assert.match(`${second} ${third}`, /^[0-9a-f-]{36} [0-9a-f-]{36}$/);
  assert.notEqual(second, third);
  while (seen[2]?.signal.aborted === false) await new Promise(setImmediate);
});

test("a call that may not be made is refused with the reason, before the tool runs", async (t) => {
  const refuse: McpServerOptions["refuse"] = (tool, input) =>
    input["path"] === "b" ? `${tool.name}: not b.` : undefined;
  const client = await connect(t, [readFile], { refuse });
  assert.equal(await textOf(client, "read_file", { path: "a" }), "text of a");
  assert.equal(await textOf(client, "read_file", { path: "b" }), "read_file: not b.");
});

async function connect(
  t: TestContext,
  tools: readonly Tool[],
  options: Partial<McpServerOptions> = {},
): Promise<Client> {
  const server = makeMcpServer({ name: "test", instructions: "Reads.", tools }, { version: "1", ...options });
  const client = new Client({ name: "test", version: "1" });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  await client.connect(near);
  t.after(() => client.close());
  return client;
}

function call(client: Client, name: string, value: Record<string, unknown>) {
  return client.callTool({ name, arguments: value });
}

async function textOf(client: Client, name: string, value: Record<string, unknown>): Promise<string> {
  const [block] = (await call(client, name, value)).content;
  return block?.type === "text" ? block.text : assert.fail("no text");
}

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type FakeReply, FakeOpenAiServer } from "../fixtures/fake-openai-server.ts";
import { peerEnvironment, PYTHON } from "./peer.ts";

/* The fake server that ATOS's tests believe in, seen by the client of those who made the API. */

const SCRIPT = fileURLToPath(new URL("openai_client.py", import.meta.url));

const usage = { prompt_tokens: 9, completion_tokens: 7 };
const spoken: FakeReply = { kind: "text", text: "Grüße 😀, here is `code`\n", usage };
const called: FakeReply = {
  kind: "text",
  text: "",
  toolCalls: [
    { id: "a", name: "read", arguments: '{"path":"x"}' },
    { id: "b", name: "list", arguments: "{}" },
  ],
  usage,
};
const replies: readonly FakeReply[] = [
  spoken,
  spoken,
  called,
  called,
  { kind: "status", status: 429, body: '{"error":{"message":"slow down"}}' },
];

test("the official OpenAI client understands the fake server as ATOS does", async () => {
  await using server = await FakeOpenAiServer.start({
    reply: (_, index) => replies[index] ?? spoken,
    models: ["fake", "other"],
    routes: {
      "/v1/embeddings": () => ({
        json: {
          object: "list",
          model: "fake",
          data: [{ object: "embedding", index: 0, embedding: [0.5, -1] }],
          usage: { prompt_tokens: 1, total_tokens: 1 },
        },
      }),
    },
  });
  const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, server.baseUrl], { env: peerEnvironment() });
  const said = { content: spoken.text, finish: "stop", usage: [9, 7, 16] };
  const calls = {
    a: { id: "a", name: "read", arguments: '{"path":"x"}' },
    b: { id: "b", name: "list", arguments: "{}" },
  };
  assert.deepEqual(JSON.parse(stdout), {
    models: ["fake", "other"],
    streamed: { ...said, calls: {} },
    whole: { ...said, calls: [] },
    streamed_calls: { content: "", finish: "tool_calls", usage: [9, 7, 16], calls: { 0: calls.a, 1: calls.b } },
    whole_calls: {
      content: "",
      finish: "tool_calls",
      usage: [9, 7, 16],
      calls: [
        ["a", "read", '{"path":"x"}'],
        ["b", "list", "{}"],
      ],
    },
    refused: ["RateLimitError", 429],
    embedding: [0.5, -1],
  });
  assert.ok(server.requests.every(({ authorization }) => authorization === "Bearer a-key"));
});

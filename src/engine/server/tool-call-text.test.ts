import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToolCallPiece } from "./chat-stream.ts";
import { toolCallText } from "./tool-call-text.ts";

const call = (id: string, name: string, text: string) => ({
  id,
  type: "function",
  function: { name, arguments: text },
});

function callsOf(pieces: readonly ToolCallPiece[]): unknown {
  return JSON.parse(toolCallText(pieces));
}

test("puts the pieces of two calls together, whatever order they come in", () => {
  const pieces: ToolCallPiece[] = [
    { index: 0, id: "a", name: "read", arguments: "" },
    { index: 1, id: "b", name: "list", arguments: '{"pa' },
    { index: 0, arguments: '{"path":' },
    { index: 1, arguments: 'th":"."}' },
    { index: 0, arguments: '"x"}' },
  ];
  assert.equal(
    toolCallText(pieces),
    JSON.stringify({ tool_calls: [call("a", "read", '{"path":"x"}'), call("b", "list", '{"path":"."}')] }),
  );
  assert.equal(toolCallText([]), "");
});

test("keeps calls apart that come whole under one index, or without any", () => {
  const both = { tool_calls: [call("a", "read", "{}"), call("b", "read", "{}")] };
  const underZero: ToolCallPiece[] = [
    { index: 0, id: "a", name: "read", arguments: "{}" },
    { index: 0, id: "b", name: "read", arguments: "{}" },
  ];
  assert.deepEqual(callsOf(underZero), both);
  const unnumbered = underZero.map(({ id = "", name = "", arguments: text }) => ({ id, name, arguments: text }));
  assert.deepEqual(callsOf(unnumbered), both);
  const nameless = [{ name: "read", arguments: '{"a"' }, { arguments: ":1}" }, { name: "list", arguments: "" }];
  assert.deepEqual(callsOf(nameless), {
    tool_calls: [call("call_0", "read", '{"a":1}'), call("call_1", "list", "{}")],
  });
});

test("takes an id and a name that are repeated with every piece for the same call", () => {
  const pieces = ['{"a"', ":1}"].map((text) => ({ index: 0, id: "a", name: "read", arguments: text }));
  assert.deepEqual(callsOf(pieces), { tool_calls: [call("a", "read", '{"a":1}')] });
});

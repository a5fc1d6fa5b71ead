import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { readReply } from "./read-reply.ts";
import { type ReplyPart, ReplyStream } from "./reply-stream.ts";
import { toolDefinition } from "./tool-definition.ts";

const corpus = new URL("../../../test/corpus/", import.meta.url);
const { tools } = z
  .object({ tools: z.array(toolDefinition) })
  .parse(JSON.parse(readFileSync(new URL("tools.json", corpus), "utf8")));
const texts = readdirSync(corpus)
  .filter((name) => name.endsWith(".jsonl"))
  .flatMap((name) => readFileSync(new URL(name, corpus), "utf8").trim().split("\n"))
  .map((line) => z.object({ text: z.string() }).parse(JSON.parse(line)).text);

function shownOf(text: string, sizes: (index: number) => number) {
  const stream = new ReplyStream(tools);
  const parts: ReplyPart[] = [];
  let index = 0;
  for (let at = 0; at < text.length; ) {
    const size = Math.max(1, sizes(index++));
    parts.push(...stream.push(text.slice(at, at + size)));
    at += size;
  }
  const join = (kind: ReplyPart["kind"]) =>
    parts
      .filter((part) => part.kind === kind)
      .map((part) => part.text)
      .join("");
  return { text: join("text"), reasoning: join("reasoning"), reading: stream.end("stop") };
}

test("prose is shown as it comes, and a call is not", () => {
  const stream = new ReplyStream(tools);
  const shown = (chunk: string) => stream.push(chunk).map(({ kind, text }) => `${kind}:${text}`);
  assert.deepEqual(shown("<thi"), []);
  assert.deepEqual(shown("nk>Look at the file first, then decide."), ["reasoning:Look at the file first, then"]);
  assert.deepEqual(shown("</think>\n"), ["reasoning: decide.", "text:\n"]);
  assert.deepEqual(shown("I open"), []);
  assert.deepEqual(shown(" the file"), ["text:I open the "]);
  assert.deepEqual(shown(" now. <tool"), ["text:file now. "]);
  assert.deepEqual(shown('_call>{"name": "read_file", "arguments": {"path": "a.ts"}}</tool_call>'), []);
  assert.deepEqual(stream.end("stop"), {
    kind: "call",
    name: "read_file",
    arguments: { path: "a.ts" },
    also: 0,
    dialect: "hermes-xml",
    reasoning: "Look at the file first, then decide.",
    text: "I open the file now.",
  });
});

test("prose with angle brackets, square brackets and code is shown", () => {
  const text =
    "If a < b, see [the guide](x.md), `f(x)` and <b>this</b> list:\n- [ ] one thing\n- another thing here\nThat is all of it.\n";
  for (const size of [1, 2, 3, 7, 1000]) assert.equal(shownOf(text, () => size).text, text);
});

test("what is shown does not take back a word, however the reply is cut, and the reading is that of the whole", () => {
  let shown = 0;
  texts.forEach((text, number) => {
    const whole = readReply(text, { tools, finish: "stop" });
    for (const sizes of [() => 1, () => 4, (index: number) => 1 + ((index * 7 + number) % 13), () => text.length]) {
      const streamed = shownOf(text, sizes);
      assert.deepEqual(streamed.reading, whole);
      if (whole.kind === "invalid" || /<\/think|Final Answer/i.test(text)) continue;
      assert.ok(whole.text.startsWith(streamed.text.trim()), JSON.stringify({ text, shown: streamed.text, whole }));
      shown += streamed.text.length;
    }
  });
  assert.ok(shown > 10_000);
});

test("the work grows with the length of a reply and not faster, also when it comes character by character", () => {
  const timeOf = (text: string): number => {
    const stream = new ReplyStream(tools);
    const start = process.cpuUsage();
    for (let at = 0; at < text.length; at++) stream.push(text.charAt(at));
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  for (const piece of ["a", "a=", " ", "a `a", "a.b/", "[a", "<a", "aa bb=", "- a\n"]) {
    const small = piece.repeat(Math.ceil(20_000 / piece.length));
    timeOf(small);
    const before = Math.max(5, Math.min(timeOf(small), timeOf(small)));
    const after = timeOf(small.repeat(8));
    assert.ok(after <= before * 24, `${JSON.stringify(piece)}: ${before} ms, then ${after} ms for 8 times as much`);
  }
});

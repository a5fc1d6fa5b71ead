import assert from "node:assert/strict";
import { test } from "node:test";
import { ThinkingBlock, type ThinkingMarks, thinkingMarksOf } from "./thinking-block.ts";

const marks = marksOf("{{ '<think>' }}");
const OPENED = "<|im_start|>assistant\n<think>\n";

function marksOf(template: string): ThinkingMarks {
  const found = thinkingMarksOf(template);
  assert.ok(found);
  return found;
}

/** What of the pieces belongs to the answer. */
function answer(block: ThinkingBlock, pieces: readonly string[]): readonly string[] {
  return pieces.map((piece) => block.push(piece));
}

test("knows the marks of a family by its template", () => {
  assert.deepEqual(
    ["{{ content.split('</think>') }}", "[THINK]", "<|channel|>analysis<|message|>", "<|assistant|>x<|end|>"].map(
      (template) => thinkingMarksOf(template)?.close,
    ),
    ["</think>", "[/THINK]", "<|end|>", undefined],
  );
});

test("takes a block that the prompt opened, up to its mark, wherever the pieces end", () => {
  const block = new ThinkingBlock(marks, OPENED);
  assert.deepEqual(answer(block, ["because", " a < b</th", "ink>", "\nyes"]), ["", "", "", "\nyes"]);
  assert.equal(block.isOpen, false);
  assert.deepEqual(answer(new ThinkingBlock(marks, OPENED), ["why</think>so"]), ["so"]);
});

test("takes a block at the beginning of the reply, and no later one", () => {
  const block = new ThinkingBlock(marks, "assistant\n");
  assert.deepEqual(answer(block, ["\n<th", "ink>", "hm", "</think>", "a <think> b"]), ["", "", "", "", "a <think> b"]);
  const plain = new ThinkingBlock(marks, "assistant\n");
  assert.deepEqual(answer(plain, ["<", "b>bold", "<think>"]), ["", "<b>bold", "<think>"]);
});

test("does not take a block for open that the prompt closed", () => {
  const block = new ThinkingBlock(marks, `${OPENED}\n</think>\n\n`, 0);
  assert.deepEqual(answer(block, ["yes"]), ["yes"]);
  assert.equal(block.isSpent, false);
});

test("is spent after its budget, and closed on a line of its own", () => {
  const block = new ThinkingBlock(marks, OPENED, 2);
  assert.equal(block.isSpent, false);
  answer(block, ["one"]);
  assert.equal(block.isSpent, false);
  answer(block, [" two"]);
  assert.equal(block.isSpent, true);
  assert.equal(block.closing, "\n</think>\n\n");
  assert.deepEqual(answer(block, [block.closing, "done"]), ["\n\n", "done"]);
  assert.equal(block.isSpent, false);
});

test("is spent at once without any budget, whoever opens it", () => {
  const opened = new ThinkingBlock(marks, OPENED, 0);
  assert.deepEqual([opened.isSpent, opened.closing], [true, "</think>\n\n"]);
  const opening = new ThinkingBlock(marks, "assistant\n", 0);
  assert.equal(opening.isSpent, false);
  answer(opening, ["<think>"]);
  assert.equal(opening.isSpent, true);
});

test("goes over to the answer as each family does", () => {
  const harmony = new ThinkingBlock(marksOf("<|channel|>analysis<|message|>"), "<|start|>assistant", 1);
  answer(harmony, ["<|channel|>analysis<|message|>", "hm"]);
  assert.equal(harmony.closing, "<|end|><|start|>assistant<|channel|>final<|message|>");
});

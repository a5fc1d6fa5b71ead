import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileBlocks, showFile } from "./file-blocks.ts";

test("a labelled fenced block is a file, whatever marks stand around the label", () => {
  for (const label of ["FILE: a.py", "File: `a.py`", "**FILE: a.py**", "### Filename: a.py", "FILE: a.py:"]) {
    assert.deepEqual(
      readFileBlocks(`Sure!\n${label}\n\n\`\`\`python\nx = 1\n\`\`\`\nDone.`),
      { ok: true, value: [{ path: "a.py", content: "x = 1\n" }] },
      label,
    );
  }
});

test("the path may stand in the fence's info string", () => {
  const expected = { ok: true, value: [{ path: "src/a.ts", content: "1\n" }] };
  for (const info of ["ts:src/a.ts", 'ts path="src/a.ts"', 'ts title="src/a.ts"'])
    assert.deepEqual(readFileBlocks(`\`\`\`${info}\n1\n\`\`\``), expected, info);
});

test("several files, a longer outer fence, tildes and empty lines are kept as they are", () => {
  const reply = "FILE: a.md\n````md\n```py\n1\n```\n\n````\nFILE: b.py\n~~~\ny\n~~~";
  assert.deepEqual(readFileBlocks(reply), {
    ok: true,
    value: [
      { path: "a.md", content: "```py\n1\n```\n\n" },
      { path: "b.py", content: "y\n" },
    ],
  });
});

test("a block without a path is prose, and a label does not reach over prose", () => {
  assert.equal(readFileBlocks("FILE: a.py\nHere it is:\n```python\nx\n```").ok, false);
  assert.equal(readFileBlocks("```python\nx\n```").ok, false);
});

test("a block that never closes was cut off and is not a file", () => {
  const read = readFileBlocks("FILE: a.py\n```python\nx = 1\n");
  assert.match(read.ok ? "" : read.why, /not closed/);
});

test("paths that leave the workspace and files written twice make the reply unreadable", () => {
  for (const path of ["/etc/passwd", "../a.py", ".git/config", ".atos/receipt.json"]) {
    assert.equal(readFileBlocks(`FILE: ${path}\n\`\`\`\nx\n\`\`\``).ok, false, path);
  }
  assert.match(JSON.stringify(readFileBlocks("FILE: a\n```\n1\n```\nFILE: a\n```\n2\n```")), /twice/);
});

test("a file is shown in the very form it is read in, also when it holds fences itself", () => {
  for (const content of ["x = 1\n", "```\ncode\n```\n", "", "````\n"]) {
    const shown = showFile({ path: "a.md", content }, "md");
    assert.deepEqual(
      readFileBlocks(shown),
      { ok: true, value: [{ path: "a.md", content: content === "" ? "\n" : content }] },
      shown,
    );
  }
});

test("any text is read without throwing", () => {
  const pieces = ["FILE:", "```", "\n", "a.py", "~~~", "````", " ", "\r\n", "FILE: x\n", "\u0000", "é"];
  for (let seed = 0; seed < 2000; seed++) {
    let text = "";
    for (let i = 0, state = seed; i < 12; i++, state = (state * 48271 + 11) % 2147483647)
      text += pieces[state % pieces.length];
    readFileBlocks(text);
  }
});

test("a draft in the reasoning is no file, and thinking inside a file is the file's", () => {
  const block = (content: string): string => `FILE: a.py\n\`\`\`\n${content}\`\`\``;
  const expected = { ok: true, value: [{ path: "a.py", content: "x\n" }] };
  assert.deepEqual(readFileBlocks(`<think>${block("draft\n")}</think>\n${block("x\n")}`), expected);
  assert.deepEqual(readFileBlocks(`so I write it down</think>${block("x\n")}`), expected);
  assert.deepEqual(readFileBlocks(block('t = "</think>"\n')), {
    ok: true,
    value: [{ path: "a.py", content: 't = "</think>"\n' }],
  });
});

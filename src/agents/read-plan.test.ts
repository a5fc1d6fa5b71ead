import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedTask } from "../base/events.ts";
import { orderTasks, readPlan } from "./read-plan.ts";
import { showTask } from "./show-task.ts";

function block(id: string, after: string, files = `${id}.py`): string {
  return `TASK: ${id}\nTIER: simple\nFILES: ${files}\nAFTER: ${after}\nDO: write ${id}`;
}

const parser: PlannedTask = {
  id: "parser",
  tier: "medium",
  files: ["parser.py"],
  after: [],
  covers: [1, 3],
  kind: "other",
  description: "write parse(text)",
};
const cli: PlannedTask = {
  id: "cli",
  tier: "simple",
  files: ["cli.py", "main.py"],
  after: ["parser"],
  covers: [],
  kind: "other",
  description: "write main()",
};

test("tasks are read with what each covers, and one that is shown is read back without that", () => {
  const told = [parser, cli].map((task) => {
    const covers = task.covers.length === 0 ? "none" : task.covers.map((number) => `C${number}`).join(", ");
    return showTask(task).replace("\nDO:", `\nCOVERS: ${covers}\nDO:`);
  });
  assert.deepEqual(readPlan(told.join("\n\n")), { ok: true, value: [parser, cli] });
  assert.deepEqual(readPlan(showTask(parser)), { ok: true, value: [{ ...parser, covers: [] }] });
});

test("what follows DO belongs to it, also when it looks like another line", () => {
  const read = readPlan(
    "TASK: a\nTIER: simple\nFILES: a.py\nAFTER: none\nDO: write a\n- FILES: b.py are read\n- quickly",
  );
  assert.deepEqual(read.ok && read.value.map(({ files, description }) => ({ files, description })), [
    { files: ["a.py"], description: "write a - FILES: b.py are read - quickly" },
  ]);
});

test("a block is read in any order of its lines, with the marks that models put around them", () => {
  const read = readPlan(
    "Here is the plan:\n\n**TASK:** `parser`\n- **DO:** write parse(text)\n- **COVERS:** C1 and C3\n- **FILES:** `parser.py`\n- **TIER:** Medium\n- **AFTER:** None\n",
  );
  assert.deepEqual(read, { ok: true, value: [parser] });
});

test("COVERS takes numbers, ranges, all and none; without it nothing is decided", () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["C1, C3", [1, 3]],
    ["3, 1, 1", [1, 3]],
    ["C2-C4", [2, 3, 4]],
    ["4 to 2", [2, 3, 4]],
    ["criteria 1–2 and c4.", [1, 2, 4]],
    ["all", [1, 2, 3, 4]],
    ["All criteria", [1, 2, 3, 4]],
    ["none", []],
    ["-", []],
    ["", []],
  ];
  for (const [covers, expected] of cases) {
    const read = readPlan(`${block("a", "none")}\nCOVERS: ${covers}`, 4);
    assert.deepEqual(read.ok ? read.value.map((task) => task.covers) : read.why, [expected], covers);
  }
  const silent = readPlan(block("a", "none"), 4);
  assert.deepEqual(silent.ok && silent.value.map((task) => task.covers), [[]]);
});

test("a graph that can't be run is refused with its reason", () => {
  const many = (count: number): string => Array.from({ length: count }, (_, i) => block(`t${i}`, "none")).join("\n");
  const cases: readonly (readonly [string, string])[] = [
    ["", "no task was found; begin each with a line TASK: name"],
    ["Let's first think about the architecture.", "no task was found; begin each with a line TASK: name"],
    [`${block("a", "b")}\n\n${block("b", "a")}`, "the tasks wait for each other in a circle: a after b, b after a"],
    [block("a", "a"), "task a comes after itself"],
    [block("a", "ghost"), 'task a comes after "ghost", which is no task'],
    [`${block("a", "none")}\n${block("a", "none", "b.py")}`, "there are two tasks a"],
    [`${block("a", "none", "x.py")}\n${block("b", "none", "x.py")}`, "x.py belongs to both a and b"],
    [block("a", "none", "../x.py"), 'task a: "../x.py": the path is not in its plain form'],
    [block("a", "none", "/etc/x.py"), 'task a: "/etc/x.py": the path is absolute'],
    [block("a", "none", ".git/config"), 'task a: ".git/config": the path is in a folder that belongs to git or ATOS'],
    [block("a", "none").replace("simple", "hard"), 'task a: TIER must be simple, medium or complex, not "hard"'],
    [block("a", "none").replace(/DO:.*/, ""), "task a has no DO line"],
    [block("a", "none").replace("a.py", ""), "task a has no FILES"],
    [block("a b", "none", "a.py"), 'TASK must be one word of letters, digits, _ and -, not "a b"'],
    [
      block("a", "none", Array.from({ length: 21 }, (_, i) => `f${i}.py`).join(", ")),
      "task a has 21 FILES, more than 20; make several tasks of it",
    ],
    [`${block("a", "none")}\nCOVERS: C9`, "task a: COVERS names criterion 9; there are only 1 to 4"],
    [`${block("a", "none")}\nCOVERS: 0-2`, "task a: COVERS names criterion 0; there are only 1 to 4"],
    [
      `${block("a", "none")}\nCOVERS: 1-99999999999`,
      "task a: COVERS names criterion 99999999999; there are only 1 to 4",
    ],
    [
      `${block("a", "none")}\nCOVERS: parsing`,
      'task a: COVERS must be numbers of criteria such as C1, C3, or all, or none, not "parsing"',
    ],
    [many(41), "41 tasks are more than 40; put more into each"],
    [many(500), "500 tasks are more than 40; put more into each"],
  ];
  for (const [reply, expected] of cases) {
    const read = readPlan(reply, 4);
    assert.equal(read.ok ? "it was read" : read.why, expected, reply);
  }
});

test("a chain as long as a plan may be is read and ordered", () => {
  const chain = Array.from({ length: 40 }, (_, i) => block(`t${i}`, i === 39 ? "none" : `t${i + 1}`));
  const read = readPlan(chain.join("\n\n"));
  assert.ok(read.ok);
  assert.deepEqual(orderTasks(read.value)?.slice(0, 3), ["t39", "t38", "t37"]);
});

test("tasks are ordered by their dependencies, and otherwise stay as they were", () => {
  assert.deepEqual(
    orderTasks([
      { id: "c", after: ["a", "b"] },
      { id: "b", after: [] },
      { id: "a", after: ["b"] },
      { id: "d", after: [] },
    ]),
    ["b", "a", "c", "d"],
  );
  assert.equal(
    orderTasks([
      { id: "a", after: ["b"] },
      { id: "b", after: ["a"] },
    ]),
    undefined,
  );
});

/** Numbers from 0 to 1, the same every time (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("whatever a model says is read or refused, and what is read can be ordered", () => {
  const pieces = ["TASK: a", "TASK: b", "task: c", "TASK:", "TASK: __proto__", "TIER: simple", "TIER: COMPLEX"];
  pieces.push("TIER: x", "FILES: a.py", "FILES: b.py, c.py", "FILES: ../x", "FILES:", "AFTER: a", "AFTER: b, c");
  pieces.push("AFTER: none", "AFTER: toString", "COVERS: 1-3", "COVERS: all", "COVERS: none", "COVERS: 1e9, -5");
  pieces.push("DO: write f(x)", "DO:", "- **DO:** g", "", "```", "<think>", "</think>", "\u0000\uD800", "COVERS: 2..9");
  const whole = ["a", "b", "c"].map((id) => block(id, "none"));
  const random = randomNumbers(7);
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const lines = Array.from({ length: Math.floor(random() * 24) }, () => {
      const pool = random() < 0.3 ? whole : pieces;
      return pool[Math.floor(random() * pool.length)] ?? "";
    });
    const plan = readPlan(lines.join("\n"), 1 + Math.floor(random() * 6));
    if (!plan.ok) {
      assert.ok(plan.why.length < 300 && !plan.why.includes("\n"), plan.why);
      continue;
    }
    read++;
    const ids = plan.value.map(({ id }) => id);
    const order = orderTasks(plan.value);
    assert.deepEqual(order?.toSorted(), ids.toSorted());
    for (const { id, after } of plan.value)
      for (const earlier of after) assert.ok(order.indexOf(earlier) < order.indexOf(id));
  }
  assert.ok(read > 50, `only ${read} plans were read`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { listLine } from "./list.ts";

const BUILD = {
  id: "261121-7669668a",
  state: "green",
  goal: "Write a Python function add_numbers that adds two numbers\nand more",
  outDirectory: "/out",
  createdAt: new Date(0),
  evaluation: false,
} as const;

test("a build is one line that fits the terminal, as far as its goal can be cut", () => {
  const whole = "261121-7669668a  green      Write a Python function add_numbers that adds two numbers  → /out";
  assert.equal(listLine(BUILD, 120), whole);
  assert.equal(listLine(BUILD, 60), "261121-7669668a  green      Write a Python function…  → /out");
  assert.equal(listLine(BUILD, 10), "261121-7669668a  green      Write a Python func…  → /out");
});

test("what an evaluation built is marked", () => {
  assert.match(listLine({ ...BUILD, evaluation: true }, 120), /  eval: Write a Python/);
});

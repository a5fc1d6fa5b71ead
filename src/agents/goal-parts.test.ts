import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { readClosedDomain } from "./closed-domain.ts";
import { goalParts } from "./goal-parts.ts";

const domain = readClosedDomain(await readFile(new URL("../../models/nano/domain.yaml", import.meta.url), "utf8"));

test("one job is one part, in its own words", () => {
  const goal = "Write a Python function add_numbers that adds two numbers, with tests";
  assert.deepEqual(goalParts(goal, domain), [goal]);
});

test("several jobs are cut where one ends, and the language is carried over to those that do not say it", () => {
  const goal =
    "Write a Python function add_numbers that adds two numbers and a function is_even that checks whether a number is even";
  assert.deepEqual(goalParts(goal, domain), [
    "Write a Python function add_numbers that adds two numbers",
    "Write a Python function is_even that checks whether a number is even",
  ]);
});

test("an and within a job is no cut", () => {
  const goal = "Write a TypeScript function clamp that limits a value to a low and a high bound";
  assert.deepEqual(goalParts(goal, domain), [goal]);
  const more = `${goal}, and a function gcd that computes the greatest common divisor of two numbers`;
  assert.deepEqual(goalParts(more, domain), [
    goal,
    "Write a TypeScript function gcd that computes the greatest common divisor of two numbers",
  ]);
});

test("jobs in two languages are no goal", () => {
  const goal =
    "Write a Python function shout that converts a string to upper case; a TypeScript function isEven that checks whether a number is even";
  assert.equal(goalParts(goal, domain), undefined);
});

test("two parts of one name are two parts: who reads their specifications refuses them", () => {
  const parts = goalParts(
    "Write a Python function same that adds two numbers and a function same that reverses a string",
    domain,
  );
  assert.deepEqual(parts, [
    "Write a Python function same that adds two numbers",
    "Write a Python function same that reverses a string",
  ]);
});

test("a goal with one job that is outside is outside as a whole", () => {
  const goal = "Write a Python function add_numbers that adds two numbers and a function serve that serves a blog";
  assert.equal(goalParts(goal, domain), undefined);
});

function functions(count: number): string {
  const each = Array.from({ length: count }, (_, index) => `a function f${index} that adds two numbers`);
  return `Write in Python ${each.join("; ")}`;
}

test("eight parts are taken and nine are not", () => {
  assert.equal(goalParts(functions(8), domain)?.length, 8);
  assert.equal(goalParts(functions(9), domain), undefined);
});

test("of long texts with many places to cut not every reading is tried", { timeout: 20_000 }, () => {
  const nearly = functions(12).replaceAll(";", " and");
  assert.equal(goalParts(nearly, domain), undefined);
  const long = "a function that adds two numbers, and one that serves a blog. ".repeat(250);
  assert.equal(goalParts(long, domain), undefined);
});

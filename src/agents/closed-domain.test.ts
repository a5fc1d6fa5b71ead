import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { agrees, describeDomain, familiesOf, namedIn, readClosedDomain } from "./closed-domain.ts";

const domain = readClosedDomain(await readFile(new URL("../../models/nano/domain.yaml", import.meta.url), "utf8"));

test("takes a goal whose every word belongs to a family", () => {
  const goals: readonly (readonly [string, string])[] = [
    ["Write a Python function add_numbers that adds two numbers, with tests", "adds two numbers"],
    ["Create a TypeScript function called sumTwo that takes two numbers and returns their sum", "adds two numbers"],
    ["Implement combine(a, b) in TypeScript: returns a plus b", "adds two numbers"],
    ["I need a function in python to reverse a string", "reverses a string"],
    ["python function for computing the factorial of n", "computes the factorial of a number"],
    ["Find the highest common factor of two integers in TS", "computes the greatest common divisor of two numbers"],
    ["Capitalise the first letter of every word in a string, in Python.", "capitalises every word of a string"],
    ["REMOVE DUPLICATES FROM A LIST IN PYTHON, KEEPING ORDER", "removes duplicates from a list, keeping order"],
    ["fizzbuzz in Python and test it", "returns the fizzbuzz list from 1 to n"],
  ];
  for (const [goal, family] of goals) assert.deepEqual(familiesOf(goal, domain), [family], goal);
});

test("judges a goal that is only a name by the words of the name", () => {
  assert.deepEqual(familiesOf("is_prime in Python", domain), ["checks whether a number is prime"]);
  assert.deepEqual(familiesOf("Implement isEven(n) in TypeScript", domain), ["checks whether a number is even"]);
  assert.deepEqual(familiesOf("Implement parseJson in TypeScript", domain), []);
});

test("takes any name that is marked as one, even an ordinary word", () => {
  for (const name of ["frobnicate", "median", "average"]) {
    assert.deepEqual(familiesOf(`Write a Python function called ${name} that reverses a string`, domain), [
      "reverses a string",
    ]);
    assert.deepEqual(familiesOf(`Write \`${name}\`, a Python function that reverses a string`, domain), [
      "reverses a string",
    ]);
  }
});

test("fills in the number of the goal, in digits or as a word", () => {
  assert.deepEqual(familiesOf("Python function that adds 17 to a number", domain), ["adds 17 to a number"]);
  assert.deepEqual(familiesOf("get the first five items of a list in TypeScript", domain), [
    "returns the first 5 items of a list",
  ]);
  assert.deepEqual(familiesOf("check whether a number is divisible by 12", domain), [
    "checks whether a number is divisible by 12",
  ]);
});

test("refuses a number the model hasn't learnt to copy, and two of them", () => {
  for (const goal of [
    "add 100000 to a number in Python",
    "multiply a number by 2.5 in Python",
    "add -5 to a number in Python",
    "check whether a number is divisible by 3 and 5 in Python",
    "multiply a number by 3 and add 4",
  ])
    assert.deepEqual(familiesOf(goal, domain), [], goal);
});

test("refuses near misses: one foreign word is enough", () => {
  for (const goal of [
    "Write a Python function that adds three numbers",
    "Add two matrices in Python",
    "Reverse a list in Python",
    "Reverse the words of a string in Python",
    "Sort a list in ascending order in Python",
    "Return the larger of three numbers in TypeScript",
    "List the prime numbers up to n in Python",
    "Convert Fahrenheit to Celsius in Python",
    "Count the consonants of a string in Python",
    "Check whether a number is even and positive in TypeScript",
    "Check whether a string is a palindrome ignoring punctuation in Python",
    "A REST endpoint that adds two numbers in TypeScript",
    "Write a Python class that adds two numbers",
    "Write a Python function that adds and multiplies two numbers",
    "Subtract a from b in Python",
  ])
    assert.deepEqual(familiesOf(goal, domain), [], goal);
});

test("refuses what is no programming job at all, other languages, and two languages at once", () => {
  for (const goal of [
    "",
    "hello",
    "Write me a poem",
    "Build a web server in Python",
    "Write a Rust function that adds two numbers",
    "Reverse a string in JavaScript",
    "Reverse a string in Python and TypeScript",
  ])
    assert.deepEqual(familiesOf(goal, domain), [], goal);
});

test("refuses arguments of another number or of a strange type", () => {
  assert.deepEqual(familiesOf("Implement add(a, b, c) in Python: adds two numbers", domain), []);
  assert.deepEqual(familiesOf("Implement add(a: Date, b: Date) in TypeScript: adds two numbers", domain), []);
  assert.deepEqual(familiesOf("Implement add(a: number, b: number): number in TypeScript", domain), [
    "adds two numbers",
  ]);
});

test("a summary agrees only with a family it names, number and all", () => {
  assert.equal(agrees("Adds two numbers ", ["adds two numbers"]), true);
  assert.equal(agrees("adds 17 to a number", ["adds 17 to a number"]), true);
  assert.equal(agrees("adds 71 to a number", ["adds 17 to a number"]), false);
  assert.equal(agrees("adds 71 to a number", ["adds {n} to a number"]), true);
  assert.equal(agrees("adds x to a number", ["adds {n} to a number"]), false);
  assert.equal(agrees("reverses a string", []), false);
});

test("tells a person what it can do, a line a job", () => {
  const lines = describeDomain(domain).split("\n");
  assert.equal(lines.length, domain.families.length + 1);
  assert.equal(
    lines[0],
    "Functions in python or typescript, one or up to eight in a goal, with their tests; each does one of these:",
  );
  assert.ok(lines.includes("- adds N to a number"));
});

test("throws on a domain of another shape", () => {
  assert.throws(() => readClosedDomain("version: 2\nfamilies: []\n"));
});

test("a name that a goal marks and a language that it names are told, and nothing is made up", () => {
  const cases = [
    ["Write a Python function add_numbers that adds two numbers", "add_numbers", "python"],
    ["Create a TypeScript function called total that adds two numbers", "total", "typescript"],
    ["Implement isEven(n) in ts: is a number even?", "isEven", "typescript"],
    ["Write a Python function smallest that finds the minimum of a list of numbers", "smallest", "python"],
    ["factorial in TypeScript", undefined, "typescript"],
    ["Write a function that adds two numbers", undefined, undefined],
  ] as const;
  for (const [goal, name, language] of cases) assert.deepEqual(namedIn(goal, domain), { name, language }, goal);
});

// What both sides are asked to do, and what either must come to.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const ROLE = "You are a developer in a small software team. You look at the files you need before you answer.";
export const GOAL = "Read every part of the project, one after another, and say when you have read them all.";
export const ANSWER = "I have read them all.";

export function fileOf(turn) {
  return `part-${turn}.txt`;
}

/** Files of 2 kB, one for each turn. */
export function writeFiles(root, turns) {
  mkdirSync(root, { recursive: true });
  for (let turn = 0; turn < turns; turn++) {
    const text = `Line of part ${turn}, of the length that such lines have in a file of code.\n`.repeat(28);
    writeFileSync(join(root, fileOf(turn)), text);
  }
}

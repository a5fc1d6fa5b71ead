// Two functions, two tasks, worked on at the same time by one model with two slots. What overlapped is read from the
// build's events, one JSON document a line. run.ts [FOLDER]: where the repository goes; a temporary one by default.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const GOAL =
  "Write a Python function add_numbers that adds two numbers and a function is_even that checks whether a number is even";
const here = import.meta.dirname;
const out = process.argv[2] ?? join(mkdtempSync(join(tmpdir(), "atos-example-")), "two");

const roster = join(here, "roster.yaml");
const build = spawn(join(here, "../../atos"), ["build", GOAL, "--out", out, "--roster", roster, "--yes", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = new Promise<number>((resolve, reject) => {
  build.once("error", reject);
  build.once("close", (code) => resolve(code ?? 1));
});

/** Tasks that are running, and turns of the model that are under way. */
const running = new Set<string>();
const turns = new Set<string>();
let most = { tasks: 0, turns: 0 };
for await (const line of createInterface({ input: build.stdout })) {
  const event: Readonly<Record<string, unknown>> = Object(JSON.parse(line));
  const { type, task, state, step, kind } = event;
  if (type === "task-state" && state === "running") running.add(String(task));
  if (type === "task-state" && state !== "running") running.delete(String(task));
  if (type === "attempt-started" && kind === "turn") turns.add(String(step));
  if (type === "turn-finished" || type === "attempt-failed") turns.delete(String(step));
  most = { tasks: Math.max(most.tasks, running.size), turns: Math.max(most.turns, turns.size) };
  if (type === "task-state")
    console.log(`${String(task).padEnd(12)} ${String(state).padEnd(8)} running: ${[...running].toSorted().join(", ")}`);
  if (type === "merged") console.log(`${String(task).padEnd(12)} merged   ${String(event["how"])}`);
  if (type === "result") console.log(`build        ${String(state)}`);
}
console.log(`at once: ${most.tasks} tasks, ${most.turns} turns`);
process.exitCode = await ended;

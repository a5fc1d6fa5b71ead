import type { PlannedTask } from "../base/events.ts";
import { showUnseen } from "../tools/gate/call-text.ts";
import type { ShownPlan } from "../workflows/plan-question.ts";

const RULE_WIDTH = 72;

/** A plan and its tests as a person looks at them: specification, tasks as a graph, each test file whole. Pure. */
export function planLines({ spec, tasks, tests, rejected }: ShownPlan): readonly string[] {
  const { name, language, summary, criteria } = spec;
  const depths = depthsOf(tasks);
  const lines = [
    `Specification: ${name} (${language}): ${summary}`,
    ...criteria.map((criterion, index) => `  C${index + 1}  ${criterion}`),
    "",
    `Plan: ${counted(tasks.length, "task")}`,
    ...tasks.flatMap((task) => taskLines(task, depths.get(task.id) ?? 0)),
    "",
    `Tests: ${counted(tests.length, "file")}, frozen before the code is written`,
    ...tests.flatMap(({ task, path, content }) => ["", rule(`${path} (task ${task})`), ...numbered(content), rule("")]),
    ...(rejected === undefined
      ? []
      : ["", "What was changed can't be used, and this is the plan without it:", ...indented(rejected.why)]),
  ];
  return lines.flatMap((line) => showUnseen(line).split("\n"));
}

/** A task that comes after others stands further in than they do. */
function taskLines({ id, tier, files, after, covers, description }: PlannedTask, depth: number): readonly string[] {
  const margin = `  ${"   ".repeat(depth)}`;
  const behind = after.length === 0 ? "" : ` · after ${after.join(", ")}`;
  const criteria = covers.length === 0 ? "" : ` · ${covers.map((number) => `C${number}`).join(", ")}`;
  return [
    `${margin}${depth === 0 ? "●" : "└▶ ●"} ${id} · ${tier} · ${files.join(", ")}${behind}${criteria}`,
    `${margin}${depth === 0 ? "" : "   "}  ${description}`,
  ];
}

/** How many tasks stand in a row before each one. The tasks are in an order that respects what they come after. */
function depthsOf(tasks: readonly PlannedTask[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { id, after } of tasks) depths.set(id, Math.max(0, ...after.map((other) => (depths.get(other) ?? 0) + 1)));
  return depths;
}

function numbered(content: string): readonly string[] {
  const lines = content.replace(/\n$/, "").split("\n");
  const width = String(lines.length).length;
  return lines.map((line, index) => `${String(index + 1).padStart(width)} │ ${line}`);
}

function rule(title: string): string {
  const text = title === "" ? "" : `── ${title} `;
  return text + "─".repeat(Math.max(0, RULE_WIDTH - text.length));
}

function indented(text: string): readonly string[] {
  return text.split("\n").map((line) => `  ${line}`);
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

import type { PlannedTask } from "../base/events.ts";
import { showUnseen } from "../tools/gate/call-text.ts";
import type { ShownPlan } from "../workflows/plan-question.ts";
import { counted } from "./counted.ts";
import { taskDepths } from "./task-depths.ts";

const RULE_WIDTH = 72;

/** A plan and its tests as a person looks at them: specification, tasks as a graph, each test file whole. Pure. */
export function planLines({ spec, tasks, tests, rejected }: ShownPlan): readonly string[] {
  const { name, language, summary, criteria } = spec;
  const depths = taskDepths(tasks);
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

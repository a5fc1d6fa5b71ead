import type { BuildEvent, PlannedTask } from "../base/events.ts";
import { fill } from "../agents/prompt-set.ts";
import { pathConflict } from "../base/safe-path.ts";
import type { Read } from "../agents/read.ts";
import { orderTasks, readPlan } from "../agents/read-plan.ts";
import { showSpec, type Spec } from "../agents/read-spec.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import { insertTasks } from "../store/tasks.ts";
import { LANGUAGES } from "../tools/language.ts";
import type { BuildRun } from "./build-run.ts";

/** Spec → task graph, by the tech lead; the tasks come in an order that respects their dependencies. */
export async function makePlan(build: BuildRun, spec: Spec): Promise<Read<readonly PlannedTask[]>> {
  const conversation = build.open("tech-lead", { task: "plan", tier: "complex", name: "plan" });
  const content = fill(build.request.prompts["tech-lead"].user, { spec: showSpec(spec) });
  const { read } = await build.ask(conversation, content, (reply) =>
    build.request.domain === undefined ? readPlanFor(spec, reply) : readPlanWithin(spec, reply),
  );
  if (!read.ok) return { ok: false, why: `the tech lead's plan can't be used: ${read.why}` };
  const order = orderTasks(read.value) ?? [];
  const tasks = read.value.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  await build.deps.journal.source.transaction("plan made", async (trx) => {
    const at = build.deps.journal.now();
    await insertTasks(trx, { buildId: build.id, tasks, at });
    const event: BuildEvent = { type: "plan-made", tasks };
    await appendBuildEvents(trx, build.id, { events: [event], at });
  });
  return { ok: true, value: tasks };
}

function readPlanFor(spec: Spec, reply: string): Read<readonly PlannedTask[]> {
  const plan = readPlan(reply);
  if (!plan.ok) return plan;
  const language = LANGUAGES[spec.language];
  const files = plan.value.flatMap((task) => task.files);
  const testFile = files.find((file) => language.isTestFile(file));
  if (testFile !== undefined) return { ok: false, why: `${testFile} is a test file; tests are not a task` };
  const scaffold = language.scaffold(spec.name, spec.summary).map((file) => file.path);
  const own = files.find((file) => scaffold.includes(file));
  if (own !== undefined) return { ok: false, why: `${own} is written by ATOS itself; it is not a task's` };
  const conflict = pathConflict([...files, ...scaffold]);
  return conflict === undefined ? plan : { ok: false, why: conflict };
}

/** A closed domain is one function in one file: a plan that says otherwise has lost its way. */
function readPlanWithin(spec: Spec, reply: string): Read<readonly PlannedTask[]> {
  const plan = readPlanFor(spec, reply);
  if (!plan.ok) return plan;
  const file = `${spec.name}.${spec.language === "python" ? "py" : "ts"}`;
  const [task] = plan.value;
  if (plan.value.length === 1 && task?.files.join() === file && task.description.includes(`${spec.name}(`)) return plan;
  return { ok: false, why: `it is not one task that writes ${spec.name} in ${file}` };
}

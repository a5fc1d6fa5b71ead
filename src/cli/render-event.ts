import type { BuildEvent, PlannedTask } from "../base/events.ts";
import { whyTaken } from "../workflows/graphs.ts";
import { bytesText } from "./bytes-text.ts";
import { counted } from "./counted.ts";

const SHOWN_CALL_CHARS = 80;
/** Most names of tasks are as short. */
const LABEL_WIDTH = 14;

/** What a person watching a build reads of one event; undefined for what only the audit trail needs. Pure. */
// oxlint-disable-next-line max-lines-per-function -- one case for each kind of event
export function renderEvent(event: BuildEvent): string | undefined {
  switch (event.type) {
    case "build-forked":
      return line(
        "fork",
        `of ${event.from}, from ${event.step} on with seed ${event.seed}; kept from before that: ${counted(event.steps, "step")}`,
      );
    case "build-started":
      return line("start", `models: ${event.models.join(", ")}; sandbox: ${event.sandbox}`);
    case "spec-written":
      return [
        line("spec", `${event.name} (${event.language})`),
        ...event.criteria.map((criterion) => line("", `- ${criterion}`)),
      ].join("\n");
    case "plan-made":
      return [
        line("plan", event.tasks.length === 1 ? "1 task" : `${event.tasks.length} tasks`),
        ...event.tasks.map(taskLine),
      ].join("\n");
    case "task-added":
      return taskLine(event.task);
    case "edge-taken":
      return edgeText(event);
    case "files-written":
      return undefined;
    case "tier-ended":
      return line(event.task, tierText(event));
    case "merged":
      return line(event.task, mergedText(event));
    case "limit-reached":
      return line(
        "limit",
        `${counted(event.most, event.limit.replace(/s$/, ""))} reached: nothing new is begun, what is there is verified and delivered`,
      );
    case "tests-frozen":
      return line("tests", `${event.files.join(", ")} frozen (sha256 ${event.sha256.slice(0, 12)}…)`);
    case "task-state":
      return line(event.task, `${SIGNS[event.state]} ${event.state}${event.why === undefined ? "" : `: ${event.why}`}`);
    case "attempt-started":
      return event.attempt === 1 ? undefined : line(event.task, `attempt ${event.attempt} of ${event.step}`);
    case "attempt-failed":
      // What somebody asked for is no failure; the pause is told by its own event.
      if (event.why.startsWith("asked to ")) return undefined;
      return line("", `${event.step} failed: ${event.why}`);
    case "turn-finished": {
      const { promptTokens, outputTokens } = event.usage;
      return line(
        event.task,
        `${event.role} · ${event.model} · ${promptTokens} + ${outputTokens} tokens · ${seconds(event.durationMs)}`,
      );
    }
    case "context-compacted":
      return line(event.task, compactionText(event));
    case "files-put-back":
      return line(event.task, `put back as they were, not of this task: ${event.paths.join(", ")}`);
    case "reply-rejected":
      return line(event.task, `the ${event.role}'s reply can't be used: ${event.why}`);
    case "tests-ran":
      return line(event.task, testsText(event));
    case "tool-called":
      return line(event.task, calledText(event));
    case "approval-asked":
      return line(
        event.task,
        `asks you: ${event.shown}\natos approve ${event.approval}   or   atos deny ${event.approval}`,
      );
    case "approval-answered":
      return line("", `${event.approval} is ${event.decision}${event.by === "" ? "" : ` by ${event.by}`}`);
    case "approval-notice-failed":
      return line("", `the webhook could not be told of ${event.approval}: ${event.why}`);
    case "reviewed":
      return [
        line(event.task, `review: ${event.score} of 10, ${event.verdict}`),
        ...event.findings.map((finding) => line("", `- ${finding}`)),
      ].join("\n");
    case "committed":
      return undefined;
    case "verified":
      return line(
        "verify",
        `${event.green ? "✔" : "✘"} ${event.passed} passed, ${event.failed} not, in a clean checkout of ${event.commit.slice(0, 10)}`,
      );
    case "delivered":
      return line("deliver", `${event.directory}, branch ${event.branch}`);
    case "turn-waiting":
      return line(event.task, `${event.role} waits for ${event.model}: ${event.why}`);
    case "model-loading": {
      const untold = event.evict.filter((model) => !event.why.includes(model));
      const place = untold.length === 0 ? "" : `; takes the place of ${untold.join(", ")}`;
      return line("", `${event.model} loading: ${event.why}${place}`);
    }
    case "model-loaded":
      return line("", `${event.model} loaded${roomText(event)} · ${seconds(event.durationMs)}`);
    case "model-resized":
      return line("", `${event.model} has ${roomOf(event)} now: ${event.why}`);
    case "model-unloaded":
      return line("", `${event.model} unloaded: ${event.why}`);
    case "model-shrunk":
      return line("", `${event.model} did not fit, tried with ${roomOf(event)}: ${event.why}`);
    case "model-crashed":
      return line("", `${event.model} crashed${event.crashes > 1 ? ` ${event.crashes} times` : ""}: ${event.why}`);
    case "build-paused":
      return line("paused", event.why);
    case "build-resumed":
      return line("resumed", "going on from the last recorded step");
    case "build-finished":
      // A refusal is long, and the summary says it.
      return line(event.outcome, event.outcome === "refused" ? "nothing was built" : event.why);
  }
}

/** Only where it goes on otherwise than one would think; the rest is for the trail. */
function edgeText({ graph, task, ...edge }: Extract<BuildEvent, { type: "edge-taken" }>): string | undefined {
  const why = whyTaken(graph, edge);
  if (graph === "decompose" && edge.to === "repair") return line(task, `the plan is mended: ${why}`);
  if (graph !== "task") return undefined;
  if (edge.to === "resample") return line(task, `begins again with another seed: ${why}`);
  if (edge.to === "escalate") return line(task, `goes to the next tier: ${why}`);
  if (edge.from === "review" && edge.to === "fix") return line(task, `is repaired: ${why}`);
  return undefined;
}

function tierText({ tier, model, green, samples, rounds }: Extract<BuildEvent, { type: "tier-ended" }>): string {
  return `${tier} tier · ${model}: ${green ? "green" : "red"} after ${counted(samples, "sample")}, ${counted(rounds, "repair")}`;
}

function mergedText({ how, commit, paths }: Extract<BuildEvent, { type: "merged" }>): string {
  switch (how) {
    case "fast-forward":
    case "merge":
      return `merged (${commit.slice(0, 10)})`;
    case "conflict":
      return `can't be merged as it is: both sides changed ${paths.join(", ")}`;
    case "red":
      return "merged, but then tests are red";
    case "left-out":
      return "left out: it could not be put together with the rest";
  }
}

/** One line: its tool and the beginning of what it was called with. */
function calledText({ call, outcome, because, durationMs }: Extract<BuildEvent, { type: "tool-called" }>): string {
  const [first = ""] = call.split("\n");
  const shown = first.length > SHOWN_CALL_CHARS ? `${first.slice(0, SHOWN_CALL_CHARS - 1)}…` : first;
  const ended = outcome === "ok" ? seconds(durationMs) : outcome === "denied" ? `denied: ${because}` : outcome;
  return `${shown} · ${ended}`;
}

function compactionText({ shortened, tokensBefore }: Extract<BuildEvent, { type: "context-compacted" }>): string {
  const kinds = [...new Set(shortened.map(({ part }) => part))].join(", ");
  return `the prompt of ${tokensBefore} tokens did not fit: ${shortened.length} × ${kinds} shortened, oldest first`;
}

function testsText({ task, passed, failed, durationMs }: Extract<BuildEvent, { type: "tests-ran" }>): string {
  const counts = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} not`;
  // Tests that pass before there is code could not fail after it either.
  return task === "tests"
    ? `run without code: ${counts}${failed > 0 ? ", red as they must be" : ""}`
    : `tests: ${counts} · ${seconds(durationMs)}`;
}

/** What a load came to: slots, context, devices and memory, as far as they are known. */
function roomText({ slots, contextTokens, devices, bytes }: Extract<BuildEvent, { type: "model-loaded" }>): string {
  const room = slots === undefined || contextTokens === undefined ? [] : [roomOf({ slots, contextTokens })];
  const memory = bytes === undefined ? "memory" : bytesText(bytes);
  const where = devices === undefined || devices.length === 0 ? [] : [`${memory} of ${devices.join(" + ")}`];
  const parts = [...room, ...where].join(", ");
  return parts === "" ? "" : `: ${parts}`;
}

function roomOf({ slots, contextTokens }: { readonly slots: number; readonly contextTokens: number }): string {
  return slots === 1 ? `${contextTokens} tokens` : `${slots} × ${contextTokens} tokens`;
}

const SIGNS = { waiting: "○", running: "●", green: "✔", red: "✘", skipped: "–" } as const;

function taskLine(task: PlannedTask): string {
  const after = task.after.length === 0 ? "" : ` after ${task.after.join(", ")}`;
  return line(task.id, `○ waiting · ${task.tier} · ${task.files.join(", ")}${after} · ${task.description}`);
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)} ${text.split("\n").join(`\n${" ".repeat(LABEL_WIDTH + 1)}`)}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

import type { PlannedTask } from "../base/events.ts";
import { TASK_TIERS, type TaskTier } from "../base/task.ts";

const TASK_KINDS = [
  "debugging",
  "algorithm",
  "module",
  "database",
  "api",
  "workflow",
  "parsing",
  "configuration",
  "files",
  "other",
] as const;

/** What a task is about. */
type TaskKind = (typeof TASK_KINDS)[number];

export type ClassifiedTask = { readonly kind: TaskKind; readonly tier: TaskTier; readonly because: string };

type KindRule = { readonly kind: TaskKind; readonly tier: TaskTier; readonly words: RegExp };

/** Of two kinds with as many words the first one counts, which is the harder one. */
const KINDS: readonly KindRule[] = [
  {
    kind: "debugging",
    tier: "complex",
    words: words("debug\\w*|bugs?|fix(?:es)?|regressions?|diagnos\\w+|leaks?|crash\\w*|broken|failing"),
  },
  {
    kind: "algorithm",
    tier: "complex",
    words: words(
      "algorithms?|sort\\w*|graphs?|trees?|shortest|dynamic programming|recurs\\w+|optimi[sz]\\w+|matri(?:x|ces)|primes?|heaps?|backtrack\\w*|solv(?:e|er|es|ing)|simulat\\w+|lru|concurren\\w+|locks?",
    ),
  },
  {
    kind: "module",
    tier: "complex",
    words: words(
      "engines?|compilers?|interpreters?|frameworks?|protocols?|subsystems?|library|refactor\\w*|architecture",
    ),
  },
  {
    kind: "database",
    tier: "medium",
    words: words("databases?|sql\\w*|postgres\\w*|quer(?:y|ies)|tables?|rows?|migrations?|transactions?|insert\\w*"),
  },
  {
    kind: "api",
    tier: "medium",
    words: words(
      "apis?|https?|requests?|responses?|endpoints?|rest|clients?|servers?|urls?|webhooks?|fetch\\w*|routes?",
    ),
  },
  {
    kind: "workflow",
    tier: "medium",
    words: words(
      "workflows?|pipelines?|queues?|schedul\\w+|jobs?|state machines?|events?|retr(?:y|ies)|orchestrat\\w+",
    ),
  },
  {
    kind: "parsing",
    tier: "simple",
    words: words(
      "pars(?:e|er|es|ers|ing)|tokens?|tokeni[sz]\\w+|csv|json|xml|markdown|regex\\w*|seriali[sz]\\w+|decod\\w+|encod\\w+|format\\w*",
    ),
  },
  {
    kind: "configuration",
    tier: "simple",
    words: words("config\\w*|settings?|options?|environment|yaml|toml|ini|flags?|constants?|defaults?"),
  },
  {
    kind: "files",
    tier: "simple",
    words: words("files?|folders?|director(?:y|ies)|paths?|cop(?:y|ies)|rename\\w*|disk|stdin|stdout"),
  },
];

/** Fewer words say what a task is about, but not how hard it is. */
const TELLING_WORDS = 2;
const MANY_FILES = 4;
const MANY_CRITERIA = 6;
const FEW_CRITERIA = 3;

/**
 * What a task is about and how hard it is. Pure.
 *
 * The tech lead's tier is where it begins. Words that tell of a harder kind, many files or many criteria move it one
 * step up; words of an easier kind move it one step down when the task is small too. Never more than one step.
 */
export function classifyTask(
  task: Pick<PlannedTask, "id" | "tier" | "files" | "covers" | "description">,
): ClassifiedTask {
  const { rule, found } = kindOf(task);
  const told = rule !== undefined && found.length >= TELLING_WORDS ? rank(rule.tier) : rank(task.tier);
  const large = task.files.length >= MANY_FILES || task.covers.length >= MANY_CRITERIA;
  const small = task.files.length === 1 && task.covers.length <= FEW_CRITERIA;
  const up = large || told > rank(task.tier);
  const step = up ? 1 : small && told < rank(task.tier) ? -1 : 0;
  const tier = TASK_TIERS[rank(task.tier) + step] ?? task.tier;
  const size = large ? `, ${task.files.length} files, ${task.covers.length} criteria` : "";
  const about = rule === undefined ? "" : `, ${rule.kind} (${found.join(", ")})`;
  return { kind: rule?.kind ?? "other", tier, because: `${task.tier} by the tech lead${about}${size}` };
}

function kindOf({ id, files, description }: Pick<PlannedTask, "id" | "files" | "description">) {
  // Names are words too: `shortest_path`, `readConfig`, `app.config.json`.
  const text = [id, ...files, description]
    .join(" ")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/[_./-]+/g, " ")
    .toLowerCase();
  let best: { readonly rule: KindRule | undefined; readonly found: readonly string[] } = { rule: undefined, found: [] };
  for (const rule of KINDS) {
    const found = [...new Set([...text.matchAll(rule.words)].map(([word]) => word))];
    if (found.length > best.found.length) best = { rule, found };
  }
  return best;
}

function words(alternatives: string): RegExp {
  return new RegExp(`\\b(?:${alternatives})\\b`, "g");
}

function rank(tier: TaskTier): number {
  return TASK_TIERS.indexOf(tier);
}

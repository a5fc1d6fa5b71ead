import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Language } from "../tools/language.ts";
import { loadExercises } from "../workflows/eval/load-exercises.ts";
import { loadHumaneval } from "../workflows/eval/load-humaneval.ts";
import { loadMbpp } from "../workflows/eval/load-mbpp.ts";
import { loadTaskFolders } from "../workflows/eval/load-task-folders.ts";
import type { EvalSuite, EvalTask } from "../workflows/eval/suite.ts";
import { badOption, type EvalOptions } from "./eval-options.ts";

const OWN = fileURLToPath(new URL("../../eval/atos", import.meta.url));
const LOADERS: Readonly<Record<string, (path: string, languages: readonly Language[]) => Promise<EvalSuite>>> = {
  humaneval: loadHumaneval,
  mbpp: loadMbpp,
  exercises: loadExercises,
};

/** ATOS's own suite, one in its format elsewhere, or one of the known formats from where the user has it. */
export async function loadSuite(
  name: string,
  path: string | undefined,
  languages: readonly Language[],
): Promise<EvalSuite> {
  if (name === "atos") return loadTaskFolders(path === undefined ? OWN : resolve(path), "atos", languages);
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  if (load === undefined)
    throw badOption(`there is no suite ${JSON.stringify(name)}; there are atos, ${Object.keys(LOADERS).join(", ")}`);
  if (path === undefined) throw badOption(`ATOS has no copy of ${name}; say where yours is: --path FILE_OR_FOLDER`);
  return load(resolve(path), languages);
}

/** The tasks that were asked for, in the suite's order. Pure. */
export function chooseTasks(
  suite: EvalSuite,
  { tasks: ids, limit }: Pick<EvalOptions, "tasks" | "limit">,
): readonly EvalTask[] {
  const unknown = ids?.find((id) => !suite.tasks.some((task) => task.id === id));
  if (unknown !== undefined) {
    const some = suite.tasks.slice(0, 40).map(({ id }) => id);
    const more = suite.tasks.length > some.length ? `, and ${suite.tasks.length - some.length} more` : "";
    throw badOption(`the suite ${suite.name} has no task ${JSON.stringify(unknown)}; it has ${some.join(", ")}${more}`);
  }
  const named = ids === undefined ? suite.tasks : suite.tasks.filter(({ id }) => ids.includes(id));
  if (named.length === 0) throw badOption("--tasks names no task");
  return limit === undefined ? named : evenly(named, limit);
}

/** So many of them, over the whole list: its first ones may all be of a kind. */
function evenly<T>(items: readonly T[], count: number): readonly T[] {
  if (count >= items.length) return items;
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]).filter(
    (item) => item !== undefined,
  );
}

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { messageOf } from "../base/errors.ts";
import { type PlanEdit, planEditSchema } from "../workflows/plan-question.ts";
import { planEditOf, readPlanEdit, type Standing } from "../workflows/read-plan-edit.ts";
import type { PlanTerminal } from "./plan-terminal.ts";

export type EditStart = {
  readonly standing: Standing;
  /** What to begin with: what stands, or the last change, which could not be used. */
  readonly begin: PlanEdit;
  /** Where the folder for it is made; its owner alone can look into it. */
  readonly root: string;
};

/** Changed texts, and the folder that holds them until they are sent. */
export type Edited = { readonly edit: PlanEdit; readonly folder: string };

const MAX_TRIES = 100;
const MAX_ENTRIES = 1000;
const MAX_BYTES = 256 * 1024;
const SPEC_FILE = "spec.md";
const PLAN_FILE = "plan.md";
const TESTS_FOLDER = "tests";

/** Lets a person change plan and tests as files, until they can be read or are dropped. Undefined: nothing is changed. */
export async function editPlan(
  terminal: PlanTerminal,
  { standing, begin, root }: EditStart,
  signal: AbortSignal,
): Promise<Edited | undefined> {
  const folder = await mkdtemp(join(root, "plan-"));
  try {
    const edit = await editIn(terminal, folder, { standing, begin, signal });
    if (edit !== undefined) return { edit, folder };
  } catch (error) {
    terminal.say(`what you have written is kept in ${folder}`);
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
  return undefined;
}

type Editing = Omit<EditStart, "root"> & { readonly signal: AbortSignal };

async function editIn(
  terminal: PlanTerminal,
  folder: string,
  { standing, begin, signal }: Editing,
): Promise<PlanEdit | undefined> {
  const files = await writePlanFolder(folder, begin);
  const unchanged = JSON.stringify(planEditOf(standing));
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const problem = await letEdit(terminal, { folder, files }, signal);
    const read = problem === undefined ? await readFolder(folder) : { ok: false as const, why: problem };
    if (read.ok && JSON.stringify(read.value) === unchanged) {
      terminal.say("nothing is changed");
      return undefined;
    }
    const why = read.ok ? whyNot(read.value, standing) : read.why;
    if (read.ok && why === undefined) return read.value;
    terminal.say(`this can't be used: ${why ?? ""}`);
    const word = await terminal.ask("edit again, or drop the changes? [e/d] ", signal);
    if (word === undefined || /^d/i.test(word.trim())) return undefined;
  }
  return undefined;
}

function whyNot(edit: PlanEdit, standing: Standing): string | undefined {
  const read = readPlanEdit(edit, standing);
  return read.ok ? undefined : read.why;
}

async function letEdit(
  terminal: PlanTerminal,
  { folder, files }: { readonly folder: string; readonly files: readonly string[] },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (terminal.edit === undefined) {
    const said = `Change what is in ${folder}\n(with VISUAL or EDITOR set, it is opened there)\nthen press Enter: `;
    await terminal.ask(said, signal);
    return undefined;
  }
  const ended = await terminal.edit(files);
  signal.throwIfAborted();
  return ended.ok ? undefined : `the editor ${ended.how}`;
}

/** Writes the texts below `folder` and returns the paths, those to be looked at first first. */
async function writePlanFolder(folder: string, { spec, plan, tests }: PlanEdit): Promise<readonly string[]> {
  const files = [
    { path: join(folder, PLAN_FILE), text: plan },
    { path: join(folder, SPEC_FILE), text: spec },
    ...tests.map(({ task, path, content }) => ({ path: join(folder, TESTS_FOLDER, task, path), text: content })),
  ];
  for (const { path, text } of files) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, text, { mode: 0o600 });
  }
  return files.map(({ path }) => path);
}

type ReadFolder = { readonly ok: true; readonly value: PlanEdit } | { readonly ok: false; readonly why: string };

/** Reads the texts back. What editors leave beside a file (hidden, `~`, `#`) is passed over. */
async function readFolder(folder: string): Promise<ReadFolder> {
  try {
    const tests = join(folder, TESTS_FOLDER);
    const entries = await readdir(tests, { recursive: true, withFileTypes: true }).catch(() => []);
    if (entries.length > MAX_ENTRIES) return { ok: false, why: `more than ${MAX_ENTRIES} files are in ${tests}` };
    const found = entries
      .filter((entry) => !entry.isDirectory() && !/^[.#]|~$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
    const files = [];
    for (const file of found) {
      const [task = "", ...path] = relative(tests, file).split(sep);
      if (path.length === 0) return { ok: false, why: `${task} is in no task's folder; move it to tests/TASK/${task}` };
      files.push({ task, path: path.join("/"), content: await readText(file) });
    }
    const spec = await readText(join(folder, SPEC_FILE));
    const edit = planEditSchema.safeParse({ spec, plan: await readText(join(folder, PLAN_FILE)), tests: files });
    if (edit.success) return { ok: true, value: inOrder(edit.data) };
    const [issue] = edit.error.issues;
    const index = issue?.path[0] === "tests" ? Number(issue.path[1]) : Number.NaN;
    return { ok: false, why: `${files[index]?.path ?? issue?.path.join("/") ?? ""} ${issue?.message ?? ""}` };
  } catch (error) {
    return { ok: false, why: messageOf(error) };
  }
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file);
  if (size > MAX_BYTES) throw new Error(`${file} has ${size} bytes; ${MAX_BYTES} are the most`);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(file));
}

/** The same keys in the same order, so that what is unchanged can be seen by its JSON. */
function inOrder({ spec, plan, tests }: PlanEdit): PlanEdit {
  return { spec, plan, tests: tests.map(({ task, path, content }) => ({ task, path, content })) };
}

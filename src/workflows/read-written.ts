import type { WorkspaceFile } from "../journal/workspaces.ts";
import { readFileBlocks } from "../agents/file-blocks.ts";
import type { Read } from "../agents/read.ts";

/** What a developer may write, and what stays as it is. */
export type WrittenRule = {
  readonly mayWrite: ReadonlySet<string>;
  /** Frozen: a model that shows them again has not changed them. */
  readonly tests: readonly string[];
  readonly otherTests: readonly string[];
};

/** The files of a developer's reply, all of them the task's. Pure. */
export function readWritten(rule: WrittenRule, reply: string): Read<readonly WorkspaceFile[]> {
  const read = readFileBlocks(reply);
  if (!read.ok) return read;
  const frozen = new Set([...rule.tests, ...rule.otherTests]);
  const files = read.value.filter(({ path }) => !frozen.has(path));
  const own = [...rule.mayWrite].join(", ");
  const foreign = files.find(({ path }) => !rule.mayWrite.has(path));
  if (foreign !== undefined)
    return { ok: false, why: `${foreign.path} is not a file of this task; its files are ${own}` };
  if (files.length === 0) return { ok: false, why: `none of the task's files was written; its files are ${own}` };
  return { ok: true, value: files };
}

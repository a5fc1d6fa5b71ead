import { posix } from "node:path";
import type { CodePlace } from "../test-report.ts";

export type FrameSearch = {
  /** Where the code ran, as it saw it. */
  readonly folder: string;
  /** The project's own files. */
  readonly sources: ReadonlySet<string>;
  /** A file beside which names without a folder are meant. */
  readonly beside: string;
};

/** The first place in the project's own code, `path:line`, that a text names. Of a stack it is the deepest. Pure. */
export function frameIn(text: string, { folder, sources, beside }: FrameSearch): CodePlace | undefined {
  for (const [, named = "", line] of text.matchAll(/([^\s:"'()[\]]+\.\w+):(\d+)/g)) {
    const path = posix.normalize(named.startsWith(`${folder}/`) ? named.slice(folder.length + 1) : named);
    const near = posix.join(posix.dirname(beside), path);
    const file = [near, path].find((one) => sources.has(one));
    if (file !== undefined) return { file, line: Number(line) };
  }
  return undefined;
}

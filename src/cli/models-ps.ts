import { setTimeout } from "node:timers/promises";
import { EXIT } from "../base/errors.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { type PoolView, poolLines } from "./pool-lines.ts";
import { PoolWatch } from "./pool-watch.ts";
import { openRedraw } from "./redraw.ts";
import { terminalWidth } from "./terminal-width.ts";

const BETWEEN_LOOKS_MS = 1000;

/** `atos models ps`: what is loaded, what it takes, who uses it, who waits. Starts no worker. */
export async function runModelsPsCommand(flags: { readonly watch?: boolean }, output: Output): Promise<number> {
  await using watch = await PoolWatch.open(commandContext());
  // Awaited here: what is only returned would be disposed of before it begins.
  if (flags.watch === true) return await watchPool(watch, output);
  const view = await watch.look();
  output.emit(documentOf(view));
  output.say(linesOf(view).join("\n"));
  return EXIT.done;
}

/** Until Ctrl-C: on a terminal the same lines again and again; elsewhere a document at every change. */
async function watchPool(watch: PoolWatch, output: Output): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const isDrawn = !output.json && process.stdout.isTTY;
  const redraw = isDrawn ? openRedraw(process.stdout) : undefined;
  let told = "";
  while (!stop.signal.aborted) {
    const view = await watch.look();
    if (redraw !== undefined) redraw(linesOf(view));
    else {
      const news = whatCounts(view);
      if (news !== told) process.stdout.write(`${JSON.stringify(documentOf(view))}\n`);
      told = news;
    }
    await setTimeout(BETWEEN_LOOKS_MS, undefined, { signal: stop.signal }).catch(() => {});
  }
  return EXIT.done;
}

function linesOf(view: PoolView): readonly string[] {
  return poolLines(view, { width: terminalWidth(), nowMs: Date.now() });
}

function documentOf({ workers, devices, notes }: PoolView): unknown {
  return workers.length > 0 ? { workers } : { workers, devices, notes };
}

/** A view without the moment it was told, and without free memory, which never stands still. */
function whatCounts(view: PoolView): string {
  const isTold = (key: string): boolean => key !== "atMs" && key !== "freeBytes";
  return JSON.stringify(documentOf(view), (key, value: unknown) => (isTold(key) ? value : undefined));
}

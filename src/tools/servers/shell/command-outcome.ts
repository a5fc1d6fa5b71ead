import { z } from "zod";
import { SANDBOX_LEVELS, type SandboxReport } from "../../../sandbox/sandbox.ts";
import type { ToolResult } from "../../tool.ts";

/** Of each stream, for programs. */
const MAX_STREAM = 16_000;
/** Of both, for a model. */
const MAX_SHOWN = 4000;

/** What a command did, as programs read it. */
export const commandOutcome = z.object({
  /** Null when a limit ended it. */
  exit_code: z.int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  duration_ms: z.int(),
  limit_hit: z.enum(["wall", "cpu", "memory", "disk", "file", "output"]).optional(),
  refused_hosts: z.array(z.string()).optional(),
  level: z.enum(SANDBOX_LEVELS),
});

/** A report as a tool's result. A command that failed is a result too: what it said is what the model needs. Pure. */
export function outcomeOf(report: SandboxReport): ToolResult<z.infer<typeof commandOutcome>> {
  const { exitCode, stdout, stderr, durationMs, limitHit, refusedHosts } = report;
  return {
    ok: true,
    output: {
      exit_code: exitCode,
      stdout: tailOf(stdout, MAX_STREAM),
      stderr: tailOf(stderr, MAX_STREAM),
      duration_ms: Math.round(durationMs),
      ...(limitHit === undefined ? {} : { limit_hit: limitHit }),
      ...(refusedHosts === undefined ? {} : { refused_hosts: [...refusedHosts] }),
      level: report.level,
    },
    text: [endOf(report), tailOf(joined(stdout, stderr), MAX_SHOWN)].filter((part) => part !== "").join("\n"),
  };
}

/** The end of a text, whole lines where that leaves most of it, with a line that says what is left out. Pure. */
export function tailOf(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(-most);
  const line = cut.indexOf("\n");
  const tail = line >= 0 && line < most / 2 ? cut.slice(line + 1) : cut;
  return `[... ${text.length - tail.length} characters left out ...]\n${tail}`;
}

/** Both streams as one text. */
export function joined(stdout: string, stderr: string): string {
  return [stdout.trimEnd(), stderr.trimEnd()].filter((part) => part !== "").join("\n");
}

function endOf({ exitCode, durationMs, limitHit, refusedHosts = [] }: SandboxReport): string {
  const hosts =
    refusedHosts.length === 0
      ? ""
      : `\nThe network is closed to it; it asked for ${refusedHosts.slice(0, 5).join(", ")}.`;
  if (limitHit === "wall")
    return `stopped after ${Math.round(durationMs / 1000)} s: the time limit. Do less at once, or give a longer timeout_seconds.${hosts}`;
  if (limitHit !== undefined) return `stopped: it went over its ${limitHit} limit. Do less at once.${hosts}`;
  const note = exitCode === 127 ? " (no such command)" : "";
  return `exit code ${exitCode ?? "none"}${note}${hosts}`;
}

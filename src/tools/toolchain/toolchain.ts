import { z } from "zod";

/** A regular expression, as text. */
export const pattern = z.string().refine(isPattern, "is no regular expression");

const place = z.string().regex(/^~?\//, "must be an absolute path, or begin with ~/");
const limit = z.int().positive().exactOptional();
const command = z.tuple([z.string().min(1)], z.string());

/** Reads a report of one line for each test. */
const linesSchema = z.strictObject({
  kind: z.literal("lines"),
  /** Finds each test in the output, with the groups `name` and `outcome`, and `file` where it is told. */
  test: pattern,
  /** What `outcome` says, and what it means. */
  outcomes: z.record(z.string(), z.enum(["passed", "failed", "skipped"])),
  /** Finds what is told of a failed test, as the group `message`; `{{name}}` stands for the test's name. */
  detail: z.string().optional(),
});

/**
 * How code is checked by commands of the machine. In commands and in `env` these are filled: `{files}` and `{folders}`
 * of the files that are meant, each as an argument of its own; `{cache}`, a folder for what is compiled, in the
 * checkout; `{temporary}`; `{coverage}`, the file to write coverage to.
 */
export const toolchainSchema = z.strictObject({
  /** How the machine gets it: told to people who lack it. */
  install: z.string().min(1),
  /** Where its programs lie, beside the usual folders; `~/` is the home folder. */
  folders: z.array(place).default([]),
  /** What else the sandbox has to show, read-only, of what lies outside of the system's folders. */
  show: z.array(place).default([]),
  /** Says which version it is. */
  version: command,
  env: z.record(z.string(), z.string()).default({}),
  /** Beyond the sandbox's own, by its names for them. */
  limits: z
    .strictObject({
      wallMs: limit,
      cpuSeconds: limit,
      memoryMib: limit,
      processes: limit,
      fileMib: limit,
      diskMib: limit,
    })
    .default({}),
  /** Finds a compiler's complaint in the output, with the groups `file` and `message`, and `line` where it is told. */
  problem: pattern,
  /** Parses `{files}` and runs nothing of them. */
  syntax: command,
  tests: z.strictObject({
    command,
    report: z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("go-json") }), linesSchema]),
    coverage: z.strictObject({ command, report: z.enum(["go-cover", "lcov"]) }).optional(),
  }),
  lint: command.optional(),
});
export type Toolchain = z.infer<typeof toolchainSchema>;
export type LineReport = z.infer<typeof linesSchema>;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

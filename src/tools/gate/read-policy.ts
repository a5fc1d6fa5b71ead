import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../../base/errors.ts";
import { DEFAULT_POLICY } from "./default-policy.ts";
import { DECISIONS, type Policy, type PolicyRule } from "./policy.ts";

const MAX_BYTES = 256 * 1024;
const MAX_RULES = 500;

const plain = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^\p{C}]*$/u, "must have no control characters");
const ruleSchema = z.strictObject({
  tool: plain.optional(),
  path: plain
    .refine(isPathPattern, "must be a relative path without . and .. parts, with ** only as a whole name")
    .optional(),
  command: plain
    .refine(isCommandPattern, "must be words with single blanks between them, with ** only as the last")
    .optional(),
  decide: z.enum(DECISIONS),
  why: plain.optional(),
});
const fileSchema = z.strictObject({
  unparsed: z.enum(["ask", "deny"]).optional(),
  rules: z.array(ruleSchema).max(MAX_RULES).default([]),
});

/** One policy file. */
export type PolicyFile = { readonly rules: readonly PolicyRule[]; readonly unparsed?: "ask" | "deny" | undefined };

/**
 * Reads the user's `policy.yaml` and the workspace's `.atos/policy.yaml`; either may be missing.
 *
 * @throws {AtosError} `tools/bad-policy` naming the file, the rule and the key.
 */
export async function readPolicy(places: {
  readonly configDirectory: string;
  readonly workspace: string;
}): Promise<Policy> {
  const files = [join(places.configDirectory, "policy.yaml"), join(places.workspace, ".atos", "policy.yaml")] as const;
  const [user, workspace] = await Promise.all(
    files.map(async (file) => {
      const text = await readText(file);
      return text === undefined ? undefined : parsePolicy(text, file);
    }),
  );
  return mergePolicies({ user, workspace });
}

/**
 * The user's rules come behind the built-in ones. The workspace's stand by themselves and count only where they are
 * stricter: who clones a repository must not find that it loosened what they had decided. Pure.
 */
export function mergePolicies(files: {
  readonly user?: PolicyFile | undefined;
  readonly workspace?: PolicyFile | undefined;
}): Policy {
  const { user, workspace } = files;
  const unparsed = user?.unparsed ?? DEFAULT_POLICY.unparsed;
  return {
    rules: [...DEFAULT_POLICY.rules, ...(user?.rules ?? [])],
    unparsed: workspace?.unparsed === "deny" ? "deny" : unparsed,
    ...(workspace === undefined ? {} : { stricter: workspace.rules }),
  };
}

/**
 * Reads one policy file's text. Pure.
 *
 * @throws {AtosError} `tools/bad-policy`
 */
export function parsePolicy(text: string, file: string): PolicyFile {
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    throw badPolicy(file, `is not YAML: ${messageOf(error)}`);
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw badPolicy(file, parsed.error.issues.map(issueText).join("; "));
  const { rules, unparsed } = parsed.data;
  return {
    rules: rules.map(({ decide, ...patterns }, index) => ({
      decide,
      ...(patterns.tool === undefined ? {} : { tool: patterns.tool }),
      ...(patterns.path === undefined ? {} : { path: patterns.path }),
      ...(patterns.command === undefined ? {} : { command: patterns.command }),
      ...(patterns.why === undefined ? {} : { why: patterns.why }),
      from: `${file}, rule ${index + 1}`,
    })),
    ...(unparsed === undefined ? {} : { unparsed }),
  };
}

function isPathPattern(pattern: string): boolean {
  return pattern
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && (part === "**" || !part.includes("**")));
}

function isCommandPattern(pattern: string): boolean {
  const words = pattern.split(" ");
  return words.every(
    (word, index) => word !== "" && (!word.includes("**") || (word === "**" && index === words.length - 1)),
  );
}

/** Rules are counted from 1, as people do. */
function issueText({ path, message }: z.core.$ZodIssue): string {
  const [list, index, key] = path;
  if (list !== "rules" || typeof index !== "number") return `${path.map(String).join(".") || "the file"}: ${message}`;
  return `rule ${index + 1}${key === undefined ? "" : `, ${String(key)}`}: ${message}`;
}

function badPolicy(file: string, what: string): Error {
  return usageError(
    "tools/bad-policy",
    `the policy ${file}: ${what}. A rule has tool, path or command, and decide: allow, ask or deny`,
  );
}

/** Never waits for a pipe, and never reads more than a policy can be. */
async function readText(file: string): Promise<string | undefined> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await handle.stat();
    if (!(await handle.stat()).isFile() || size > MAX_BYTES)
      throw new Error(`it is no file of at most ${MAX_BYTES} bytes`);
    const buffer = Buffer.alloc(MAX_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, MAX_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw badPolicy(file, `can't be read: ${messageOf(error)}`);
  }
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { AtosError, messageOf, usageError } from "../base/errors.ts";
import type { ContextPart, Segment } from "./context.ts";

export const ROLES = ["product-manager", "tech-lead", "tester", "developer", "reviewer"] as const;

export type Role = (typeof ROLES)[number];

/** How one role is asked. Templates hold `{{name}}` places; see {@link fill}. */
export type RolePrompt = {
  readonly role: Role;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly system?: string | undefined;
  /** Opens the conversation. */
  readonly user: string;
  /** Goes on after a check failed: `{{failure}}`. Only the developer has one. */
  readonly failure?: string | undefined;
  /** Goes on after a reply that could not be read: `{{why}}`. Without one, the conversation ends there. */
  readonly rejected?: string | undefined;
};

/** One prompt per role. Pinned in a build's request, so that a resumed build goes on with the words it began with. */
export type PromptSet = Readonly<Record<Role, RolePrompt>>;

const frontMatterSchema = z.strictObject({
  role: z.enum(ROLES),
  max_tokens: z.number().int().min(16).max(32_768),
  temperature: z.number().min(0).max(2).default(0),
});
const SECTIONS = ["system", "user", "failure", "rejected"] as const;

/**
 * Reads the prompt set in `directory`: one Markdown file per role, with front matter and a
 * `# section` for each message.
 *
 * @throws {AtosError} `agents/bad-prompt` naming the file and what is wrong with it.
 */
export async function loadPromptSet(directory: string): Promise<PromptSet> {
  const prompts = await Promise.all(
    ROLES.map(async (role) => {
      const file = join(directory, `${role}.md`);
      const text = await readFile(file, "utf8").catch((cause: unknown) => {
        throw new AtosError("agents/bad-prompt", `the prompt set lacks ${file}: ${messageOf(cause)}`, {
          cause,
          exitCode: 2,
        });
      });
      return [role, readRolePrompt(text, file, role)] as const;
    }),
  );
  const set: Partial<Record<Role, RolePrompt>> = Object.fromEntries(prompts);
  return requireAll(set);
}

/** Reads one role's file; pure. */
export function readRolePrompt(text: string, file: string, role: Role): RolePrompt {
  const match = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text.replaceAll("\r\n", "\n"));
  if (match === null) throw usageError("agents/bad-prompt", `${file} has no front matter between two lines of ---`);
  const front = frontMatterSchema.safeParse(parse(match[1] ?? ""));
  if (!front.success) throw usageError("agents/bad-prompt", `${file}: ${z.prettifyError(front.error)}`);
  if (front.data.role !== role)
    throw usageError("agents/bad-prompt", `${file} is for the role ${front.data.role}, not ${role}`);
  const sections = readSections(match[2] ?? "");
  if (sections["user"] === undefined) throw usageError("agents/bad-prompt", `${file} has no "# user" section`);
  return {
    role,
    maxTokens: front.data.max_tokens,
    temperature: front.data.temperature,
    user: sections["user"],
    ...sections,
  };
}

/** What the values of templates are; the words around them are rules. */
const PART_OF_VALUE: Readonly<Record<string, ContextPart>> = {
  goal: "goal",
  spec: "goal",
  plan: "goal",
  task: "goal",
  tests: "tests",
  files: "work",
  results: "observation",
  failure: "observation",
  why: "correction",
};

/**
 * Puts values into a template's `{{name}}` places, in one pass: a value that itself holds
 * `{{…}}` stays as it is. The stretches come out told apart by what they are for.
 */
export function fill(template: string, values: Readonly<Record<string, string>>): readonly Segment[] {
  // Splitting by a pattern with one group gives the words around and the names in turn.
  const segments = template.split(/\{\{(\w+)\}\}/).map((text, position): Segment => {
    if (position % 2 === 0) return { part: "rules", text };
    const value = values[text];
    if (value === undefined)
      throw usageError(
        "agents/bad-prompt",
        `a prompt asks for {{${text}}}; there are ${Object.keys(values).join(", ")}`,
      );
    return { part: PART_OF_VALUE[text] ?? "goal", text: value };
  });
  return segments.filter(({ text }) => text !== "");
}

function readSections(body: string): Partial<Record<(typeof SECTIONS)[number], string>> {
  const pieces = body.split(/^# (system|user|failure|rejected)\n/m);
  const sections: Partial<Record<(typeof SECTIONS)[number], string>> = {};
  for (let index = 1; index + 1 < pieces.length; index += 2) {
    const name = SECTIONS.find((section) => section === pieces[index]);
    if (name !== undefined) sections[name] = (pieces[index + 1] ?? "").trim();
  }
  return sections;
}

function requireAll(set: Partial<Record<Role, RolePrompt>>): PromptSet {
  const { "product-manager": productManager, "tech-lead": techLead, tester, developer, reviewer } = set;
  if (!productManager || !techLead || !tester || !developer || !reviewer) throw new Error("a role was not loaded");
  return { "product-manager": productManager, "tech-lead": techLead, tester, developer, reviewer };
}

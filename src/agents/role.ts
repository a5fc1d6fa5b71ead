import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../base/errors.ts";
import { TASK_TIERS } from "../base/task.ts";
import { templateProblem } from "./fill.ts";

/** The places of a team. */
export const SEATS = ["product-manager", "tech-lead", "tester", "developer", "reviewer", "integrator"] as const;

export type Seat = (typeof SEATS)[number];

const DEFAULT_TURNS = 12;

/** A role as it is pinned in a build's request, so that a resumed build goes on with the words it began with. */
export const roleSchema = z
  .object({
    name: z.string(),
    seat: z.enum(SEATS),
    maxTokens: z.number(),
    temperature: z.number(),
    /** Which of a roster's models it uses, where the roster does not say: by tier, or by the id it may have there. */
    tier: z.enum(TASK_TIERS).optional(),
    model: z.string().optional(),
    /** Names of the tools it may call; none: it only answers. */
    tools: z.array(z.string()).readonly(),
    /** Replies it has for one job when it calls tools. */
    turns: z.number(),
    system: z.string().optional(),
    /** Opens the conversation. */
    user: z.string(),
    /** Goes on after a check failed: `{{failure}}`. */
    failure: z.string().optional(),
    /** Goes on after a reply that could not be read: `{{why}}`. Without one, the conversation ends there. */
    rejected: z.string().optional(),
  })
  .readonly();

/** An agent as data: how one seat is asked. Its templates hold `{{name}}` places; see `fill`. */
export type Role = z.infer<typeof roleSchema>;

const frontMatterSchema = z.strictObject({
  name: z.string().min(1).optional(),
  role: z.enum(SEATS),
  max_tokens: z.int().min(16).max(32_768),
  temperature: z.number().min(0).max(2).default(0),
  tier: z.enum(TASK_TIERS).optional(),
  model: z.string().min(1).optional(),
  tools: z.array(z.string().regex(/^[\w.-]+$/, "must be the name of a tool")).default([]),
  turns: z.int().min(1).max(200).default(DEFAULT_TURNS),
});

const SECTIONS = ["system", "user", "failure", "rejected"] as const;

/** Where a role file was found, and what it is wanted for. */
export type RolePlace = { readonly file: string; readonly name: string; readonly seat: Seat };

/**
 * Reads a role file: front matter, and a `# section` for each message. Pure.
 *
 * @throws {AtosError} `agents/bad-prompt` naming the file and what is wrong with it.
 */
export function readRole(text: string, { file, name, seat }: RolePlace): Role {
  const bad = (what: string) => usageError("agents/bad-prompt", `${file} ${what}`);
  const match = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text.replaceAll("\r\n", "\n"));
  if (match === null) throw bad("has no front matter between two lines of ---");
  const front = frontMatterSchema.safeParse(parseFrontMatter(match[1] ?? "", bad));
  if (!front.success) throw bad(`is not valid:\n${z.prettifyError(front.error)}`);
  const { role, max_tokens: maxTokens, temperature, tier, model, tools, turns } = front.data;
  if (role !== seat) throw bad(`is for the role ${role}, not ${seat}`);
  const { user, ...others } = readSections(match[2] ?? "");
  if (user === undefined) throw bad('has no "# user" section');
  for (const template of Object.values({ user, ...others })) {
    const problem = templateProblem(template);
    if (problem !== undefined) throw bad(`asks for what it can't have: ${problem}`);
  }
  return {
    name: front.data.name ?? name,
    seat,
    maxTokens,
    temperature,
    ...(tier === undefined ? {} : { tier }),
    ...(model === undefined ? {} : { model }),
    tools,
    turns,
    user,
    ...others,
  };
}

function parseFrontMatter(text: string, bad: (what: string) => Error): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw bad(`has front matter that is not YAML: ${messageOf(error)}`);
  }
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

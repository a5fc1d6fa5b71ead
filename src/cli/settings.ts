import { join } from "node:path";
import { z } from "zod";
import { usageError } from "../base/errors.ts";
import { DEFAULT_IMAGE, type SandboxChoice } from "../sandbox/open-sandbox.ts";
import { CONFINED_LEVELS } from "../sandbox/sandbox.ts";
import { webhookProblem } from "../tools/gate/notify-approval.ts";
import { registryProblem } from "../tools/servers/packages/registries.ts";
import type { Effort } from "../workflows/prepare-build.ts";
import { parseSize } from "./parse-size.ts";
import { readYaml } from "./read-yaml.ts";

/** An environment says numbers as text. What is empty is no number, and least of all 0. */
function numberSetting(schema: z.ZodNumber) {
  return z.preprocess((value) => (typeof value === "string" && value.trim() !== "" ? Number(value) : value), schema);
}

const registrySetting = z
  .string()
  .refine((url) => registryProblem(url) === undefined, { error: ({ input }) => registryProblem(String(input)) ?? "" })
  .optional();

const settingsSchema = z.strictObject({
  /** `nano`, a GGUF file, or a server's address. */
  model: z.string().min(1).optional(),
  /** A roster file. */
  roster: z.string().min(1).optional(),
  /** What the model is to hold; else a file's default of 4096, and what a server says. ATOS counts before it sends. */
  context_tokens: numberSetting(z.int().min(512).max(4_194_304)).optional(),
  /** Name of the environment variable with the server's key, or a file that holds it. */
  api_key_variable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/)
    .optional(),
  api_key_file: z.string().min(1).optional(),
  /** Whether a model that can think does; a roster says it for each model. */
  thinking: z.enum(["on", "off"]).optional(),
  /** Who does what: a team's name, or its file. */
  team: z.string().min(1).optional(),
  /** Repairs of one sample, for models below 14 billion parameters and from there on. */
  fix_rounds_small: numberSetting(z.int().min(0).max(20)).optional(),
  fix_rounds_large: numberSetting(z.int().min(0).max(20)).optional(),
  /** How often a tier may begin a task anew before the next one has it. */
  samples: numberSetting(z.int().min(1).max(20)).optional(),
  worker_idle_seconds: numberSetting(z.number().min(0).max(86_400)).optional(),
  /** Memory that the worker's models may take together: of the GPU where there is one, else of the system. */
  budget: z
    .string("must be a size such as 4gb, 3.5GiB or 4096mib")
    .refine((text) => parseSize(text) !== undefined, "must be a size such as 4gb, 3.5GiB or 4096mib")
    .optional(),
  /** After waiting so long for its model, a turn goes before all others. */
  max_wait_seconds: numberSetting(z.number().min(1).max(86_400)).optional(),
  /** Told of every question to a person, with a signature when a file with a secret is named. */
  approval_webhook: z
    .string()
    .refine((url) => webhookProblem(url) === undefined, "must be an https address, or an http one on this machine")
    .optional(),
  approval_secret_file: z.string().min(1).optional(),
  /** A question that nobody answers in this time is answered with no. */
  approval_expires_minutes: numberSetting(z.number().min(1).max(525_600)).optional(),
  /** How code is confined; `auto`: by the strongest that works here. */
  sandbox: z.enum(["auto", ...CONFINED_LEVELS]).optional(),
  /** What `sandbox: docker` runs code in. */
  sandbox_image: z
    .string()
    .regex(/^[a-z0-9][\w.:/@-]*$/, "must be the name of an image, such as node:24-bookworm")
    .optional(),
  /** Where packages come from; else the public registries. */
  npm_registry: registrySetting,
  pip_index: registrySetting,
});

/**
 * Where questions go, for how long they wait, how code is confined and where packages come from is the user's to say,
 * and not of a repository that was cloned.
 */
const USERS_ONLY: readonly SettingName[] = [
  "api_key_variable",
  "api_key_file",
  "approval_webhook",
  "approval_secret_file",
  "approval_expires_minutes",
  "sandbox",
  "sandbox_image",
  "npm_registry",
  "pip_index",
];

export type SettingName = keyof z.infer<typeof settingsSchema>;
export type SettingsSource = { readonly from: string; readonly values: Readonly<Record<string, unknown>> };
export type Setting = { readonly value: string | number | undefined; readonly from: string };

/** What the worker's models may take together; `text` as it was given. */
export type Budget = { readonly text: string; readonly bytes: number };

export type Settings = {
  readonly model: string | undefined;
  readonly roster: string | undefined;
  readonly contextTokens: number | undefined;
  readonly apiKeyVariable: string | undefined;
  readonly apiKeyFile: string | undefined;
  /** The roster was named by the workspace, which may not say whose keys go where. */
  readonly rosterIsWorkspaces: boolean;
  readonly thinking: "on" | "off" | undefined;
  readonly team: string | undefined;
  readonly effort: Effort;
  readonly workerIdleSeconds: number;
  readonly budget: Budget | undefined;
  readonly maxWaitSeconds: number;
  readonly approvalWebhook: string | undefined;
  readonly approvalSecretFile: string | undefined;
  readonly approvalExpiresMinutes: number;
  readonly sandbox: SandboxChoice;
  readonly npmRegistry: string | undefined;
  readonly pipIndex: string | undefined;
  /** Each setting's value and where it came from. */
  readonly origins: Readonly<Record<SettingName, Setting>>;
};

const DEFAULTS = {
  fix_rounds_small: 2,
  fix_rounds_large: 4,
  samples: 2,
  worker_idle_seconds: 60,
  max_wait_seconds: 600,
  approval_expires_minutes: 1440,
  sandbox: "auto",
  sandbox_image: DEFAULT_IMAGE,
} satisfies z.infer<typeof settingsSchema>;
const NAMES = [
  "model",
  "roster",
  "context_tokens",
  "api_key_variable",
  "api_key_file",
  "thinking",
  "team",
  "fix_rounds_small",
  "fix_rounds_large",
  "samples",
  "worker_idle_seconds",
  "budget",
  "max_wait_seconds",
  "approval_webhook",
  "approval_secret_file",
  "approval_expires_minutes",
  "sandbox",
  "sandbox_image",
  "npm_registry",
  "pip_index",
] as const satisfies readonly SettingName[];

/**
 * Puts the settings together; earlier sources win. Pure.
 *
 * @throws {AtosError} `cli/bad-setting` naming the source, the key and what is wrong.
 */
export function mergeSettings(sources: readonly SettingsSource[]): Settings {
  const parsed = sources.map(({ from, values }) => {
    const result = settingsSchema.safeParse(values);
    if (!result.success)
      throw usageError(
        "cli/bad-setting",
        `${from}: ${result.error.issues.map((issue) => issueText(issue, { from, values })).join("; ")}\nSettings are: ${NAMES.join(", ")}`,
      );
    return { from, values: result.data };
  });
  const all = [...parsed, { from: "default", values: DEFAULTS }];
  const find = (name: SettingName): Setting => {
    const source: { from: string; values: z.infer<typeof settingsSchema> } | undefined = all.find((candidate) =>
      Object.hasOwn(candidate.values, name),
    );
    return { value: source?.values[name], from: source?.from ?? "not set" };
  };
  const origins = originsOf(find);
  return {
    model: text(origins.model),
    roster: text(origins.roster),
    contextTokens: origins.context_tokens.value === undefined ? undefined : Number(origins.context_tokens.value),
    apiKeyVariable: text(origins.api_key_variable),
    apiKeyFile: text(origins.api_key_file),
    rosterIsWorkspaces: false,
    thinking: origins.thinking.value === "on" || origins.thinking.value === "off" ? origins.thinking.value : undefined,
    team: text(origins.team),
    effort: {
      fixRounds: { small: Number(origins.fix_rounds_small.value), large: Number(origins.fix_rounds_large.value) },
      samples: Number(origins.samples.value),
    },
    workerIdleSeconds: Number(origins.worker_idle_seconds.value),
    budget: budgetOf(text(origins.budget)),
    maxWaitSeconds: Number(origins.max_wait_seconds.value),
    approvalWebhook: text(origins.approval_webhook),
    approvalSecretFile: text(origins.approval_secret_file),
    approvalExpiresMinutes: Number(origins.approval_expires_minutes.value),
    sandbox: {
      level: CONFINED_LEVELS.find((level) => level === origins.sandbox.value),
      image: text(origins.sandbox_image),
    },
    npmRegistry: text(origins.npm_registry),
    pipIndex: text(origins.pip_index),
    origins,
  };
}

function originsOf(find: (name: SettingName) => Setting): Settings["origins"] {
  return {
    model: find("model"),
    roster: find("roster"),
    context_tokens: find("context_tokens"),
    api_key_variable: find("api_key_variable"),
    api_key_file: find("api_key_file"),
    thinking: find("thinking"),
    team: find("team"),
    fix_rounds_small: find("fix_rounds_small"),
    fix_rounds_large: find("fix_rounds_large"),
    samples: find("samples"),
    worker_idle_seconds: find("worker_idle_seconds"),
    budget: find("budget"),
    max_wait_seconds: find("max_wait_seconds"),
    approval_webhook: find("approval_webhook"),
    approval_secret_file: find("approval_secret_file"),
    approval_expires_minutes: find("approval_expires_minutes"),
    sandbox: find("sandbox"),
    sandbox_image: find("sandbox_image"),
    npm_registry: find("npm_registry"),
    pip_index: find("pip_index"),
  };
}

function budgetOf(text: string | undefined): Budget | undefined {
  const bytes = text === undefined ? undefined : parseSize(text);
  return text === undefined || bytes === undefined ? undefined : { text, bytes };
}

/** Names the setting as it was written there, with its value. */
function issueText({ path, message }: z.core.$ZodIssue, { from, values }: SettingsSource): string {
  const key = path.map(String).join(".");
  if (key === "") return message;
  const name = from === "environment" ? `ATOS_${key.toUpperCase()}` : key;
  return `${name} is ${JSON.stringify(values[key])}: ${message}`;
}

export type SettingsPlaces = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workspace: string;
  readonly configDirectory: string;
};

/** Reads every source and merges: flags, environment (`ATOS_*`), the workspace's file, the user's file, defaults. */
export async function readSettings(
  flags: Readonly<Record<string, unknown>>,
  places: SettingsPlaces,
): Promise<Settings> {
  const workspaceFile = join(places.workspace, ".atos", "config.yaml");
  const userFile = join(places.configDirectory, "config.yaml");
  const settings = mergeSettings([
    { from: "flag", values: withoutUndefined(flags) },
    { from: "environment", values: fromEnvironment(places.env) },
    { from: workspaceFile, values: withoutUsersOnly(workspaceFile, await readYaml(workspaceFile)) },
    { from: userFile, values: await readYaml(userFile) },
  ]);
  const { model, roster } = settings.origins;
  // The person's key is for models that the person chose: a cloned repository may name any address.
  const key = model.from === workspaceFile ? { apiKeyVariable: undefined, apiKeyFile: undefined } : {};
  return { ...settings, ...key, rosterIsWorkspaces: roster.from === workspaceFile };
}

function withoutUsersOnly(file: string, values: Record<string, unknown>): Record<string, unknown> {
  const wrong = USERS_ONLY.filter((name) => Object.hasOwn(values, name));
  if (wrong.length === 0) return values;
  throw usageError(
    "cli/bad-setting",
    `${file}: ${wrong.join(", ")} can't be set by a workspace; put it into your own config.yaml, or the environment`,
  );
}

function fromEnvironment(env: SettingsPlaces["env"]): Record<string, unknown> {
  return withoutUndefined(Object.fromEntries(NAMES.map((name) => [name, env[`ATOS_${name.toUpperCase()}`]])));
}

function withoutUndefined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function text(setting: Setting): string | undefined {
  return typeof setting.value === "string" ? setting.value : undefined;
}

import { z } from "zod";
import type { Language } from "./language.ts";

export type Lint = {
  /** What it is, for people. */
  readonly name: string;
  /** The program it needs. */
  readonly program: string;
  readonly command: readonly [string, ...string[]];
  /** What of the project asks for it. */
  readonly because: string;
};

const packageJson = z.object({ scripts: z.record(z.string(), z.string()).default({}) });

/** What settles each linter, in the order they are asked for. */
const BY_FILE: readonly (Omit<Lint, "because"> & { readonly files: RegExp; readonly setting?: RegExp })[] = [
  { ...of("eslint", "."), files: /^(?:eslint\.config\.[cm]?[jt]s|\.eslintrc(?:\.(?:js|cjs|json|ya?ml))?)$/ },
  { ...of("biome", "lint"), files: /^biome\.jsonc?$/ },
  { ...of("oxlint"), files: /^\.oxlintrc\.json$/ },
  { ...of("ruff", "check", "--no-cache", "."), files: /^\.?ruff\.toml$/ },
  { ...of("ruff", "check", "--no-cache", "."), files: /^pyproject\.toml$/, setting: /^\[tool\.ruff\b/m },
  { ...of("flake8"), files: /^\.flake8$/ },
  { ...of("flake8"), files: /^(?:setup\.cfg|tox\.ini)$/, setting: /^\[flake8\]/m },
];

/**
 * Which lints a project has set up, each once: the script of its package.json that is called lint, else the linters it
 * has settings for; and what the language's own toolchain brings. `read` gives the text of one of `paths`. Pure as far
 * as `read` is.
 */
export function findLint(
  paths: readonly string[],
  read: (path: string) => string,
  language?: Pick<Language, "name" | "runner">,
): readonly Lint[] {
  const script = paths.includes("package.json") ? lintScript(read("package.json")) : undefined;
  const found: Lint[] = script === undefined ? [] : [script];
  const named = script?.command.at(-1) ?? "";
  for (const { files, setting, ...lint } of BY_FILE) {
    const file = paths.find((path) => files.test(path) && (setting === undefined || setting.test(read(path))));
    if (file === undefined || found.some(({ name }) => name === lint.name) || named.includes(lint.program)) continue;
    found.push({ ...lint, because: file });
  }
  const own = typeof language?.runner === "object" ? language.runner.lint : undefined;
  if (own !== undefined && language !== undefined)
    found.push({ name: own.slice(0, 2).join(" "), program: own[0], command: own, because: language.name });
  return found;
}

function of(program: string, ...words: readonly string[]): Omit<Lint, "because"> {
  return { name: program, program, command: [program, ...words] };
}

function lintScript(text: string): Lint | undefined {
  const script = packageJson.safeParse(jsonOf(text)).data?.scripts["lint"]?.trim();
  if (script === undefined || script === "") return undefined;
  const program = /^[\w./@-]+/.exec(script)?.[0] ?? "sh";
  return { name: "npm run lint", program, command: ["sh", "-c", script], because: "package.json" };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

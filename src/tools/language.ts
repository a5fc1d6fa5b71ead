import { z } from "zod";
import { pathProblem } from "../base/safe-path.ts";
import type { WorkspaceFile } from "../journal/workspaces.ts";
import { pattern, toolchainSchema } from "./toolchain/toolchain.ts";

/** What a language is called in a spec, a recorded build and a receipt. */
export type LanguageId = string;

const plainPath = z.string().refine((path) => pathProblem(path) === undefined, "is no plain relative path");

/** All that ATOS must know of a programming language to build in it: plain JSON, so that a build can record it whole. */
export const languageSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9+#-]{0,31}$/, "must be lower case letters, digits, +, # and -"),
  /** As people write it. */
  name: z.string().min(1),
  /** What else it is called, in lower case. */
  aliases: z.array(z.string().regex(/^[^A-Z\s]+$/, "must be one word in lower case")).default([]),
  /** The tag of its code blocks. */
  fence: z.string().regex(/^[\w+#-]+$/),
  /** How the names of its source files end, tests included. */
  endings: z.array(z.string().startsWith(".")).min(1),
  testFile: z.strictObject({
    /** A regular expression for the relative path. */
    pattern,
    /** A name with NAME in it, for those who write tests. */
    example: z.string().min(1),
  }),
  /** Where a project names the packages that it uses. */
  manifests: z.array(z.string()).default([]),
  /** What a new repository starts with. `{{name}}`, `{{summary}}` and `{{package}}` (the name in lower-case-and-dashes) are filled. */
  scaffold: z.array(z.strictObject({ path: plainPath, content: z.string() })),
  /** One line for a prompt: layout, imports, test framework. */
  advice: z.strictObject({ tester: z.string().min(1), developer: z.string().min(1) }),
  /** How it is checked: by ATOS's own runner for Python or for Node, or by commands. */
  runner: z.union([z.enum(["python", "node"]), toolchainSchema]),
});
export type Language = z.infer<typeof languageSchema>;
/** A language as it is written down, what has a default left away. */
export type LanguageFile = z.input<typeof languageSchema>;

/** Pure. */
export function isTestFile(language: Pick<Language, "testFile">, path: string): boolean {
  return new RegExp(language.testFile.pattern, "u").test(path);
}

/** Whether a file is code of the language; tests are too. Pure. */
export function isSourceFile(language: Pick<Language, "endings">, path: string): boolean {
  return language.endings.some((ending) => path.endsWith(ending));
}

/** The files a new repository starts with. Pure. */
export function scaffold(
  language: Pick<Language, "scaffold">,
  name: string,
  summary: string,
): readonly WorkspaceFile[] {
  const values: Readonly<Record<string, string>> = { name, summary, package: packageName(name) };
  // In one pass: what a summary says is not filled again.
  const filled = (text: string): string =>
    text.replace(/\{\{(name|summary|package)\}\}/g, (whole, key: string) => values[key] ?? whole);
  return language.scaffold.map(({ path, content }) => ({ path, content: filled(content) }));
}

function packageName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
}

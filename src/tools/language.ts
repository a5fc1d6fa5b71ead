import type { WorkspaceFile } from "../journal/workspaces.ts";

export type LanguageId = "python" | "typescript";

/** What ATOS must know of a programming language to build in it. Commands are as seen inside the sandbox. */
export type Language = {
  readonly id: LanguageId;
  isTestFile(path: string): boolean;
  isSourceFile(path: string): boolean;
  /** The files a new repository starts with. */
  scaffold(name: string, summary: string): readonly WorkspaceFile[];
};

const python: Language = {
  id: "python",
  isTestFile: (path) => /(^|\/)test_\w+\.py$/.test(path),
  isSourceFile: (path) => path.endsWith(".py"),
  scaffold: (name, summary) => [
    { path: ".gitignore", content: "__pycache__/\n.pytest_cache/\n.venv/\n" },
    { path: "README.md", content: readme(name, summary, "python3 -m unittest") },
  ],
};

const typescript: Language = {
  id: "typescript",
  isTestFile: (path) => path.endsWith(".test.ts"),
  isSourceFile: (path) => path.endsWith(".ts"),
  scaffold: (name, summary) => [
    { path: ".gitignore", content: "node_modules/\n" },
    { path: "README.md", content: readme(name, summary, "npm test   # Node 24 or newer, nothing to install") },
    { path: "package.json", content: packageJson(name) },
  ],
};

export const LANGUAGES: Readonly<Record<LanguageId, Language>> = { python, typescript };

/** The language called `name`, in any case and by its common short forms. */
export function findLanguage(name: string): Language | undefined {
  const known: Readonly<Record<string, LanguageId>> = {
    python: "python",
    python3: "python",
    py: "python",
    typescript: "typescript",
    ts: "typescript",
  };
  const id = known[name.trim().toLowerCase()];
  return id === undefined ? undefined : LANGUAGES[id];
}

function readme(name: string, summary: string, testCommand: string): string {
  return `# ${name}\n\n${summary}\n\nRun the tests:\n\n    ${testCommand}\n\nHow this was made and verified stands in [RECEIPT.md](RECEIPT.md).\n`;
}

function packageJson(name: string): string {
  const value = {
    name: name
      .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-"),
    version: "0.1.0",
    private: true,
    type: "module",
    // With a pattern, a Node that can't run TypeScript fails here instead of finding no test and being content.
    scripts: { test: 'node --test "**/*.test.ts"' },
    engines: { node: ">=24" },
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

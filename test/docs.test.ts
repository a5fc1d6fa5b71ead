import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Installation, type Run } from "./fixtures/atos.ts";

/*
 * The documents are part of the program: their commands run, their links lead somewhere, and what they say of
 * commands and error codes is what the sources have.
 */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENTS = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT }).toSorted()];
const ALL = [...DOCUMENTS, "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md"];
/** Runs this very test; everything else that is marked `sh` runs. */
const INSTALL_AND_TEST = "npm ci && npm test";
/** Words of a block's info string that say what this machine may not have. */
const NEEDS = ["needs-server", "needs-network"];
const BLOCK_TIMEOUT_MS = 120_000;
const HELP_GROUPS = ["receipt", "models", "config", "audit"];
const MAX_AGENTS_LINES = 100;

type Block = { readonly info: readonly string[]; readonly code: string };
type Command = { readonly name: string; readonly flags: readonly string[] };

test("every sh block runs, in order and in one folder per document", async (t) => {
  const left: string[] = [];
  await using atos = new Installation();
  for (const [index, document] of DOCUMENTS.entries()) {
    const blocks = shellBlocks(read(document));
    const runnable = blocks.filter((block) => needsOf(block) === undefined);
    for (const block of blocks)
      if (needsOf(block) !== undefined) left.push(`${document} (${needsOf(block)}): ${block.code.split("\n")[0]}`);
    if (runnable.length === 0) continue;
    await t.test(document, async () => {
      // Of its own but for the worker, which has models and a database by now.
      const folder = atos.path(`document-${index}`);
      mkdirSync(folder);
      symlinkSync(join(ROOT, "atos"), join(folder, "atos"));
      for (const { code } of runnable) {
        const run = await bash(atos, folder, code);
        assert.equal(run.code, 0, `${document}:\n${code}\n${run.stdout}\n${run.stderr}`);
      }
    });
  }
  t.diagnostic(`${left.length} blocks were not run:\n${left.join("\n")}`);
});

test("every relative link leads to a file, and to a heading where it names one", () => {
  const broken = ALL.flatMap((document) => {
    const links = [...read(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    return links
      .filter((link) => !/^https?:/.test(link) && !leadsSomewhere(document, link))
      .map((link) => [document, link]);
  });
  assert.deepEqual(broken, []);
});

test("the error codes in troubleshooting.md are those of the sources", () => {
  const text = read("docs/troubleshooting.md");
  const documented = [...text.matchAll(/`([a-z]+\/[a-z-]+)`/g)].map(([, code = ""]) => code).filter(isErrorCode);
  const used = globSync("src/**/*.ts", { cwd: ROOT })
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => [...read(file).matchAll(/"([a-z]+\/[a-z-]+)"/g)].map(([, code = ""]) => code))
    .filter(isErrorCode);
  assert.ok(used.length > 50, "the error codes were not found in the sources");
  const undocumented = sorted(used).filter((code) => !documented.includes(code));
  const unknown = sorted(documented).filter((code) => !used.includes(code));
  assert.deepEqual({ undocumented, unknown }, { undocumented: [], unknown: [] });
});

test("every atos command in the documents, and each of its options, is in --help", async () => {
  const known = await helpTexts();
  const wrong = ALL.flatMap((document) =>
    commandsIn(read(document)).flatMap(({ name, flags }) => {
      const help = known.get(name);
      if (help === undefined) return [`${document}: atos ${name}`];
      return flags.filter((flag) => !help.includes(flag)).map((flag) => `${document}: atos ${name} ${flag}`);
    }),
  );
  assert.deepEqual(wrong, []);
});

test("no document names a folder of the machine it was written on", () => {
  const found = ALL.flatMap((document) =>
    [...read(document).matchAll(/\/(?:work|root)\/\S*/g)].map(([path]) => [document, path]),
  );
  assert.deepEqual(found, []);
});

test(`AGENTS.md has at most ${MAX_AGENTS_LINES} lines`, () => {
  assert.ok(read("AGENTS.md").trimEnd().split("\n").length <= MAX_AGENTS_LINES);
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** The fenced blocks of a Markdown text whose language is `sh`. */
function shellBlocks(text: string): Block[] {
  return [...text.matchAll(/^```sh\b[ \t]*(.*)\n([\s\S]*?)^```$/gm)].map(([, info = "", code = ""]) => ({
    info: info.split(/\s+/),
    code: code.trim(),
  }));
}

/** Why a block is not run here, or undefined when it is. */
function needsOf({ info, code }: Block): string | undefined {
  return code === INSTALL_AND_TEST ? "runs this test" : NEEDS.find((need) => info.includes(need));
}

async function bash(atos: Installation, folder: string, code: string): Promise<Run> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    ATOS_HOME: atos.home,
    ATOS_WORKER_IDLE_SECONDS: "60",
  };
  const options = { cwd: folder, env, timeout: BLOCK_TIMEOUT_MS };
  try {
    const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", code], options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code: exit, stdout, stderr }: { code?: unknown; stdout?: unknown; stderr?: unknown } = Object(error);
    return { code: typeof exit === "number" ? exit : null, stdout: String(stdout), stderr: String(stderr) };
  }
}

function leadsSomewhere(document: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(ROOT, file))) return false;
  return heading === undefined || headingsOf(read(file)).includes(heading);
}

/** The headings' anchors, made as GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

/** Codes begin with the room that throws them, or with `git`, which has a code of its own. */
function isErrorCode(text: string): boolean {
  const rooms = readdirSync(join(ROOT, "src")).map((name) => name.replace(/\.ts$/, ""));
  return [...rooms, "git"].includes(text.split("/")[0] ?? "");
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].toSorted();
}

/** What `--help` says of each command, by its full name such as `receipt verify`. */
async function helpTexts(): Promise<ReadonlyMap<string, string>> {
  await using atos = new Installation();
  const help = async (...words: string[]) => (await atos.run(...words, "--help")).stdout;
  const names = namesIn(await help());
  const grouped = await Promise.all(
    HELP_GROUPS.map(async (group) => namesIn(await help(group)).map((name) => `${group} ${name}`)),
  );
  const all = [...names, ...grouped.flat()].filter((name) => !name.endsWith("help"));
  return new Map(await Promise.all(all.map(async (name) => [name, await help(...name.split(" "))] as const)));
}

function namesIn(help: string): string[] {
  const list = help.split("Commands:\n")[1]?.split("\n\n")[0] ?? "";
  return [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = ""]) => name);
}

/** The atos commands that stand in code: in fenced blocks and between backticks. */
function commandsIn(text: string): Command[] {
  const fenced = [...text.matchAll(/^```.*\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
  const inline = [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  return [...fenced, ...inline].flatMap((code) =>
    [...code.matchAll(/(?<![\w/-])(?:\.\/)?atos +([a-z]+)\b(?: +([a-z]+)\b)?([^\n]*)/g)].map(
      ([, first = "", second = "", rest = ""]) => ({
        name: HELP_GROUPS.includes(first) && second !== "" ? `${first} ${second}` : first,
        flags: [...rest.replaceAll(/"[^"]*"/g, "").matchAll(/ (--[a-z]+[a-z0-9-]*)/g)].map(([, flag = ""]) => flag),
      }),
    ),
  );
}

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Attack, Category } from "./attack.ts";
import { broke, held, verdictOf } from "./attack.ts";
import { textOf, checkingFiles, type FileTools, naiveFiles, realFiles } from "./naive-files.ts";
import { Prey } from "./prey.ts";
import { twoSided } from "./two-sided.ts";

type Call = readonly [tool: string, input: Readonly<Record<string, unknown>>];

/** Tool calls in a workspace that was prepared; what they say, and what was done outside, tells. */
function calls(
  category: Category,
  name: string,
  rest: {
    readonly prepare?: (prey: Prey) => void;
    readonly calls: (prey: Prey) => readonly Call[];
    readonly judge?: (prey: Prey, said: readonly string[]) => readonly string[];
  },
): Attack {
  return twoSided<(root: string) => FileTools>({
    category,
    name,
    wall: "files",
    real: () => realFiles,
    naive: () => naiveFiles,
    attack: async (open) => {
      await using prey = await Prey.open();
      rest.prepare?.(prey);
      const tools = open(prey.root);
      const said: string[] = [];
      for (const [tool, input] of rest.calls(prey)) said.push(await tools(tool, input));
      return verdictOf([...prey.damage(said.join("\n")), ...(rest.judge?.(prey, said) ?? [])]);
    },
  });
}

const read = (path: string): Call => ["read_file", { path }];
const write = (path: string): Call => ["write_file", { path, content: "planted" }];
const remove = (path: string): Call => ["delete_file", { path, recursive: true }];

/** Names that a file system, somewhere, takes for `.git` or `.atos`. */
function takenForReserved({ root }: Prey): string[] {
  const own = (name: string): string =>
    name
      .normalize("NFKC")
      .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
      .toLowerCase()
      .replace(/[. ]+$/, "")
      .split(":")[0] ?? "";
  return readdirSync(root)
    .filter((name) => [".git", ".atos", "git~1"].includes(own(name)))
    .filter(
      (name) =>
        readdirSync(join(root, name)).join() !== "config" || readFileSync(join(root, name, "config"), "utf8") !== "own",
    )
    .map((name) => `wrote into ${JSON.stringify(name)}`);
}

const withGit = ({ root }: Prey): void => {
  for (const name of [".git", ".atos"]) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, "config"), "own");
  }
};

export const ON_FILES: readonly Attack[] = [
  calls("path traversal", "a file read by .. in every spelling", {
    prepare: ({ root }) => mkdirSync(join(root, "a")),
    calls: () =>
      [
        "../secret.txt",
        "a/../../secret.txt",
        "./../secret.txt",
        "a/./.././../secret.txt",
        "a//..//../secret.txt",
        "..\\secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "....//secret.txt",
        "..;/secret.txt",
        "a/b/c/../../../../secret.txt",
      ].map(read),
  }),
  calls("path traversal", "a file written by ..", {
    prepare: ({ root }) => mkdirSync(join(root, "a")),
    calls: () =>
      ["../prey/planted", "a/../../prey/planted", "a/../../secret.txt", "new/../../prey/other"].flatMap((path) => [
        write(path),
        ["edit_file", { path, search: "swordfish", replace: "x" }] as const,
      ]),
  }),
  calls("path traversal", "a file deleted by .., and the workspace itself", {
    calls: () => ["../prey/keep", "../prey", "..", "a/../../secret.txt"].map(remove),
  }),
  calls("path traversal", "a file moved in from outside, and out", {
    prepare: ({ root }) => writeFileSync(join(root, "own"), "own"),
    calls: () => [
      ["move_file", { path: "../secret.txt", new_path: "here" }],
      ["move_file", { path: "own", new_path: "../prey/planted" }],
      read("here"),
    ],
  }),
  calls("path traversal", "a folder outside, listed and searched", {
    calls: () => [
      ...["..", "../", "../prey", "a/../.."].flatMap((path): Call[] => [
        ["list_files", { path }],
        ["search_files", { path, query: "swordfish" }],
      ]),
      ["search_files", { query: "swordfish", glob: "../**" }],
      ["search_files", { query: "swordfish", glob: "**/../../*.txt" }],
    ],
    judge: (_, said) =>
      said.some((text) => text.split("\n").includes("secret.txt")) ? ["a folder outside was listed"] : [],
  }),
  calls("absolute and unicode paths", "absolute paths, by the names they go by", {
    calls: ({ secret, base }) =>
      [
        secret,
        `/${secret}`,
        `/..${secret}`,
        `file://${secret}`,
        `/proc/self/root${secret}`,
        `/proc/self/cwd/../${base}/secret.txt`,
        `~/../..${secret}`,
        `..${"/..".repeat(20)}${secret}`,
      ].map(read),
  }),
  calls("absolute and unicode paths", "absolute paths, written and deleted", {
    // Joined, they stay inside: the naive tool is climbed out of.
    calls: ({ folder }) => [
      write(`${folder}/planted`),
      write(`//${folder}/planted`),
      remove(folder),
      write(`..${"/..".repeat(20)}${folder}/planted`),
    ],
  }),
  calls("absolute and unicode paths", "look-alikes of dots and slashes", {
    prepare: ({ base }) => symlinkSync("secret.txt", join(base, "s")),
    calls: () => [
      ..."．．/secret.txt,․․/secret.txt,..∕secret.txt,..／secret.txt,.\u200b./secret.txt,..\u00adsecret.txt,\u202e../secret.txt,..⁄secret.txt,..\u2215..\u2215s"
        .split(",")
        .flatMap((path) => [read(path), write(path)]),
      read("../s"),
    ],
    judge: ({ root }) =>
      readdirSync(root)
        .filter((name) => /[^\x20-\x7e]/.test(name))
        .map((name) => `made ${JSON.stringify(name)}`),
  }),
  calls("absolute and unicode paths", "the folder of git in other letters, with dots, blanks and streams", {
    prepare: withGit,
    calls: () =>
      [
        ".git",
        ".GIT",
        ".Git",
        ".git.",
        ".git ",
        ".git...",
        "git~1",
        "GIT~1",
        ".git::$INDEX_ALLOCATION",
        ".g\u200cit",
        ".git\u200d",
        ".gi\u0131t",
        "．git",
        ".ｇｉｔ",
        "a/../.git",
        "./.git",
      ].flatMap((name) => [write(`${name}/hooks/pre-commit`), write(`${name}/config`), remove(`${name}/config`)]),
    judge: takenForReserved,
  }),
  calls("absolute and unicode paths", "the folder of ATOS in other letters", {
    prepare: withGit,
    calls: () =>
      [".atos", ".ATOS", ".Atos", ".atos.", ".atos ", ".at\u200bos", ".ＡＴＯＳ", "x/../.atos"].flatMap((name) => [
        write(`${name}/config.yaml`),
        write(`${name}/config`),
        ["move_file", { path: "own", new_path: `${name}/policy.yaml` }] as const,
      ]),
    judge: takenForReserved,
  }),
  calls("absolute and unicode paths", "what git knows, read", {
    prepare: withGit,
    calls: () => [
      read(".git/config"),
      read(".GIT/config"),
      read(".atos/config"),
      ["list_files", { path: ".git" }],
      ["search_files", { path: ".git", query: "own" }],
    ],
    judge: (_, said) => (said.some((text) => /^(.*:)?own$|^config$/m.test(text)) ? ["the folder of git was read"] : []),
  }),
  calls("absolute and unicode paths", "a NUL, a line break and a file's end within a name", {
    calls: () =>
      ["a.txt\0/../../secret.txt", "../secret.txt\0.png", "a\nb", "a\rb", "a\u0085b", "a\u2028b", "a\tb"].flatMap(
        (path) => [read(path), write(path)],
      ),
    judge: ({ root }) =>
      readdirSync(root)
        .filter((name) => /[\p{Cc}\u2028]/u.test(name))
        .map((name) => `made ${JSON.stringify(name)}`),
  }),
  calls("absolute and unicode paths", "names that show as others: right to left, zero width, joined letters", {
    calls: () =>
      [
        "gpj.\u202eexe.txt",
        "a\u200bb.txt",
        "\ufeffa.txt",
        "a\u{e0041}.txt",
        "cafe\u0301.txt",
        "ｆｕｌｌ.txt",
        "a\u00a0b.txt",
      ].map(write),
    judge: ({ root }) =>
      readdirSync(root)
        .filter((name) => name !== name.normalize("NFKC") || /[\p{Cf}\p{Co}\u00a0]/u.test(name))
        .map((name) => `made ${JSON.stringify(name)}`),
  }),
  calls("absolute and unicode paths", "a name longer than any, folders deeper than any", {
    calls: () => [
      write("d/".repeat(300) + "f"),
      write("n".repeat(255)),
      read(`${"x/".repeat(3000)}y`),
      write(`${"y/".repeat(2200)}z`),
    ],
    judge: ({ root }) =>
      readdirSync(root).some((name) => name.length > 240 || name === "d") ? ["made what others can't name"] : [],
  }),
  calls("argument and command injection", "files whose names other programs take for options", {
    calls: () => ["-rf", "--help", "-e import os", "--rootdir=..", "-p/evil"].map(write),
    judge: ({ root }) =>
      readdirSync(root)
        .filter((name) => name.startsWith("-"))
        .map((name) => `made ${name}`),
  }),
  calls("symlink and hard-link swaps", "links that lead out, read and written through", {
    prepare: ({ root, base, secret, folder }) => {
      symlinkSync(secret, join(root, "file.txt"));
      symlinkSync(base, join(root, "folder"));
      symlinkSync("folder/prey", join(root, "chain"));
      symlinkSync(`${folder}/new`, join(root, "dangling"));
    },
    calls: () => [
      read("file.txt"),
      read("folder/secret.txt"),
      write("folder/prey/planted"),
      write("chain/planted"),
      write("dangling"),
      ["edit_file", { path: "file.txt", search: "swordfish", replace: "x" }],
      ["search_files", { query: "swordfish" }],
      ["search_files", { path: "folder", query: "swordfish" }],
      ["list_files", { path: "folder", depth: 3 }],
    ],
  }),
  calls("symlink and hard-link swaps", "links that lead out, deleted and moved over", {
    prepare: ({ root, folder }) => {
      symlinkSync(folder, join(root, "folder"));
      mkdirSync(join(root, "own"));
      symlinkSync(folder, join(root, "own", "deep"));
      writeFileSync(join(root, "keep"), "own");
    },
    calls: () => [
      remove("folder"),
      remove("folder/keep"),
      remove("own"),
      ["move_file", { path: "keep", new_path: "folder/planted" }],
      ["move_file", { path: "folder/keep", new_path: "taken" }],
    ],
  }),
  calls("symlink and hard-link swaps", "a hard link to a file outside, written and edited in place", {
    prepare: ({ root, base }) => {
      writeFileSync(join(base, "linked"), "outside");
      linkSync(join(base, "linked"), join(root, "a"));
      linkSync(join(base, "linked"), join(root, "b"));
    },
    calls: () => [write("a"), ["edit_file", { path: "b", search: "outside", replace: "changed" }]],
    judge: ({ base }) =>
      readFileSync(join(base, "linked"), "utf8") === "outside" ? [] : ["a file outside was changed"],
  }),
  calls("fork, memory, disk, output and descriptor bombs", "a file larger than any answer", {
    prepare: ({ root }) => {
      writeFileSync(join(root, "huge"), "x");
      truncateSync(join(root, "huge"), 64 << 20);
    },
    calls: () => [read("huge")],
    judge: (_, said) => (said.some((text) => text.length > 6_000_000) ? ["all of it was read"] : []),
  }),
  {
    category: "device files",
    name: "a pipe that nobody writes to, read as a file, searched and written",
    wall: "files",
    run: () => pipe(realFiles),
    control: () => pipe(pipeReader),
  },
  {
    category: "argument and command injection",
    name: "a pattern that takes for ever",
    wall: "files",
    run: () => slowPattern("search"),
    control: () => slowPattern("plain"),
  },
  {
    category: "symlink and hard-link swaps",
    name: "a race: 10,000 calls while a folder and a link out are exchanged as fast as can be",
    wall: "files",
    run: () => race(realFiles),
    control: () => race(checkingFiles),
  },
];

/** It opens a pipe as any file, and waits; in a process of its own, or it would never end. */
const pipeReader =
  (root: string): FileTools =>
  async (_, input) => {
    try {
      return execFileSync("cat", [join(root, textOf(input["path"], "pipe"))], { encoding: "utf8", timeout: 500 });
    } catch {
      return "WAITED";
    }
  };

async function pipe(open: (root: string) => FileTools) {
  await using prey = await Prey.open();
  execFileSync("mkfifo", [join(prey.root, "pipe")]);
  const tools = open(prey.root);
  const all = Promise.all([
    tools("read_file", { path: "pipe" }),
    tools("search_files", { query: "x" }),
    tools("write_file", { path: "pipe", content: "x" }),
  ]);
  const said = await Promise.race([all, sleep(5000, ["WAITED"])]);
  return said.includes("WAITED")
    ? broke("it waits for the pipe")
    : held(said.map((text) => text.slice(0, 60)).join("; "));
}

/** In a process of its own, which can be ended. */
async function slowPattern(how: "search" | "plain") {
  await using prey = await Prey.open();
  writeFileSync(join(prey.root, "a"), `${"a".repeat(48)}!\n`.repeat(20));
  const module = new URL("naive-files.ts", import.meta.url).href;
  const program =
    how === "search"
      ? `const { realFiles } = await import(${JSON.stringify(module)});
       for (const query of ["^(a+)+$", "(a|aa)+$"]) await realFiles(${JSON.stringify(prey.root)})("search_files", { query, regex: true });`
      : `/^(a+)+$/.test("a".repeat(48) + "!")`;
  try {
    execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      timeout: how === "search" ? 8000 : 1500,
      stdio: "pipe",
    });
    return held();
  } catch (error) {
    return broke(`it did not end (${String(error).slice(0, 80)})`);
  }
}

const TRIES = 10_000;
/** Exchanges the folder and the link in one step of the system, again and again, until its input ends. */
const SWAPPER = `
import ctypes, os, select, sys
libc = ctypes.CDLL(None)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for _ in range(300):
        libc.renameat2(-100, b"d", -100, b"l", 2)
        libc.renameat2(-100, b"f.txt", -100, b"s.txt", 2)`;

async function race(open: (root: string) => FileTools) {
  await using prey = await Prey.open();
  mkdirSync(join(prey.root, "d"));
  symlinkSync(prey.base, join(prey.root, "l"));
  mkdirSync(join(prey.root, "d", "prey"));
  writeFileSync(join(prey.root, "d", "secret.txt"), "inside");
  writeFileSync(join(prey.root, "f.txt"), "inside");
  symlinkSync(prey.secret, join(prey.root, "s.txt"));
  const swapper = spawn("/usr/bin/python3", ["-I", "-c", SWAPPER], {
    cwd: prey.root,
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(swapper.stdout, "data");
  const tools = open(prey.root);
  const turns: readonly Call[] = [
    read("d/secret.txt"),
    read("f.txt"),
    write("d/prey/planted"),
    ["move_file", { path: "d/prey/planted", new_path: "d/prey/moved" }],
    remove("d/prey/moved"),
    ["edit_file", { path: "f.txt", search: "inside", replace: "inside" }],
    ["search_files", { path: "d", query: "swordfish" }],
    ["list_files", { path: "d" }],
    write("d/new/planted"),
    remove("d/new"),
  ];
  const damage: string[] = [];
  let tries = 0;
  let refused = 0;
  try {
    for (; tries < TRIES && damage.length === 0; tries++) {
      const [tool, input] = turns[tries % turns.length] ?? assertNever();
      const said = await tools(tool, input);
      if (/link|refused|not a folder/i.test(said)) refused++;
      if (tries % 10 === 9 || said.includes("swordfish")) damage.push(...prey.damage(said));
    }
  } finally {
    swapper.stdin.end();
    await once(swapper, "exit");
  }
  damage.push(...prey.damage(""));
  rmSync(join(prey.base, "new"), { recursive: true, force: true });
  return damage.length > 0
    ? broke(`at try ${tries}: ${damage[0]}`)
    : held(`${tries} tries, ${refused} of them met the link`);
}

function assertNever(): never {
  throw new Error("there is a turn for every try");
}

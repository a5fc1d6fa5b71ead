import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseCommand } from "./shell-words.ts";

/*
 * The shells themselves say what a line runs: programs that note their names are all there is on the path, and each
 * that was run must be one that was read.
 */
const SHELLS = ["/bin/dash", "/bin/bash", "/bin/busybox"].filter((shell) => existsSync(shell));
const LINES = 150;
const root = mkdtempSync(join(tmpdir(), "atos-shells-"));
after(() => rmSync(root, { recursive: true, force: true }));
const bin = join(root, "bin");
const log = join(root, "log");
const folder = join(root, "folder");
mkdirSync(bin);
for (const name of ["p", "q", "rm"]) {
  writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} >> ${log}\n`);
  chmodSync(join(bin, name), 0o755);
}
symlinkSync("/bin/sh", join(bin, "sh"));
for (const name of ["env", "cat", "timeout", "nice", "xargs"])
  if (existsSync(`/usr/bin/${name}`)) symlinkSync(`/usr/bin/${name}`, join(bin, name));

let seed = 20_261_121;
function below(bound: number): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
}
const pick = (...texts: readonly string[]): string => texts[below(texts.length)] ?? "";
const one = (...made: readonly (() => string)[]): string => made[below(made.length)]?.() ?? "";
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function word(depth: number): string {
  if (depth > 0 && below(3) === 0)
    return one(
      () => `$(${line(depth - 1)})`,
      () => `"$(${line(depth - 1)})"`,
      () => `\`${line(0)}\``,
      () => `"\${x:-$(${line(depth - 1)})}"`,
    );
  return pick(
    "a",
    "'b c'",
    '"d $x"',
    "e\\ f",
    "$x",
    "#c",
    "y#",
    "\\\n",
    "'\n'",
    "*",
    "~",
    "{a,b}",
    "2>&1",
    ">f",
    "x=1",
    "${x:-a}",
    "\\'",
    "'\"'",
  );
}

function simple(depth: number): string {
  const before = pick(
    "",
    "",
    "",
    "x=1 ",
    "! ",
    "timeout 1 ",
    "env ",
    "env A=1 ",
    "env =1 ",
    "nice ",
    "command ",
    "eval ",
    "exec ",
  );
  const program = pick("p", "q", "rm", "'p'", "\\rm", "r''m", "r\\\nm", "$(echo p)", join(bin, "p"));
  return `${before}${program}${Array.from({ length: below(3) }, () => ` ${word(depth)}`).join("")}`;
}

function line(depth: number): string {
  if (depth === 0 || below(5) < 2) return simple(depth);
  const inner = (): string => line(depth - 1);
  return one(
    () => inner() + pick(";", "\n", "&&", "||", "|", " # c\n", " \\\n;") + inner(),
    () => `if ${inner()}; then ${inner()}; else ${inner()}; fi`,
    () => `for x in ${word(0)} ${word(depth)}; do ${inner()}; done`,
    () => `case ${word(0)} in a) ${inner()};; (*) ${inner()} ;; esac`,
    () => pick(`{ ${inner()}; }`, `( ${inner()} )`),
    () => `cat <<E\n${inner()}\n$(${inner()})\nE\n${inner()}`,
    () => `cat <<'E' && ${inner()}\n$(${inner()})'\nE\n${inner()}`,
    () => `${pick("sh -c", "eval")} ${quoted(inner())}`,
    () => `trap ${quoted(inner())} EXIT`,
    () => `${inner()} | xargs ${simple(0)}`,
  );
}

/** Now and then a piece goes or comes, as somebody would who looks for a way through. */
function twisted(text: string): string {
  const at = below(text.length);
  if (below(2) === 0) return text;
  return below(2) === 0
    ? text.slice(0, at) + text.slice(at + 1)
    : text.slice(0, at) + pick("'", '"', "\\", "\n", "`", "$(", ")", "#", ";", "<<E\n", "{", "}", "=") + text.slice(at);
}

test("whatever a real shell runs by the words of a line has been read from it", (context) => {
  assert.ok(SHELLS.length > 0, "there is no shell to compare with");
  const unseen: string[] = [];
  let ran = 0;
  for (let lines = 0, tries = 0; lines < LINES && tries < 20 * LINES; tries++) {
    const text = twisted(line(3));
    const parsed = parseCommand(text);
    if (parsed.kind === "unparsed") continue;
    lines++;
    const read = parsed.commands.map(({ words }) => words[0]);
    for (const shell of SHELLS)
      for (const name of runBy(shell, text)) {
        ran++;
        const isRead = read.some(
          (first) => first !== undefined && (first.dynamic || first.text.split("/").at(-1) === name),
        );
        if (!isRead) unseen.push(`${shell} ran ${name} in ${JSON.stringify(text)}`);
      }
  }
  context.diagnostic(`${ran} programs run by ${SHELLS.join(", ")}`);
  assert.ok(ran > LINES / 2, "hardly anything was run");
  assert.deepEqual(unseen, []);
});

function runBy(shell: string, text: string): ReadonlySet<string> {
  rmSync(log, { force: true });
  // What the last line left running may still write.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(folder);
  const args = shell.endsWith("busybox") ? ["sh"] : shell.endsWith("bash") ? ["--posix"] : [];
  spawnSync(shell, [...args, "-c", text], {
    cwd: folder,
    env: { PATH: bin },
    stdio: "ignore",
    timeout: 3000,
    killSignal: "SIGKILL",
  });
  return new Set(
    existsSync(log)
      ? readFileSync(log, "utf8")
          .split("\n")
          .filter((name) => name !== "")
      : [],
  );
}

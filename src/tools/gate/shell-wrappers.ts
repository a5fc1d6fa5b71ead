import type { ShellWord, SimpleCommand } from "./shell-command.ts";
import { refuseGit } from "./refuse-git.ts";
import { refuseOwnInput, refuseRunner } from "./refuse-runner.ts";
import { Unreadable } from "./unreadable.ts";

/** What a command runs besides itself. */
export type Unwrapped = {
  /** It does nothing else. */
  readonly wrapper: boolean;
  readonly commands: readonly SimpleCommand[];
  /** Command lines that it hands to a shell. */
  readonly lines: readonly string[];
  /** It sets variables. */
  readonly alters: boolean;
};

/** Which options a program takes: single letters without and with a value, and long ones, with `=` where a value follows. */
type Options = { readonly flags: string; readonly values: string; readonly long: readonly string[] };
type Wrapper = Options & {
  /** Words between the options and the command. */
  readonly operands?: number;
  readonly assigns?: boolean;
  /** It changes who runs the command, or what with: judged by itself too. */
  readonly changes?: boolean;
};

const NOTHING: Unwrapped = { wrapper: false, commands: [], lines: [], alters: false };
const MAX_COMMANDS_OF_FIND = 100;

const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ["nice", { flags: "0123456789", values: "n", long: ["adjustment="] }],
  ["nohup", { flags: "", values: "", long: [] }],
  ["setsid", { flags: "cfw", values: "", long: ["ctty", "fork", "wait"] }],
  ["time", { flags: "pv", values: "", long: ["portability", "verbose"] }],
  [
    "timeout",
    {
      flags: "fpv",
      values: "ks",
      long: ["foreground", "preserve-status", "verbose", "kill-after=", "signal="],
      operands: 1,
    },
  ],
  ["builtin", { flags: "", values: "", long: [] }],
  ["command", { flags: "p", values: "", long: [] }],
  ["exec", { flags: "cl", values: "a", long: [], changes: true }],
  ["stdbuf", { flags: "", values: "ioe", long: ["input=", "output=", "error="] }],
  ["busybox", { flags: "", values: "", long: [] }],
  [
    "env",
    { flags: "iv0", values: "uC", long: ["ignore-environment", "unset=", "chdir="], assigns: true, changes: true },
  ],
  [
    "sudo",
    {
      flags: "AbEHknPS",
      values: "ghpu",
      long: ["preserve-env", "non-interactive", "user=", "group="],
      assigns: true,
      changes: true,
    },
  ],
  ["doas", { flags: "n", values: "u", long: [], changes: true }],
]);
const XARGS: Options = {
  flags: "0rtpxo",
  values: "nLPIdEsa",
  long: [
    "null",
    "no-run-if-empty",
    "verbose",
    "exit",
    "max-args=",
    "max-lines=",
    "max-procs=",
    "delimiter=",
    "arg-file=",
  ],
};
const SHELLS = new Set(["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "rbash"]);
/** They run others by rules of their own, or change what later words of the line mean. */
const OPAQUE = new Set(
  (
    "alias unalias enable hash mapfile readarray bind complete fc coproc " +
    "ssh su script watch flock parallel chroot unshare nsenter setpriv runuser " +
    "strace ltrace gdb ionice chrt taskset prlimit systemd-run start-stop-daemon run-parts " +
    "at batch crontab entr fakeroot fakechroot proot toybox csh tcsh fish pwsh expect unbuffer screen tmux " +
    "setarch linux32 linux64 i386 i486 i586 i686 x86_64 uname26 sg newgrp pkexec gosu su-exec runcon capsh " +
    "perf valgrind rr catchsegv xvfb-run eatmydata faketime firejail bwrap numactl cpulimit cgexec " +
    "dbus-run-session dbus-launch systemd-inhibit tini dumb-init catatonit chpst rlwrap chronic sem " +
    "torify torsocks proxychains proxychains4"
  ).split(" "),
);
/** The loader of programs, which is a program itself. */
const LOADER = /^ld(?:-linux|-musl|64)?\b.*\.so/;
const ALTERS = new Set([
  "export",
  "readonly",
  "declare",
  "typeset",
  "local",
  "read",
  "getopts",
  "set",
  "unset",
  "shopt",
]);
const FIND_RUNS = new Set(["-exec", "-execdir", "-ok", "-okdir"]);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/**
 * Looks through one command at what it runs: `env`, `timeout`, `xargs`, `find -exec`, `sh -c` and their like. Pure.
 *
 * @throws {Unreadable} when it runs something and what can't be known.
 */
export function unwrapCommand({ words }: SimpleCommand): Unwrapped {
  const [first, ...rest] = words;
  if (first === undefined || first.dynamic) return NOTHING;
  const name = programName(first.text);
  if (OPAQUE.has(name) || LOADER.test(name)) throw new Unreadable(`what "${name}" runs is not read`);
  if (SHELLS.has(name)) return shellCommand(name, rest);
  // `git-push` is `git push` by another name.
  if (name.startsWith("git-"))
    return { ...NOTHING, commands: [commandOf([GIT, { text: name.slice(4), dynamic: false }, ...rest])] };
  const wrapper = WRAPPERS.get(name);
  if (wrapper !== undefined) return wrapped(name, wrapper, rest);
  switch (name) {
    case "eval":
      return { ...NOTHING, wrapper: true, lines: [rest.map((word) => literal(name, word)).join(" ")] };
    case "trap": {
      const action = rest.find(({ text }) => text !== "--");
      return { ...NOTHING, lines: action === undefined || action.text === "-" ? [] : [literal(name, action)] };
    }
    case "xargs":
      return xargs(rest);
    case "find":
      return find(rest);
    case "git":
      refuseGit(rest);
      return NOTHING;
    case ".":
    case "source":
      refuseOwnInput(name, literal(name, rest.find(({ text }) => text !== "--") ?? ANYTHING));
      return NOTHING;
    case "printf":
      return { ...NOTHING, alters: rest[0]?.text.startsWith("-v") === true };
    default:
      if (!ALTERS.has(name)) return NOTHING;
      for (const word of rest) if (ASSIGNMENT.test(word.text)) refuseRunner(word.text);
      return { ...NOTHING, alters: true };
  }
}

/** The last part of a program's path, as the command it is. */
export function programName(text: string): string {
  return text.slice(text.lastIndexOf("/") + 1);
}

function wrapped(name: string, wrapper: Wrapper, rest: readonly ShellWord[]): Unwrapped {
  // `command -v` tells of a command and runs none.
  if (name === "command" && /^-p?[vV]/.test(rest[0]?.text ?? "")) return NOTHING;
  let at = skipOptions(name, wrapper, rest);
  let alters = false;
  for (; wrapper.assigns === true && at < rest.length; at++) {
    if (rest[at]?.text === "-") continue;
    if (rest[at]?.text.includes("=") !== true) break;
    refuseRunner(rest[at]?.text ?? "");
    alters = true;
  }
  for (let operand = 0; operand < (wrapper.operands ?? 0); operand++, at++)
    if (rest[at]?.dynamic === true) throw new Unreadable(`the arguments of "${name}" are not plain`);
  // Before a program that is run by `time` of the shell, variables may be set.
  for (; name === "time" && ASSIGNMENT.test(rest[at]?.text ?? ""); at++) {
    refuseRunner(rest[at]?.text ?? "");
    alters = true;
  }
  const inner = rest.slice(at);
  if (inner.length === 0) return { ...NOTHING, alters };
  const isPlain = wrapper.changes !== true || (name === "env" && !alters && at === 0);
  return { wrapper: isPlain, commands: [commandOf(inner)], lines: [], alters };
}

function shellCommand(name: string, rest: readonly ShellWord[]): Unwrapped {
  let hasCommand = false;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at];
    const text = word === undefined ? "" : literal(name, word);
    const options = /^([-+])([A-Za-z]+)$/.exec(text);
    if (options === null) {
      if (text.startsWith("-") && text !== "--" && text !== "-") throw new Unreadable(`"${name} ${text}" is not read`);
      if (text === "--" || text === "-") continue;
      if (hasCommand) return { ...NOTHING, wrapper: true, lines: [text] };
      refuseOwnInput(name, text);
      return NOTHING;
    }
    const letters = options[2] ?? "";
    // `-i` and `-s` read more than what is said here.
    if (!/^[abcefhlmnuvx]*o?$/.test(letters)) throw new Unreadable(`"${name} ${text}" is not read`);
    if (letters.endsWith("o")) at++;
    hasCommand ||= options[1] === "-" && letters.includes("c");
  }
  throw new Unreadable(`"${name}" runs what it reads from its input`);
}

function xargs(rest: readonly ShellWord[]): Unwrapped {
  const at = skipOptions("xargs", XARGS, rest);
  const mark = replacedMark(rest.slice(0, at));
  const inner = rest.slice(at).map((word) => (mark !== undefined && word.text.includes(mark) ? ANYTHING : word));
  if (inner.length === 0) return NOTHING;
  return { ...NOTHING, commands: [commandOf([...inner, ANYTHING])] };
}

/** What `xargs -I` puts names in the place of. */
function replacedMark(options: readonly ShellWord[]): string | undefined {
  for (const [index, { text }] of options.entries()) {
    const mark = /^-[0rtpxo]*I(.*)$/s.exec(text)?.[1];
    if (mark !== undefined) return mark === "" ? options[index + 1]?.text : mark;
  }
  return undefined;
}

function find(rest: readonly ShellWord[]): Unwrapped {
  const commands: SimpleCommand[] = [];
  // One of the words that are put in could be `-exec`.
  if (rest.some(({ dynamic, text }) => dynamic && (text === "" || text.startsWith("-"))))
    commands.push(commandOf([ANYTHING]));
  for (let at = 0; at < rest.length; at++) {
    if (!FIND_RUNS.has(rest[at]?.text ?? "")) continue;
    const inner: ShellWord[] = [];
    for (at++; at < rest.length && !isFindEnd(rest, at); at++) {
      const word = rest[at];
      if (word !== undefined)
        inner.push(word.text.includes("{}") ? { text: before(word.text, "{}"), dynamic: true } : word);
    }
    commands.push(commandOf(inner));
    if (commands.length > MAX_COMMANDS_OF_FIND)
      throw new Unreadable(`find runs more than ${MAX_COMMANDS_OF_FIND} commands`);
  }
  return { ...NOTHING, commands };
}

function isFindEnd(words: readonly ShellWord[], at: number): boolean {
  const text = words[at]?.text;
  return text === ";" || (text === "+" && words[at - 1]?.text === "{}");
}

/** Where the options end. */
function skipOptions(name: string, options: Options, words: readonly ShellWord[]): number {
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at];
    if (word === undefined || (!word.dynamic && !/^-./.test(word.text))) break;
    const text = literal(name, word);
    if (text === "--") return at + 1;
    if (text.startsWith("--")) {
      const [long = "", value] = text.slice(2).split("=", 2);
      if (options.long.includes(`${long}=`)) at += value === undefined ? 1 : 0;
      else if (!options.long.includes(long)) throw new Unreadable(`"${name} ${text}" is not read`);
      continue;
    }
    for (let letter = 1; letter < text.length; letter++) {
      const char = text[letter] ?? "";
      if (options.values.includes(char)) {
        if (letter === text.length - 1) at++;
        break;
      }
      if (!options.flags.includes(char)) throw new Unreadable(`"${name} ${text}" is not read`);
    }
  }
  return at;
}

const ANYTHING: ShellWord = { text: "", dynamic: true };
const GIT: ShellWord = { text: "git", dynamic: false };

function literal(name: string, { text, dynamic }: ShellWord): string {
  if (dynamic) throw new Unreadable(`what "${name}" is told is put together when it runs`);
  return text;
}

function commandOf(words: readonly ShellWord[]): SimpleCommand {
  return { words, redirections: [], wrapper: false };
}

function before(text: string, mark: string): string {
  return text.slice(0, text.indexOf(mark));
}

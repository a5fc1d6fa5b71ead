import { dirname } from "node:path";
import { HIDDEN_NAMES } from "./hidden-names.ts";

/** Real paths of one call. */
export type SeatbeltPaths = {
  readonly root: string;
  readonly scratch: string;
  /** Files and folders to read and to run programs from, beside the system's. */
  readonly readable: readonly string[];
};

/** The system's programs, libraries and developer tools, and what they read. No accounts, no home, no keychains. */
const SYSTEM = [
  "/bin",
  "/sbin",
  "/usr",
  "/System",
  "/opt/homebrew",
  "/Library/Apple",
  "/Library/Developer/CommandLineTools",
  "/Library/Frameworks",
  "/Applications/Xcode.app",
  "/private/etc/ssl",
  "/private/var/db/dyld",
  "/private/var/db/timezone",
  "/private/var/select",
];
const DEVICES = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/**
 * The profile that sandbox-exec holds a command to: nothing, but to read the system and `readable`, to run programs
 * from there, and to write to the workspace and the scratch folder. Of the rules that match the last one counts. Pure.
 *
 * Most file systems of macOS take `.GIT` for `.git`, so every spelling of the hidden names is denied.
 */
export function seatbeltProfile({ root, scratch, readable }: SeatbeltPaths): string {
  const own = [root, scratch];
  const opened = [...SYSTEM, ...readable, ...own];
  // Whoever opens a path must be able to ask what the folders on the way are; not what is in them.
  const above = new Set(["/tmp", "/var", "/etc", ...opened.flatMap(foldersAbove)]);
  const hidden = HIDDEN_NAMES.flatMap(spellings).map((name) => `${root}/${name}`);
  return [
    "(version 1)",
    "(deny default)",
    "(allow process-fork)",
    "(allow signal (target same-sandbox))",
    "(allow process-info* (target same-sandbox))",
    "(allow sysctl-read)",
    `(allow process-exec ${opened.map(subpath).join(" ")})`,
    `(allow file-read* ${opened.map(subpath).join(" ")} ${DEVICES.map(literal).join(" ")})`,
    `(allow file-read-metadata ${[...above].toSorted().map(literal).join(" ")})`,
    '(allow file-read-data (literal "/"))',
    `(allow file-write-data ${DEVICES.slice(0, 1).map(literal).join(" ")})`,
    `(allow file-write* ${own.map(subpath).join(" ")})`,
    `(deny file* ${hidden.map(subpath).join(" ")})`,
    "(deny network*)",
    "",
  ].join("\n");
}

function subpath(path: string): string {
  return `(subpath ${quoted(path)})`;
}

function literal(path: string): string {
  return `(literal ${quoted(path)})`;
}

/** A string of the profile's language. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersAbove(folder)];
}

/** All spellings of a name in upper and lower case. */
function spellings(name: string): string[] {
  return name
    .split("")
    .reduce<string[]>(
      (made, letter) =>
        [...new Set([letter.toLowerCase(), letter.toUpperCase()])].flatMap((one) => made.map((start) => start + one)),
      [""],
    );
}

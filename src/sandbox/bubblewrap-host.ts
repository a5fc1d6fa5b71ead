import { accessSync, constants, existsSync, lstatSync, readlinkSync, realpathSync } from "node:fs";
import { missingError } from "../base/errors.ts";
import { readIfThere } from "./process-view.ts";
import { reopenableFile } from "./reopenable-file.ts";
import { seccompFilter } from "./seccomp-filter.ts";

/** Enough for a name that the machine itself answers; no other is to be found. */
const HOSTS_FILE = "127.0.0.1 localhost\n::1 localhost\n";

/** What the linker and OpenSSL read. */
const COPIED = ["/etc/ld.so.cache", "/etc/ssl/openssl.cnf"];

/** What one machine lets bubblewrap do and has to show; found once, the same for every call. */
export type BubblewrapHost = {
  /** Path of the program. */
  readonly bwrap: string;
  /** The Node binary to show. */
  readonly node: string;
  /** Whether this process is root, so that the uid must be dropped inside. */
  readonly root: boolean;
  readonly disableUserNamespaces: boolean;
  /** bwrap options that show the operating system's programs and libraries. */
  readonly systemOptions: readonly string[];
  readonly pythonPath: string | undefined;
  /** The system call filter: the path of a file. */
  readonly seccomp: string;
  /** Files to copy into the sandbox, each time anew; a mount is dearer. */
  readonly files: readonly { readonly source: string; readonly path: string }[];
  /** This process's hard limits; a command's cannot be higher. */
  readonly hardLimits: {
    readonly processes: number;
    readonly openFiles: number;
    readonly fileMib: number;
    readonly cpuSeconds: number;
  };
};

/**
 * Looks at the machine. `help` is what `bwrap --help` prints.
 *
 * @throws `sandbox/none` where the filter or the program cannot do what the sandbox promises.
 */
export function bubblewrapHost(bwrap: string, node: string, help: string): BubblewrapHost {
  const architecture = process.arch;
  if (process.platform !== "linux" || (architecture !== "x64" && architecture !== "arm64")) {
    throw missingError(
      "sandbox/none",
      `There is no sandbox for ${process.platform} on ${architecture}: the system call filter knows Linux on x64 and arm64.`,
    );
  }
  if (!help.includes("--size") || !help.includes("--userns-block-fd")) {
    throw missingError(
      "sandbox/none",
      `${bwrap} is too old: the sandbox needs bubblewrap 0.8 or newer. Install a newer one.`,
    );
  }
  return {
    bwrap,
    node: realpathSync(node),
    root: process.getuid?.() === 0,
    disableUserNamespaces: help.includes("--disable-userns"),
    systemOptions: systemOptions(),
    pythonPath: pythonPath(),
    seccomp: reopenableFile(seccompFilter(architecture)),
    files: [
      { source: reopenableFile(HOSTS_FILE), path: "/etc/hosts" },
      ...COPIED.filter(isReadable).map((path) => ({ source: path, path })),
    ],
    hardLimits: hardLimits(readIfThere("/proc/self/limits") ?? ""),
  };
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Programs and libraries, and of /etc only what alternatives and the clock read: no accounts, no keys, no
 * configuration of the machine's services.
 */
function systemOptions(): string[] {
  const options = ["--ro-bind", "/usr", "/usr"];
  for (const folder of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) options.push("--symlink", readlinkSync(folder), folder);
    else if (found?.isDirectory() === true) options.push("--ro-bind", folder, folder);
  }
  // A mount each is dear, so what leads into /usr is shown as the link that it is.
  for (const path of ["/etc/alternatives", "/etc/localtime"]) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    const link = found?.isSymbolicLink() === true ? readlinkSync(path) : "";
    if (link.startsWith("/usr/")) options.push("--symlink", link, path);
    else if (found !== undefined) options.push("--ro-bind", path, path);
  }
  return options;
}

/** /usr/bin/python3, if all of it lies in /usr, which is what the sandbox shows. */
function pythonPath(): string | undefined {
  const path = "/usr/bin/python3";
  return existsSync(path) && realpathSync(path).startsWith("/usr/") ? path : undefined;
}

/** Parses /proc/self/limits: name, soft limit, hard limit, in columns. */
function hardLimits(text: string): BubblewrapHost["hardLimits"] {
  const hard = (name: string): number => {
    const value = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, "m").exec(text)?.[1];
    return value === undefined ? Number.POSITIVE_INFINITY : Number(value);
  };
  return {
    processes: hard("Max processes"),
    openFiles: hard("Max open files"),
    fileMib: Math.max(1, Math.floor(hard("Max file size") / (1024 * 1024))),
    cpuSeconds: hard("Max cpu time"),
  };
}

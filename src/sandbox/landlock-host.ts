import { existsSync, readdirSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { missingError } from "../base/errors.ts";
import type { LandlockRule } from "./landlock-plan.ts";
import { seccompFilter } from "./seccomp-filter.ts";

/** What one machine has for the Landlock rung; found once, the same for every call. */
export type LandlockHost = {
  /** The interpreter of the launcher, and the one to show. */
  readonly python: string;
  readonly launcher: string;
  /** The Node binary to show. */
  readonly node: string;
  /** Whether this process is root, so that commands become another user. */
  readonly root: boolean;
  /** The operating system's programs, libraries and what they read. */
  readonly systemRules: readonly LandlockRule[];
  readonly filter: Buffer;
};

const PROGRAMS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** Of /etc what the linker, alternatives, TLS and the clock read; of /proc and /sys the machine's size and load. */
const SETTINGS = [
  ...["ld.so.cache", "alternatives", "ssl/certs", "ssl/openssl.cnf", "localtime"].map((name) => `/etc/${name}`),
  ...["cpuinfo", "meminfo", "stat"].map((name) => `/proc/${name}`),
  "/sys/devices/system/cpu",
  ...["zero", "random", "urandom"].map((name) => `/dev/${name}`),
];

/**
 * Looks at the machine.
 *
 * @throws `sandbox/none` for what the launcher cannot do without. Of the kernel it asks itself, at each start.
 */
export function landlockHost(node: string): LandlockHost {
  const architecture = process.arch;
  if (process.platform !== "linux" || (architecture !== "x64" && architecture !== "arm64")) {
    throw missingError(
      "sandbox/none",
      `Landlock is there on Linux only, and its filter knows x64 and arm64, not ${architecture}.`,
    );
  }
  const python = "/usr/bin/python3";
  if (!existsSync(python) || !realpathSync(python).startsWith("/usr/")) {
    throw missingError(
      "sandbox/none",
      `The Landlock sandbox is started by ${python}, which is not there: apt-get install python3.`,
    );
  }
  const root = process.getuid?.() === 0;
  return {
    python,
    launcher: fileURLToPath(new URL("landlock-launcher.py", import.meta.url)),
    node: realpathSync(node),
    root,
    systemRules: systemRules(),
    filter: seccompFilter(architecture, "shared-namespaces"),
  };
}

function systemRules(): LandlockRule[] {
  const python = readdirSync("/etc")
    .filter((name) => /^python3(\.\d+)?$/.test(name))
    .map((name) => `/etc/${name}`);
  return [
    ...PROGRAMS.map((path) => ({ kind: "run", path }) as const),
    ...[...SETTINGS, ...python].map((path) => ({ kind: "read", path }) as const),
    { kind: "device", path: "/dev/null" } as const,
  ].filter(({ path }) => existsSync(path));
}

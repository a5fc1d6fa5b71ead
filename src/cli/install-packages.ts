import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";
import type { Output } from "./output.ts";

export type Installation =
  | { readonly kind: "installed" | "declined" }
  | { readonly kind: "cannot"; readonly command: string }
  | { readonly kind: "failed"; readonly why: string };

/**
 * Installs Debian packages: announced, asked on a terminal unless `yes`, and only as root. Who
 * can't is told the exact command.
 */
export async function installPackages(
  packages: readonly string[],
  { yes }: { yes: boolean },
  output: Output,
): Promise<Installation> {
  const command = `apt-get install -y ${packages.join(" ")}`;
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return {
      kind: "cannot",
      command: process.platform === "darwin" ? `brew install ${packages.join(" ")}` : `sudo ${command}`,
    };
  output.note(`installing Debian packages: ${packages.join(", ")} (${command})`);
  if (!yes && process.stdin.isTTY && !(await confirm("Install them now? [Y/n] "))) return { kind: "declined" };
  // A fresh machine has no package lists yet; an old list is better than none.
  await apt(["update", "-qq"]);
  const why = await apt(["install", "-y", "-qq", "--no-install-recommends", ...packages]);
  return why === undefined ? { kind: "installed" } : { kind: "failed", why };
}

async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return !/^n/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

/** Undefined when it went well, else the last words. What apt says goes to standard error only when it fails. */
function apt(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn("apt-get", args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], DEBIAN_FRONTEND: "noninteractive" },
    });
    let words = "";
    const listen = (chunk: Buffer): void => {
      words = `${words}${chunk.toString("utf8")}`.slice(-2000);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? undefined : words.trim()));
  });
}

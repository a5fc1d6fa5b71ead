import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AtosError, missingError } from "../base/errors.ts";
import type { Sandbox, SandboxRequest } from "./sandbox.ts";

/** A machine that is out of processes for a moment must not be taken for one without this sandbox. */
const ATTEMPTS = 3;
const PAUSE_MS = 1000;

/**
 * Has a sandbox write a file in a workspace of its own: what every command must be able to do.
 *
 * @param failed what to say of the sandbox if it cannot; `advice` is asked for what to do then.
 * @throws `sandbox/none` in those words.
 */
export async function tryOnce(sandbox: Sandbox, failed: string, advice: () => string = () => ""): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "atos-sandbox-"));
  try {
    const request: SandboxRequest = { command: ["touch", "probe"], root, limits: { wallMs: 10_000 } };
    for (let attempt = 1; ; attempt++) {
      const report = await sandbox.run(request, new AbortController().signal).catch((error: unknown) => {
        if (attempt === ATTEMPTS || !(error instanceof AtosError) || error.code !== "sandbox/start") throw error;
        return undefined;
      });
      if (report?.exitCode === 0) return;
      if (attempt === ATTEMPTS)
        throw new AtosError("sandbox/start", `a first command failed: ${report?.stderr.trim() ?? ""}`);
      await setTimeout(PAUSE_MS);
    }
  } catch (error) {
    if (!(error instanceof AtosError) || error.code !== "sandbox/start") throw error;
    throw missingError("sandbox/none", [`${failed}: ${error.message}`, advice()].filter(Boolean).join(" "), error);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtosError, missingError } from "../base/errors.ts";
import type { Sandbox, SandboxRequest } from "./sandbox.ts";

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
    const report = await sandbox.run(request, new AbortController().signal);
    if (report.exitCode !== 0) throw new AtosError("sandbox/start", `a first command failed: ${report.stderr.trim()}`);
  } catch (error) {
    if (!(error instanceof AtosError) || error.code !== "sandbox/start") throw error;
    throw missingError("sandbox/none", [`${failed}: ${error.message}`, advice()].filter(Boolean).join(" "), error);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

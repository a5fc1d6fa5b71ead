import { startWorker, type WorkerOptions } from "../app.ts";
import { AtosError, EXIT, messageOf } from "../base/errors.ts";
import { type CommandContext, commandContext, settingsOf } from "./context.ts";
import { externalPlaces } from "./external-places.ts";
import type { Settings } from "./settings.ts";
import { removeWorkerFile, writeWorkerFile } from "./worker-file.ts";
import { VERSION } from "./version.ts";
import type { WorkerMessage } from "./worker-message.ts";

const SHUTDOWN_MS = 10_000;

/**
 * Runs the worker until it is idle, is told to end, or loses its database. Started by the other
 * commands when none runs; by hand for scale-out.
 */
export async function runWorker(flags: { readonly budget?: string }): Promise<number> {
  const context = commandContext();
  const { folder, env, databaseUrl } = context;
  try {
    const settings = await settingsOf(context, { budget: flags.budget });
    const { workerIdleSeconds, maxWaitSeconds, budget, sandbox } = settings;
    const worker = await startWorker({
      folder,
      env,
      databaseUrl,
      idleMs: workerIdleSeconds * 1000,
      budgetBytes: budget?.bytes,
      maxWaitMs: maxWaitSeconds * 1000,
      sandbox,
      tools: toolOptions(context, settings),
    });
    if (worker === undefined) {
      console.error(`${new Date().toISOString()} another worker of ${folder.root} is running; this one ends`);
      await tell({ kind: "other-runs" });
      return EXIT.done;
    }
    const asked = new Promise<"asked">((resolve) => {
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve("asked"));
    });
    await writeWorkerFile(folder.workerFile, {
      pid: process.pid,
      databaseUrl: worker.databaseUrl,
      givenDatabase: databaseUrl !== undefined,
      workerId: worker.workerId,
      version: VERSION,
      ...(budget === undefined ? {} : { budgetBytes: budget.bytes }),
    });
    console.error(`${new Date().toISOString()} worker ${process.pid} is up`);
    await tell({ kind: "ready" });
    const why = await Promise.race([worker.ended, asked]);
    console.error(`${new Date().toISOString()} worker ${process.pid} ends: ${why}`);
    await removeWorkerFile(folder.workerFile);
    // Crash-only: whatever does not end in order within its time is recovered by the next worker.
    setTimeout(() => process.exit(EXIT.failed), SHUTDOWN_MS).unref();
    // Without a database or a disk an orderly end would wait for writes that can't be made.
    const crashed = why === "database-gone" || why === "disk-full";
    if (!crashed) await worker[Symbol.asyncDispose]();
    process.exit(crashed ? EXIT.failed : EXIT.done);
  } catch (error) {
    // What was raised on purpose says all in its message.
    const text = error instanceof AtosError || !(error instanceof Error) ? messageOf(error) : error.stack;
    console.error(`${new Date().toISOString()} worker ${process.pid} failed: ${text}`);
    const known = error instanceof AtosError && error.exitCode !== EXIT.done && error.exitCode !== EXIT.interrupted;
    await tell({
      kind: "failed",
      code: known ? error.code : "internal",
      message: messageOf(error),
      exitCode: known ? error.exitCode : EXIT.failed,
    });
    process.exit(known ? error.exitCode : EXIT.failed);
  }
}

function toolOptions(context: CommandContext, settings: Settings): WorkerOptions["tools"] {
  return {
    configDirectory: context.configDirectory,
    registries: { npm: settings.npmRegistry, pip: settings.pipIndex },
    approvals: {
      expiresMs: settings.approvalExpiresMinutes * 60_000,
      webhook: settings.approvalWebhook,
      secretFile: settings.approvalSecretFile,
    },
    external: externalPlaces(context),
  };
}

/** A client may have gone meanwhile; then nobody needs to know. */
async function tell(message: WorkerMessage): Promise<void> {
  if (process.send === undefined || !process.connected) return;
  await new Promise<void>((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
  if (process.connected) process.disconnect();
}

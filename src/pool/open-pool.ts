import { loadEmbeddedModel } from "../engine/embedded/embedded-model.ts";
import { threadCount } from "../engine/embedded/thread-count.ts";
import { type Environment, readApiKey } from "../engine/server/server-key.ts";
import { openServerModel } from "../engine/server/server-model.ts";
import { type DeviceIo, machineIo } from "./devices/device-io.ts";
import { GIB } from "./devices/device-reading.ts";
import { engineCanUse } from "./devices/engine-gpu.ts";
import { MachineClaims } from "./ledger/machine-claims.ts";
import { ModelPool } from "./model-pool.ts";
import { planPolicy } from "./plan/plan-policy.ts";
import type { PoolPolicy } from "./plan/pool-state.ts";
import { PoolMachine } from "./pool-machine.ts";
import { steadyClock } from "./steady-clock.ts";
import { SwapCaches } from "./swap-caches.ts";

export type OpenPoolOptions = {
  /** Where what was learned of models is kept, across workers. */
  readonly factsFile: string;
  /** For prompt caches of models that left memory; emptied at the start and at the end. */
  readonly cachesFolder: string;
  /** Most for models of the GPUs' memory, or of the system's where there is no GPU. */
  readonly budgetBytes: number | undefined;
  readonly maxWaitMs: number;
  /** Keys of servers are looked up there. */
  readonly env: Environment;
  readonly onChange?: (() => void) | undefined;
  /** Default: plans over all work. */
  readonly policy?: PoolPolicy | undefined;
  readonly io?: DeviceIo | undefined;
};

/** No batch of a prompt takes so long; a process that is silent for it hangs. */
const STALL_MS = 10 * 60_000;
const MAX_CACHE_BYTES = 4 * GIB;

/** Opens the pool of this machine, with the engines of ATOS. */
export async function openPool(options: OpenPoolOptions, signal: AbortSignal): Promise<ModelPool> {
  const { factsFile, cachesFolder, budgetBytes, maxWaitMs, env, onChange, policy = planPolicy() } = options;
  await using stack = new AsyncDisposableStack();
  const caches = new SwapCaches(cachesFolder, MAX_CACHE_BYTES);
  await caches.clear();
  const claims = new MachineClaims({ env });
  const settings = { budgetBytes };
  const machine = stack.use(
    await PoolMachine.open({ io: options.io ?? machineIo, settings, factsFile, claims, engineCanUse }, signal),
  );
  const pool = new ModelPool({
    machine,
    policy,
    caches,
    maxWaitMs,
    onChange,
    nowMs: steadyClock(),
    openGguf: async (source, limits) => {
      const threads = await threadCount(source.path);
      return loadEmbeddedModel(source, { ...limits, threads, stallMs: STALL_MS });
    },
    openServer: async (source, aborted) => openServerModel(source, { apiKey: await readApiKey(source, env) }, aborted),
  });
  stack.move();
  return pool;
}

import type { Model, ModelSource } from "../engine/model.ts";
import type { Job, Report } from "./pool-works.ts";

/** The right to use a loaded model for one turn. */
export type Lease = AsyncDisposable & { readonly model: Model };

export type LeaseRequest = {
  readonly source: ModelSource;
  readonly job: Job;
  /** Told what is decided and done for this turn, as it happens. */
  readonly report: Report;
};

/** Waits for `promise`, or throws the signal's reason as soon as it aborts; then nobody minds how the promise ends. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

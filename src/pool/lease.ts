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

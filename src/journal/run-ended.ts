/** The run of a build that records: later runs, and whoever stops the build, take the claim from it. */
export type Claim = {
  readonly buildId: string;
  readonly run: number;
  /** Nothing of the build was recorded before this run, so that it need not look for its steps. */
  readonly isFirst?: boolean;
};

/**
 * This run of the build is over, by a newer one or because the build was stopped, and nothing more is recorded of it.
 * No failure of anything: whoever ended it has recorded why.
 */
export class RunEndedError extends Error {
  /** The step that was to be begun, where it was one. */
  readonly step: string | undefined;

  constructor(buildId: string, options: ErrorOptions & { readonly step?: string } = {}) {
    super(`this run of build ${buildId} has ended, and records nothing more`, options);
    this.name = "RunEndedError";
    this.step = options.step;
  }
}

/** The run under which something of the build is recorded. Undefined: it is not checked. */
export function runOf(claim: Claim | undefined, buildId: string): number | undefined {
  if (claim !== undefined && claim.buildId !== buildId)
    throw new Error(`a run of build ${claim.buildId} can't record anything of build ${buildId}`);
  return claim?.run;
}

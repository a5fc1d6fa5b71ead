/** What the process exits with. The numbers are a contract: scripts and CI read them. */
export const EXIT = {
  done: 0,
  /** The work failed honestly: tests are red, or a policy said no. */
  failed: 1,
  /** Bad usage or configuration. */
  usage: 2,
  /** Something needed is missing: a sandbox, a database, a model, or a model able to do it. */
  missing: 3,
  /** Interrupted; `atos resume` goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type AtosErrorOptions = {
  readonly cause?: unknown;
  /** What a command that meets this error exits with. Default: 1. */
  readonly exitCode?: ExitCode;
  readonly details?: ErrorDetails;
};

/** What programs may act on besides the code. Each code's raiser says which there are. */
export type ErrorDetails = { readonly [name: string]: string | number | boolean | undefined };

/**
 * Every failure ATOS raises on purpose.
 *
 * `code` is stable and reads `room/what`; `message` is for people: what happened, with the
 * values, and what to do about it.
 */
export class AtosError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  declare readonly details?: ErrorDetails;
  override readonly name: string = "AtosError";

  constructor(code: string, message: string, options: AtosErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode ?? EXIT.failed;
    if (options.details !== undefined) this.details = options.details;
  }
}

/** Bad usage or configuration: the caller can put it right by changing what they asked. */
export function usageError(code: string, message: string): AtosError {
  return new AtosError(code, message, { exitCode: EXIT.usage });
}

/** Something this machine needs is not there; the message says how to get it. */
export function missingError(code: string, message: string, cause?: unknown): AtosError {
  return new AtosError(code, message, { exitCode: EXIT.missing, cause });
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

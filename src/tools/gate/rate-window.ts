/** What one run of an agent may ask of its tools. */
export type RateLimits = {
  readonly callsPerMinute: number;
  /** Of one tool, where that is less. */
  readonly callsPerMinuteOf: Readonly<Record<string, number>>;
  readonly callsPerRun: number;
  /** Of one call's arguments as JSON. */
  readonly argumentChars: number;
  /** Of all that the run's tools have said so far. */
  readonly outputBytesPerRun: number;
};

export type PastCall = { readonly tool: string; readonly atMs: number };

/** What the run did so far; calls older than a minute need not be kept. */
export type RateHistory = {
  readonly calls: number;
  readonly recent: readonly PastCall[];
  readonly outputBytes: number;
};

export type RateDecision =
  | { readonly ok: true }
  /** `why` is for the model; `retryAfterMs` is absent where waiting doesn't help. */
  | { readonly ok: false; readonly why: string; readonly retryAfterMs?: number };

export const DEFAULT_RATE_LIMITS: RateLimits = {
  callsPerMinute: 120,
  callsPerMinuteOf: { install_package: 10, search_web: 20, download_file: 20, call_context7: 20, call_workflow: 20 },
  callsPerRun: 1000,
  argumentChars: 1_000_000,
  outputBytesPerRun: 50_000_000,
};

export const NO_CALLS: RateHistory = { calls: 0, recent: [], outputBytes: 0 };
const WINDOW_MS = 60_000;

/** Whether one more call is within the limits. Pure: `atMs` is now. */
export function withinLimits(
  limits: RateLimits,
  history: RateHistory,
  call: PastCall & { readonly argumentChars: number },
): RateDecision {
  const { tool, atMs, argumentChars } = call;
  if (argumentChars > limits.argumentChars)
    return {
      ok: false,
      why: `the arguments of ${tool} are ${argumentChars} characters and may be ${limits.argumentChars}`,
    };
  if (history.calls >= limits.callsPerRun)
    return {
      ok: false,
      why: `all ${limits.callsPerRun} tool calls of this task are used up; answer with what there is`,
    };
  if (history.outputBytes >= limits.outputBytesPerRun)
    return { ok: false, why: `tools have said all ${limits.outputBytesPerRun} bytes that they may in this task` };
  const recent = history.recent.filter((past) => past.atMs > atMs - WINDOW_MS);
  const ofTool = Object.hasOwn(limits.callsPerMinuteOf, tool) ? limits.callsPerMinuteOf[tool] : undefined;
  return (
    windowDecision(recent, { limit: limits.callsPerMinute, what: "tool calls", atMs }) ??
    windowDecision(
      recent.filter((past) => past.tool === tool),
      { limit: ofTool ?? limits.callsPerMinute, what: `calls of ${tool}`, atMs },
    ) ?? { ok: true }
  );
}

/** The history with one more call in it. Pure. */
export function withCall(history: RateHistory, call: PastCall): RateHistory {
  const recent = history.recent.filter((past) => past.atMs > call.atMs - WINDOW_MS);
  return { ...history, calls: history.calls + 1, recent: [...recent, { tool: call.tool, atMs: call.atMs }] };
}

function windowDecision(
  recent: readonly PastCall[],
  { limit, what, atMs }: { readonly limit: number; readonly what: string; readonly atMs: number },
): RateDecision | undefined {
  const freed = recent[recent.length - limit];
  if (recent.length < limit) return undefined;
  const retryAfterMs = Math.max(1, (freed?.atMs ?? atMs) + WINDOW_MS - atMs);
  return {
    ok: false,
    why: `more than ${limit} ${what} in a minute; go on in ${Math.ceil(retryAfterMs / 1000)} s`,
    retryAfterMs,
  };
}

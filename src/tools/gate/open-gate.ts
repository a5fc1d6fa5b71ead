import { messageOf } from "../../base/errors.ts";
import { callText, showUnseen } from "./call-text.ts";
import type { Gate } from "./call-tool.ts";
import type { GateTool } from "./gate-tool.ts";
import { cutMiddle, observe } from "./observe.ts";
import { DEFAULT_RATE_LIMITS, NO_CALLS, withCall, withinLimits } from "./rate-window.ts";
import { redactorOf } from "./redact.ts";

/** What a gate is made of, for one run of an agent. */
export type GateParts = {
  readonly run: Pick<Gate, "journal" | "buildId" | "task" | "folder">;
  /** Every tool there is. */
  readonly tools: readonly GateTool[];
  /** Those that this agent may call. Default: all. */
  readonly allowed?: readonly string[];
  readonly decide: Gate["decide"];
  readonly ask: Gate["ask"];
  /** Values that must never get into a prompt or the audit trail. */
  readonly secrets: readonly string[];
  /** What a model is shown of one result. Default: {@link OBSERVATION_CHARS}. */
  readonly observationChars?: number;
  /** Milliseconds from any moment on, never backwards. Default: the process's clock. */
  readonly nowMs?: () => number;
};

/** About 2,000 tokens. */
const OBSERVATION_CHARS = 8000;
/** Of a call in the audit trail. */
const SHOWN_CHARS = 2000;
/** Of an error there. */
const SAID_CHARS = 1000;

/** Opens the gate of one run; it counts the run's calls. */
export function openGate(parts: GateParts): Gate {
  const { tools, secrets, nowMs = () => performance.now(), observationChars = OBSERVATION_CHARS } = parts;
  const byName = new Map(tools.map((tool) => [tool.definition.name, tool]));
  if (byName.size < tools.length) throw new Error("two tools have one name");
  const redactor = redactorOf(secrets);
  let history = NO_CALLS;
  return {
    ...parts.run,
    tools: byName,
    allowed: new Set(parts.allowed ?? byName.keys()),
    decide: parts.decide,
    ask: parts.ask,
    nowMs,
    overLimit: ({ tool, argumentChars }) => {
      const call = { tool, atMs: nowMs() };
      const decision = withinLimits(DEFAULT_RATE_LIMITS, history, { ...call, argumentChars });
      history = withCall(history, call);
      return decision.ok ? undefined : `Not now: ${decision.why}.`;
    },
    observe: (raw) => {
      history = { ...history, outputBytes: history.outputBytes + Buffer.byteLength(raw.text) };
      return observe(raw, { limitChars: observationChars, redactor });
    },
    say: (error) => cutMiddle(redactor(showUnseen(messageOf(error))).text, SAID_CHARS).text,
    show: (name, value) => callText(name, value, { limitChars: SHOWN_CHARS, redactor }),
  };
}

import { z } from "zod";
import type { RecordedEvent } from "../journal/build-events.ts";
import type { Effect } from "../store/effects.ts";

const turnRecord = z.object({
  text: z.string(),
  reasoning: z.string().optional(),
  finish: z.string(),
  usage: z.object({ promptTokens: z.number(), cachedTokens: z.number(), outputTokens: z.number() }),
  sent: z
    .object({
      extends: z.number(),
      text: z.string(),
      tokens: z.number(),
      exact: z.boolean(),
      parts: z.array(z.object({ part: z.string(), tokens: z.number() })),
    })
    .optional(),
  compacted: z
    .object({
      tokensBefore: z.number(),
      shortened: z.array(z.object({ part: z.string(), from: z.number(), to: z.number() })),
    })
    .optional(),
});

/** One recorded turn of a task, with the whole prompt as the model got it. */
export type TracedTurn = {
  readonly step: string;
  readonly role: string;
  readonly model: string;
  readonly attempts: number;
  readonly durationMs: number;
  /** Absent for a turn whose prompt never fitted. */
  readonly prompt?: {
    readonly text: string;
    /** Characters it has in common with the prompt of the turn before in the same conversation. */
    readonly extends: number;
    /** Whether that is all of that prompt: then the model's cache of it stays good. */
    readonly extendsWhole: boolean;
    readonly tokens: number;
    readonly exact: boolean;
    readonly parts: readonly { readonly part: string; readonly tokens: number }[];
  };
  readonly usage: z.infer<typeof turnRecord>["usage"];
  readonly reply: string;
  readonly reasoning?: string;
  readonly finish: string;
  /** Why the reply could not be used. */
  readonly rejected?: string;
  readonly compacted?: z.infer<typeof turnRecord>["compacted"];
};

/** The turns of one task, in order, put together from the effect ledger and the audit trail. Pure. */
export function traceTask(
  { events, effects }: { readonly events: readonly RecordedEvent[]; readonly effects: readonly Effect[] },
  task: string,
): readonly TracedTurn[] {
  const prompts = new Map<string, string>();
  return effects
    .filter((effect) => effect.kind === "turn" && effect.task === task && effect.state === "done")
    .map((effect): TracedTurn => {
      const record = turnRecord.parse(effect.result);
      const { finished, rejected } = eventsOf(effect.name, events);
      const conversation = effect.name.replace(/\/turn-\d+$/, "");
      const before = prompts.get(conversation) ?? "";
      const { text: reply, reasoning, finish, usage, compacted, sent } = record;
      if (sent !== undefined) prompts.set(conversation, before.slice(0, sent.extends) + sent.text);
      return {
        step: effect.name,
        role: finished?.role ?? "",
        model: finished?.model ?? "",
        attempts: effect.attempts,
        durationMs: finished?.durationMs ?? 0,
        ...(sent === undefined
          ? {}
          : {
              prompt: {
                ...sent,
                text: before.slice(0, sent.extends) + sent.text,
                extendsWhole: sent.extends === before.length,
              },
            }),
        usage,
        reply,
        finish,
        ...(reasoning === undefined ? {} : { reasoning }),
        ...(rejected === undefined ? {} : { rejected }),
        ...(compacted === undefined ? {} : { compacted }),
      };
    });
}

/** A turn's end is recorded together with what was wrong with its reply: the event right behind it. */
function eventsOf(step: string, events: readonly RecordedEvent[]) {
  const index = events.findIndex(({ event }) => event.type === "turn-finished" && event.step === step);
  const finished = events[index]?.event;
  const next = events[index + 1]?.event;
  return {
    finished: finished?.type === "turn-finished" ? finished : undefined,
    rejected: index >= 0 && next?.type === "reply-rejected" ? next.why : undefined,
  };
}

import type { ModelPart } from "../model.ts";

/** A person sees no difference, and a message to the parent for every token costs a quick model a quarter of its speed. */
const HOLD_MS = 10;

/**
 * The same reply in fewer parts: text that follows the last part within a hundredth of a second is joined to
 * the next. A model that is slower than that streams token by token as before.
 */
export async function* joinText(
  parts: AsyncIterable<ModelPart>,
  nowMs: () => number = () => performance.now(),
): AsyncGenerator<ModelPart> {
  let held = "";
  let sentAt = Number.NEGATIVE_INFINITY;
  try {
    for await (const part of parts) {
      if (part.kind === "text") held += part.text;
      if (part.kind === "text" && nowMs() - sentAt < HOLD_MS) continue;
      if (held !== "") yield { kind: "text", text: held };
      held = "";
      if (part.kind !== "text") yield part;
      sentAt = nowMs();
    }
  } catch (error) {
    // What came before a failure was said all the same.
    if (held !== "") yield { kind: "text", text: held };
    throw error;
  }
  if (held !== "") yield { kind: "text", text: held };
}

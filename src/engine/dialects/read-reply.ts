import type { Reading } from "./reading.ts";
import { type Finish, resolveTurn } from "./resolve.ts";
import { scanReply } from "./scan.ts";
import { Source } from "./source.ts";
import type { ToolDefinition } from "./tool-definition.ts";

/**
 * Reads the raw text of one turn of a model: one call of an offered tool, an answer to be shown, or what to tell
 * the model. Quoted text, samples and the values of arguments are never run; where a call would have to be
 * guessed the turn is invalid. `test/corpus` shows by example what each form of writing comes to.
 *
 * Pure, never throws, in time linear in the text.
 */
export function readReply(
  text: string,
  offered: { readonly tools: readonly ToolDefinition[]; readonly finish: Finish },
): Reading {
  const source = new Source(text, offered.tools);
  return resolveTurn(source, scanReply(source), offered.finish);
}

import { measureSpeed, type Speed, speedPrompt } from "../agents/measure-speed.ts";
import { EXIT } from "../base/errors.ts";
import type { Model } from "../engine/model.ts";
import type { Output } from "./output.ts";
import { withModel } from "./with-model.ts";

/** Prompts from a question to a long file; those that the model's context can't hold are left out. */
const PROMPT_WORDS = [10, 100, 500, 2000];
const OUTPUT_TOKENS = 64;

/** `atos models bench MODEL`: how fast a model is here. */
export async function runModelsBenchCommand(text: string, output: Output): Promise<number> {
  return withModel(text, output, async ({ model, source }, signal) => {
    const sizes: number[] = [];
    for (const words of PROMPT_WORDS) if (await fits(model, words, signal)) sizes.push(words);
    const nowMs = (): number => performance.now();
    // What a fresh process does for the first time is no part of the figures.
    await measureSpeed({ model, nowMs }, { promptWords: 2, outputTokens: 2 }, signal);
    const speeds: Speed[] = [];
    output.say(`${source.id}\n  prompt   first token   prompt tokens/s   reply tokens/s`);
    for (const promptWords of sizes) {
      output.note(`a prompt of ${promptWords} words …`);
      const speed = await measureSpeed({ model, nowMs }, { promptWords, outputTokens: OUTPUT_TOKENS }, signal);
      speeds.push(speed);
      output.say(
        `${String(speed.promptTokens).padStart(8)}${`${speed.firstTokenMs} ms`.padStart(14)}${String(speed.promptTokensPerSecond).padStart(18)}${String(speed.outputTokensPerSecond).padStart(17)}`,
      );
    }
    output.emit({ model: source.id, contextTokens: model.contextTokens, speeds });
    return EXIT.done;
  });
}

/** By the model's own count: a word is three tokens for one tokenizer and nine for another. */
async function fits(model: Model, words: number, signal: AbortSignal): Promise<boolean> {
  const { tokens } = await model.render({ messages: speedPrompt(words, Number.MAX_SAFE_INTEGER) }, signal);
  return tokens + OUTPUT_TOKENS <= model.contextTokens;
}

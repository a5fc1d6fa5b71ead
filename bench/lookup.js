// What prompt lookup is worth: node bench/lookup.js [--rounds N]
//
// A model that can't think copies words of its prompt: all of them, with every other run of ten replaced, or none. With
// lookup on, several tokens are evaluated at once where they stood in the prompt before; what comes out is the same.
// A scripted model shows the best and the worst case and what a round costs; how much a true model copies it can't tell.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LlamaContextSequence } from "node-llama-cpp";
import { resolveSettings } from "../src/engine/embedded/gguf-settings.ts";
import { openLlamaSession } from "../src/engine/embedded/llama-session.ts";
import { inventWords, makeScriptedModel, MODELS } from "./embedded/make-model.js";

const WORDS = 200;
const RUN = 10;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });

const words = inventWords(3 * WORDS).map((word) => `<${word}>`);
const [old, other] = [words.slice(0, WORDS), words.slice(WORDS, 2 * WORDS)];
const SCRIPTS = {
  "all copied": old,
  "every other ten replaced": old.map((word, index) => (Math.floor(index / RUN) % 2 === 0 ? word : other[index])),
  "none copied": other,
};

// A guess is checked by one call of this; without guesses each token is a batch of its own.
let batches = 0;
// oxlint-disable-next-line typescript/unbound-method -- the proxy is called on a sequence, as the method was
LlamaContextSequence.prototype.controlledEvaluate = new Proxy(LlamaContextSequence.prototype.controlledEvaluate, {
  apply(method, sequence, args) {
    batches++;
    return Reflect.apply(method, sequence, args);
  },
});

// Each session listens for the end of the process.
process.setMaxListeners(0);
const directory = mkdtempSync(join(tmpdir(), "atos-bench-"));
try {
  const columns = ["off tok/s", "on tok/s", "on/off", "tokens", "batches on"];
  console.log("best of the rounds".padEnd(44) + columns.map((column) => column.padStart(12)).join(""));
  for (const [name, shape] of Object.entries(MODELS)) {
    for (const [what, script] of Object.entries(SCRIPTS)) {
      // Each in a file of its own: the one before is still mapped.
      const path = join(directory, `${name}, ${what}.gguf`);
      makeScriptedModel(path, shape, { words, script });
      await compare(`${name}, ${what}`, path, script);
    }
  }
} finally {
  rmSync(directory, { recursive: true });
}
process.exit(0);

async function compare(name, path, script) {
  const settings = (promptLookup) => resolveSettings({ contextTokens: 1024, deterministic: false, promptLookup });
  const off = await openLlamaSession({ path, threads: 1, settings: settings(false) });
  const on = await openLlamaSession({ path, threads: 1, settings: settings(true) });
  const speeds = { off: [], on: [] };
  let used = 0;
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const [side, session] of Object.entries({ off, on })) {
      batches = 0;
      const speed = await reply(session, script);
      if (side === "on") used = batches;
      if (round >= 0) speeds[side].push(speed);
    }
  }
  const [before, after] = [Math.max(...speeds.off), Math.max(...speeds.on)];
  const cells = [before.toFixed(1), after.toFixed(1), (after / before).toFixed(2), script.length, used];
  console.log(name.padEnd(44) + cells.map((cell) => String(cell).padStart(12)).join(""));
}

/** Tokens per second from the first to the last; the prompt was evaluated before, but for its end. */
async function reply(session, script) {
  const request = { messages: [{ role: "user", content: old.join("") }], maxTokens: 500, temperature: 0, seed: 1 };
  let text = "";
  let first;
  for await (const part of session.generate(request, new AbortController().signal)) {
    first ??= performance.now();
    if (part.kind === "text") text += part.text;
  }
  if (text !== script.join("")) throw new Error(`a reply that is not the script: ${text}`);
  return (script.length - 1) / ((performance.now() - first) / 1000);
}

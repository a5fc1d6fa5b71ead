// The embedded engine beside node-llama-cpp called directly: node bench/embedded/run.js [--rounds N]
//
// Both load the same generated model with one thread and give the same replies to the same prompts, in turns. ATOS
// computes in a process of its own, sends each token's text over a channel and looks for stop strings; the other one
// does nothing but compute. Times are those of a whole reply, prompt included; CPU is that of all processes of a side.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadEmbeddedModel } from "../../src/engine/embedded/embedded-model.ts";
import { makeModel, MODELS } from "./make-model.js";

const CONTEXT_TOKENS = 2048;
const BUILT_IN_CONTEXT = 1024;
const SAMPLING = { temperature: 0.7, topK: 40, topP: 0.95, minP: 0, seed: 7 };
const BUILT_IN = fileURLToPath(new URL("../../models/nano/atos-nano-q8_0.gguf", import.meta.url));
const LONG_PROMPT = "Tell what you see. ".repeat(40);
/** How many tokens of a reply are timed. */
const REPLY_TOKENS = { "tiny (1 MB)": 1500, "150 MB": 60, "built-in model": 200 };
const CASES = {
  "reply, tokens/s": {
    prompt: "code\nslug.ts\nslugify(text): lower case, words joined by -",
    tokens: (name) => REPLY_TOKENS[name],
  },
  "prompt, tokens/s": { prompt: LONG_PROMPT, tokens: () => 1 },
};
const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" }, only: { type: "string" } } });

const directory = mkdtempSync(join(tmpdir(), "atos-bench-"));
try {
  const columns = ["direct best", "ATOS best", "ratio", "direct median", "ATOS median", "ratio", "CPU ratio"];
  console.log(" ".repeat(42) + columns.map((column) => column.padStart(15)).join(""));
  for (const [name, shape] of Object.entries(MODELS)) {
    if (values.only !== undefined && !name.startsWith(values.only)) continue;
    const path = join(directory, "model.gguf");
    makeModel(path, shape);
    await compare(name, path, CONTEXT_TOKENS);
  }
  if (values.only === undefined || values.only === "built-in")
    await compare("built-in model", BUILT_IN, BUILT_IN_CONTEXT);
} finally {
  rmSync(directory, { recursive: true });
}

async function compare(name, path, contextTokens) {
  const { signal } = new AbortController();
  const source = { kind: "gguf", id: name, path, contextTokens };
  await using atos = await loadEmbeddedModel(source, { threads: 1, signal });
  const direct = fork(fileURLToPath(new URL("direct.js", import.meta.url)), [path, String(contextTokens)]);
  await once(direct, "message");
  const sides = { direct: (asked) => askDirect(direct, atos, asked), atos: (asked) => askAtos(atos, asked) };
  for (const [what, { prompt, tokens }] of Object.entries(CASES)) {
    const asked = { messages: [{ role: "user", content: prompt }], maxTokens: tokens(name) };
    const results = { direct: [], atos: [] };
    for (let round = -1; round < Number(values.rounds); round++) {
      const done = {};
      for (const side of round % 2 === 0 ? ["atos", "direct"] : ["direct", "atos"])
        done[side] = await sides[side](asked);
      const { direct: one, atos: other } = done;
      if (one.text !== other.text) throw new Error(`different replies:\n${one.text}\n${other.text}`);
      // The first round touches the weights for the first time.
      for (const side of round < 0 ? [] : ["direct", "atos"]) results[side].push(done[side]);
    }
    const { tokens: written, promptTokens } = results.direct[0];
    print(
      `${name}: ${what} (${what.startsWith("reply") ? written : promptTokens})`,
      results,
      what.startsWith("reply") ? written : promptTokens,
    );
  }
  direct.disconnect();
}

async function askDirect(direct, atos, { messages, maxTokens }) {
  const { text } = await atos.render({ messages });
  direct.send({ text, maxTokens, sampling: SAMPLING });
  return (await once(direct, "message"))[0];
}

async function askAtos(atos, asked) {
  const { signal } = new AbortController();
  const before = process.cpuUsage();
  const childBefore = cpuMsOf(atos.pid);
  const started = performance.now();
  let text = "";
  for await (const part of atos.generate({ ...asked, ...SAMPLING }, signal))
    if (part.kind === "text") text += part.text;
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 + cpuMsOf(atos.pid) - childBefore, text };
}

/** Of all threads of a process; Linux only. */
function cpuMsOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const of = (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  return threads.reduce((sum, thread) => sum + of(thread), 0) / 1e6;
}

function print(name, { direct, atos }, tokens) {
  const best = (side) => tokens / (Math.min(...side.map(({ wallMs }) => wallMs)) / 1000);
  const middle = (side) => tokens / (median(side.map(({ wallMs }) => wallMs)) / 1000);
  const cpu = (side) => Math.min(...side.map(({ cpuMs }) => cpuMs));
  const cells = [
    best(direct).toFixed(1),
    best(atos).toFixed(1),
    (best(atos) / best(direct)).toFixed(3),
    middle(direct).toFixed(1),
    middle(atos).toFixed(1),
    (middle(atos) / middle(direct)).toFixed(3),
    (cpu(atos) / cpu(direct)).toFixed(3),
  ];
  console.log(name.padEnd(42) + cells.map((cell) => cell.padStart(15)).join(""));
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

// node-llama-cpp by itself, with the settings ATOS uses: one process, tokens in, tokens out, the text made once at
// the end. Started by run.js.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [path, contextTokens] = process.argv.slice(2);
const llama = await getLlama({
  gpu: "auto",
  build: "never",
  skipDownload: true,
  maxThreads: 1,
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({
  contextSize: Number(contextTokens),
  sequences: 1,
  batchSize: 512,
  threads: 1,
});
const sequence = context.getSequence();

process.on("message", (asked) => void reply(asked).then((done) => process.send(done)));
process.on("disconnect", () => process.exit());
process.send("ready");

async function reply({ text, maxTokens, sampling }) {
  const before = process.cpuUsage();
  const started = performance.now();
  const prompt = model.tokenize(text, true);
  await sequence.clearHistory();
  const tokens = [];
  for await (const token of sequence.evaluate(prompt, { ...sampling, yieldEogToken: true })) {
    if (model.isEogToken(token)) break;
    if (tokens.push(token) === maxTokens) break;
  }
  const written = model.detokenize(tokens, false, prompt.slice(-4));
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000, text: written, promptTokens: prompt.length, tokens: tokens.length };
}

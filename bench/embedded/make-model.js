import { writeGguf } from "../../test/fixtures/gguf-writer.ts";

const CHATML =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const BYTES = 256;
const FIRST_WORD = BYTES + SPECIAL.length;
const END_OF_TURN = BYTES + 2;
/** Types of tokens: these are no text, and those are found whole in any text. */
const CONTROL = 3;
const USER_DEFINED = 4;

/** One of a few kilobytes of weights, where all that is not computation shows, and one that computes for a while. */
export const MODELS = {
  "tiny (1 MB)": { layers: 2, width: 64, hidden: 128, heads: 4, keyValueHeads: 2, words: 2000 },
  "150 MB": { layers: 10, width: 768, hidden: 2048, heads: 12, keyValueHeads: 4, words: 7933 },
};

/**
 * Writes a model with random weights and real attention, which answers in invented words and never ends by itself.
 * A prompt has one token for each byte. The same shape writes the same bytes.
 */
export function makeModel(path, shape) {
  const { width } = shape;
  const weights = randomWeights();
  const tokens = [...byteTokens(), ...SPECIAL, ...inventWords(shape.words).map((word) => `Ġ${word}`)];
  const embedding = weights.matrix("token_embd.weight", [width, tokens.length], Math.sqrt(width));
  const output = weights.matrix("output.weight", [width, tokens.length], 3);
  // The last number of the state is constant, no block writes to it, and it bans all tokens but the words.
  for (let token = 0; token < tokens.length; token++) {
    embedding.values[(token + 1) * width - 1] = 4;
    output.values[(token + 1) * width - 1] = token < FIRST_WORD ? -40 : 0;
  }
  const blocks = blockTensors(shape, weights, ({ values, dimensions }) =>
    values.fill(0, values.length - dimensions[0]),
  );
  writeGguf(path, metadata(shape, tokens, 1), [embedding, output, ...blocks]);
}

/**
 * Writes a model that answers the words of `script`, in their order, and stops; it computes as much as any other of its
 * shape. Each of `words` is one token, in a prompt too, and may stand in the script once.
 */
export function makeScriptedModel(path, shape, { words, script }) {
  const { width } = shape;
  const weights = randomWeights();
  const tokens = [...byteTokens(), ...SPECIAL, ...words];
  const chain = script.map((word) => FIRST_WORD + words.indexOf(word));
  const inScript = new Set(chain);
  // The first number tells the tokens of the script from all others, after which the script begins.
  const codes = tokens.map((_, token) =>
    Float32Array.from({ length: width }, (_, i) => (i === 0 ? (inScript.has(token) ? -1 : 1) : weights.sign())),
  );
  const output = new Float32Array(tokens.length * width);
  output[chain[0] * width] = 4 * Math.sqrt(width);
  const steps = [...chain, END_OF_TURN];
  for (let i = 0; i < chain.length; i++) output.set(codes[steps[i]].subarray(1), steps[i + 1] * width + 1);
  const matrix = (name, values) => ({ name, dimensions: [width, tokens.length], values });
  const embedding = new Float32Array(tokens.length * width);
  for (const [token, code] of codes.entries()) embedding.set(code, token * width);
  const blocks = blockTensors(shape, weights, ({ values }) => values.fill(0));
  const tensors = [matrix("token_embd.weight", embedding), matrix("output.weight", output), ...blocks];
  writeGguf(path, metadata(shape, tokens, USER_DEFINED), tensors);
}

/** Words of two or three syllables, each another one. */
export function inventWords(count) {
  const random = uniform();
  const pick = (letters) => letters[Math.floor(random() * letters.length)];
  const words = new Set();
  while (words.size < count) {
    const syllables = Array.from(
      { length: 2 + Math.floor(random() * 2) },
      () => pick("bcdfghklmnprstvw") + pick("aeiou"),
    );
    words.add(syllables.join(""));
  }
  return [...words];
}

/** All of a model but what makes tokens to numbers and back; `limit` is given what writes to the state. */
function blockTensors({ layers, width, hidden, heads, keyValueHeads }, { matrix }, limit) {
  const ones = (name) => ({ name, dimensions: [width], values: new Float32Array(width).fill(1) });
  const keyWidth = (width / heads) * keyValueHeads;
  const tensors = [ones("output_norm.weight")];
  for (let layer = 0; layer < layers; layer++) {
    const name = (rest) => `blk.${layer}.${rest}.weight`;
    const toState = [matrix(name("attn_output"), [width, width]), matrix(name("ffn_down"), [hidden, width])];
    for (const tensor of toState) limit(tensor);
    tensors.push(
      ...toState,
      ones(name("attn_norm")),
      ones(name("ffn_norm")),
      matrix(name("attn_q"), [width, width]),
      matrix(name("attn_k"), [width, keyWidth]),
      matrix(name("attn_v"), [width, keyWidth]),
      matrix(name("ffn_gate"), [width, hidden]),
      matrix(name("ffn_up"), [width, hidden]),
    );
  }
  return tensors;
}

function randomWeights() {
  const random = uniform();
  return {
    matrix(name, dimensions, scale = 1) {
      const [inputs, outputs] = dimensions;
      const one = () => ((2 * random() - 1) * scale * 1.7) / Math.sqrt(inputs);
      return { name, dimensions, values: Float32Array.from({ length: inputs * outputs }, one) };
    },
    sign: () => (random() < 0.5 ? -1 : 1),
  };
}

function metadata({ layers, width, hidden, heads, keyValueHeads }, tokens, wordType) {
  const u32 = (value) => ({ type: "u32", value });
  const text = (value) => ({ type: "string", value });
  const typeOf = (token) => (token >= FIRST_WORD ? wordType : token >= BYTES ? CONTROL : 1);
  return {
    "general.architecture": text("llama"),
    "general.name": text("atos-bench"),
    "general.file_type": u32(1),
    "llama.context_length": u32(4096),
    "llama.embedding_length": u32(width),
    "llama.block_count": u32(layers),
    "llama.feed_forward_length": u32(hidden),
    "llama.attention.head_count": u32(heads),
    "llama.attention.head_count_kv": u32(keyValueHeads),
    "llama.attention.layer_norm_rms_epsilon": { type: "f32", value: 1e-6 },
    "llama.rope.dimension_count": u32(width / heads),
    "llama.vocab_size": u32(tokens.length),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text("qwen2"),
    "tokenizer.ggml.tokens": { type: "strings", value: tokens },
    "tokenizer.ggml.token_type": { type: "i32s", value: tokens.map((_, token) => typeOf(token)) },
    "tokenizer.ggml.merges": { type: "strings", value: [] },
    "tokenizer.ggml.eos_token_id": u32(END_OF_TURN),
    "tokenizer.ggml.bos_token_id": u32(BYTES),
    "tokenizer.ggml.add_bos_token": { type: "bool", value: false },
    "tokenizer.chat_template": text(CHATML),
  };
}

/** The printable character that byte-level BPE writes for each byte. */
function byteTokens() {
  const printable = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  let next = 256;
  return Array.from({ length: BYTES }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

/** Numbers in [0, 1), the same in every run. */
function uniform() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

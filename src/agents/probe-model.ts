import { AtosError } from "../base/errors.ts";
import { readReply } from "../engine/dialects/read-reply.ts";
import { TOOL_FORMATS, type ToolFormat, toolPrompt } from "../engine/dialects/tool-format.ts";
import type { GenerateRequest, JsonSchema, Model, ModelPart } from "../engine/model.ts";
import { measureSpeed } from "./measure-speed.ts";
import { PROBE_TOOLS, SCENARIOS } from "./probe-scenarios.ts";

/** How well a model writes calls in one format: right ones of all, and what was wrong with the others. */
export type FormatScore = {
  readonly format: ToolFormat;
  readonly right: number;
  readonly of: number;
  readonly wrong: readonly string[];
};

/** What a model can do, as far as a few questions tell. `undefined`: the engine has no way to ask for it. */
export type ProbeReport = {
  readonly formats: readonly FormatScore[];
  /** The format with most right calls; of equals the first in `TOOL_FORMATS`. */
  readonly best: ToolFormat;
  /** Answers with JSON of a schema when told to, without a grammar. */
  readonly followsSchema: boolean;
  /** The same with the engine forcing the shape. */
  readonly followsForcedSchema: boolean | undefined;
  /** Ends a short answer by itself. */
  readonly stops: boolean;
  readonly honoursSystemPrompt: boolean;
  /** Reasons when thinking is on and does not when it is off. */
  readonly thinking: { readonly on: boolean; readonly off: boolean } | undefined;
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  /** 0 to 1: three parts calls in the best format, one part the four checks besides. For routing. */
  readonly score: number;
};

export type ProbeDeps = {
  readonly nowMs: () => number;
  /** Told of each question before it is asked. */
  readonly progress: (done: number, total: number, what: string) => void;
};

const MAX_REPLY_TOKENS = 192;
const MAX_SHORT_TOKENS = 64;
const SPEED_TOKENS = 48;
const SPEED_PROMPT_WORDS = 150;
const OTHER_CHECKS = 7;
const COLOUR_SCHEMA: JsonSchema = {
  type: "object",
  properties: { colour: { type: "string", maxLength: 20 }, wheels: { type: "integer" } },
  required: ["colour", "wheels"],
  additionalProperties: false,
};

/**
 * Asks a model a few dozen short questions, greedily: which format of tool calls it handles best, whether it
 * keeps to a schema, stops, heeds its system prompt, and how fast it is. A question it fails says nothing
 * about the next, so all are asked; an error of the engine ends the probe.
 *
 * Where thinking can be switched off it is, but for the question about that: a reply of this length has no
 * room for it.
 */
export async function probeModel(model: Model, deps: ProbeDeps, signal: AbortSignal): Promise<ProbeReport> {
  const total = TOOL_FORMATS.length * SCENARIOS.length + OTHER_CHECKS;
  let done = 0;
  const canThink = model.capabilities.options.has("thinking");
  const usual = {
    maxTokens: MAX_SHORT_TOKENS,
    temperature: 0,
    seed: 0,
    ...(canThink ? { thinking: "off" as const } : {}),
  };
  const ask: Ask = (what, request) => {
    deps.progress(done++, total, what);
    return reply(model, { ...usual, ...request }, signal);
  };
  deps.progress(done++, total, "speed");
  const size = { promptWords: SPEED_PROMPT_WORDS, outputTokens: SPEED_TOKENS };
  const { promptTokensPerSecond, outputTokensPerSecond } = await measureSpeed(
    { model, nowMs: deps.nowMs },
    size,
    signal,
  );
  const formats: FormatScore[] = [];
  for (const format of TOOL_FORMATS) formats.push(await scoreFormat(ask, format));
  const best = formats.reduce((a, b) => (b.right > a.right ? b : a), formats[0] ?? NO_FORMAT);
  const checks = {
    followsSchema: await followsSchema(ask),
    followsForcedSchema: model.capabilities.options.has("shape") ? await followsForcedSchema(ask) : undefined,
    stops: (await ask("stopping", user("Say only the word OK."))).finish === "stop",
    honoursSystemPrompt: await honoursSystemPrompt(ask),
    thinking: canThink ? await thinks(ask) : undefined,
  };
  const passed = [
    checks.followsSchema,
    checks.followsForcedSchema ?? checks.followsSchema,
    checks.stops,
    checks.honoursSystemPrompt,
  ];
  const score = (3 * (best.right / best.of) + passed.filter(Boolean).length / passed.length) / 4;
  return {
    formats,
    best: best.format,
    ...checks,
    promptTokensPerSecond,
    outputTokensPerSecond,
    score: Math.round(score * 100) / 100,
  };
}

type Reply = { readonly text: string; readonly reasoning: string; readonly finish: "stop" | "length" };
type Ask = (what: string, request: Partial<GenerateRequest> & Pick<GenerateRequest, "messages">) => Promise<Reply>;

const NO_FORMAT: FormatScore = { format: "fenced-json", right: 0, of: 1, wrong: [] };

async function scoreFormat(ask: Ask, format: ToolFormat): Promise<FormatScore> {
  const { tools, rules } = toolPrompt(PROBE_TOOLS, format);
  const wrong: string[] = [];
  for (const scenario of SCENARIOS) {
    const system = `You are a software developer's assistant.\n\n${tools}\n\n${rules}`;
    const { text, finish } = await ask(`${format}: ${scenario.name}`, {
      maxTokens: MAX_REPLY_TOKENS,
      messages: [
        { role: "system", content: system },
        { role: "user", content: scenario.ask },
      ],
    });
    const reading = readReply(text, { tools: PROBE_TOOLS, finish });
    if (!scenario.right(reading))
      wrong.push(`${scenario.name}: ${reading.kind === "invalid" ? reading.why : reading.kind}`);
  }
  return { format, right: SCENARIOS.length - wrong.length, of: SCENARIOS.length, wrong };
}

async function followsSchema(ask: Ask): Promise<boolean> {
  const words =
    'Describe a red car as JSON with exactly two keys, "colour" (a string) and "wheels" (a whole number). Only the JSON.';
  const { text } = await ask("a JSON schema", user(words));
  return isCar(withoutReasoning(text).replace(/^\s*```(?:json)?|```\s*$/g, ""));
}

async function followsForcedSchema(ask: Ask): Promise<boolean> {
  const shape = { kind: "json-schema", schema: COLOUR_SCHEMA } as const;
  try {
    return isCar((await ask("a forced JSON schema", { ...user("Describe a red car."), shape })).text);
  } catch (error) {
    if (error instanceof AtosError && error.code === "engine/reply-out-of-shape") return false;
    throw error;
  }
}

function isCar(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    const entries = Object.entries(Object(value));
    return (
      entries.length === 2 && typeof Object(value)["colour"] === "string" && Number.isInteger(Object(value)["wheels"])
    );
  } catch {
    return false;
  }
}

async function honoursSystemPrompt(ask: Ask): Promise<boolean> {
  const { text } = await ask("the system prompt", {
    messages: [
      { role: "system", content: "Whatever you are asked, begin your answer with the word KUMQUAT." },
      { role: "user", content: "What is the capital of France?" },
    ],
  });
  return /^\W*kumquat/i.test(withoutReasoning(text));
}

/** The answer behind a block of reasoning that the engine left in the text. */
function withoutReasoning(text: string): string {
  return text.replace(/^[\s\S]*<\/think(?:ing)?>/, "");
}

async function thinks(ask: Ask): Promise<{ on: boolean; off: boolean }> {
  const question = user("Is 91 a prime number?");
  const [on, off] = [
    await ask("thinking on", { ...question, thinking: "on", maxTokens: MAX_REPLY_TOKENS }),
    await ask("thinking off", { ...question, thinking: "off", maxTokens: MAX_REPLY_TOKENS }),
  ];
  return { on: reasons(on), off: !reasons(off) };
}

/** Told apart by the server, or between marks; a template that opens the block itself leaves only its end. */
function reasons({ text, reasoning }: Reply): boolean {
  // Some models write an empty block where they are told not to think.
  const rest = text.replace(/(<think(?:ing)?>|\[THINK\])\s*(<\/think(?:ing)?>|\[\/THINK\])/, "");
  return reasoning.trim() !== "" || /<think(?:ing)?>\s*[^<\s]|\[THINK\]/.test(rest) || /\S\s*<\/think/.test(rest);
}

function user(content: string): Pick<GenerateRequest, "messages"> {
  return { messages: [{ role: "user", content }] };
}

async function reply(model: Model, request: GenerateRequest, signal: AbortSignal): Promise<Reply> {
  let text = "";
  let reasoning = "";
  let finish: "stop" | "length" = "length";
  const take = (part: ModelPart): void => {
    if (part.kind === "text") text += part.text;
    else if (part.kind === "reasoning") reasoning += part.text;
    else finish = part.finish;
  };
  for await (const part of model.generate(request, signal)) take(part);
  return { text, reasoning, finish };
}

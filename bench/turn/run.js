// What one turn of an agent costs: node bench/turn/run.js [--rounds N] [--runs N] [--sending whole|events|paced] [--only NAME,NAME]
//
// A turn is a goal, a reply that calls a tool, the tool's result, and a reply that answers: two streamed replies.
// Every peer does it in a process of its own against the same loopback server, and the peers take turns round by
// round, so that a machine whose speed drifts slows all of them alike. CPU is that of the peer's whole process,
// its garbage collection included.
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const PEERS = {
  "floor.http": "floor: node:http",
  "floor.undici": "floor: undici",
  atos: "ATOS",
  "ai-sdk": "AI SDK",
  "openai-agents": "OpenAI Agents",
  langgraph: "LangGraph",
  mastra: "Mastra",
};
const SENDING = { whole: "in one piece", events: "event by event", paced: "event by event, 1 ms apart" };
const ANSWER_TOKENS = 64;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    runs: { type: "string", default: "60" },
    "warm-up": { type: "string", default: "250" },
    sending: { type: "string", default: "events" },
    only: { type: "string" },
  },
});
if (!(values.sending in SENDING)) throw new Error(`--sending is one of ${Object.keys(SENDING).join(", ")}`);
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
if (!existsSync(here("../node_modules"))) {
  console.error("The frameworks to compare with are not installed: npm ci --prefix bench");
  process.exit(2);
}

const server = fork(here("server.js"));
const [port] = await once(server, "message");
const origin = `http://127.0.0.1:${port}`;
const model = `answer-${ANSWER_TOKENS}-${values.sending}`;
const names = values.only?.split(",") ?? Object.keys(PEERS);
const results = new Map();
const peers = new Map();
for (const name of names) {
  peers.set(name, await start(name));
  results.set(name, { cpu: [], walls: [], counts: undefined });
  await round(name, Number(values["warm-up"]));
}
for (let number = 0; number < Number(values.rounds); number++) {
  for (const name of names) {
    const { cpuMs, walls, counts } = await round(name, Number(values.runs));
    const result = results.get(name);
    result.cpu.push(cpuMs);
    result.walls.push(...walls);
    result.counts = counts;
  }
}
for (const child of [...peers.values(), server]) child.disconnect();
print();

async function start(name) {
  const peer = fork(here("peer.js"), [name, `${origin}/v1`, model], {
    env: { ...process.env, NODE_ENV: "production" },
  });
  peer.once("exit", (code) => code && process.exit(1));
  await once(peer, "message");
  return peer;
}

/** Lets one peer do its runs, and checks by the server's count and its own that it did them. */
async function round(name, runs) {
  await report();
  const peer = peers.get(name);
  peer.send(runs);
  const [done] = await once(peer, "message");
  const counts = await report();
  const right = counts.requests === 2 * runs && counts.calls === runs && counts.answers === runs && done.calls === runs;
  if (done.fault === undefined && right && counts.faults.length === 0) return { ...done, counts };
  console.error(`${name} did not do ${runs} runs: ${done.fault ?? ""} ${JSON.stringify(counts)}`);
  process.exit(1);
}

async function report() {
  return (await fetch(`${origin}/report`)).json();
}

function print() {
  const cpuOf = (name) => Math.min(...(results.get(name)?.cpu ?? [Number.NaN]));
  const floors = names.filter((name) => name.startsWith("floor"));
  const floor = Math.min(...floors.map(cpuOf));
  const row = (cells) =>
    console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(12))).join(""));
  console.log(
    `Per turn (two replies, ${ANSWER_TOKENS} tokens the last), replies sent ${SENDING[values.sending]}, ${values.rounds} rounds of ${values.runs}`,
  );
  row(["", "CPU ms min", "median", "over floor", "wall ms min", "median", "kB sent", "connections"]);
  for (const name of names) {
    const { cpu, walls, counts } = results.get(name);
    const over = cpuOf(name) / floor;
    const kilobytes = counts.bytes / 1000 / Number(values.runs);
    row([
      PEERS[name] ?? name,
      ...[Math.min(...cpu), median(cpu), over, Math.min(...walls), median(walls)].map((value) => value.toFixed(2)),
      kilobytes.toFixed(1),
      `${counts.connections}`,
    ]);
  }
  const others = names.filter((name) => name !== "atos" && !name.startsWith("floor"));
  const best = others.reduce((least, name) => (cpuOf(name) < cpuOf(least) ? name : least), others[0]);
  if (!names.includes("atos")) return;
  if (floors.length > 0) console.log(`ATOS takes ${(cpuOf("atos") / floor).toFixed(2)} times the CPU of the floor.`);
  if (best !== undefined)
    console.log(
      `The best peer, ${PEERS[best]}, takes ${(cpuOf(best) / cpuOf("atos")).toFixed(1)} times the CPU of ATOS.`,
    );
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

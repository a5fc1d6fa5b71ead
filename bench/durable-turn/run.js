// What a durable turn of an agent costs, beside LangGraph with its Postgres checkpointer:
// node bench/durable-turn/run.js [--turns N] [--rounds N] [--conversations N] [--beside 1,20]
//
// A turn is a reply of a model that calls a tool, and the tool's result; a conversation is so many turns and a last
// reply. A run of an agent in a build has tens of turns with observations of 1 to 2 kB, which is what 40 turns stand for;
// what a framework writes of its whole state at each step shows only there. 10 turns are a short one. The model is a
// function that answers at once, on both sides. Each side runs in a process of its own on one database server, and the
// two take turns round by round. CPU is that of the side's whole process; the server's is told apart. Figures, never a
// pass or fail.
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { startEmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { writeFiles } from "./script.js";
import { rowsOf, serverCpuMs, walBytes } from "./server-cost.js";

/** Each with its schemas. */
const SIDES = {
  atos: ["atos", "dbos"],
  "langgraph.chat": ["langgraph_chat"],
  "langgraph.plain": ["langgraph_plain"],
};
const NAMES = { atos: "ATOS", "langgraph.chat": "LangGraph", "langgraph.plain": "LangGraph, plain" };
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "10" },
    rounds: { type: "string", default: "7" },
    conversations: { type: "string", default: "40" },
    beside: { type: "string", default: "1,20" },
  },
});
const turns = Number(values.turns);
const conversations = Number(values.conversations);
if (!existsSync(here("../node_modules/@langchain/langgraph-checkpoint-postgres"))) {
  console.error("What is compared with is not installed: npm ci --prefix bench");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "atos-bench-durable-"));
const dataDirectory = join(folder, "postgres");
const peers = new Map();
const server = await startEmbeddedPostgres({ dataDirectory, socketDirectory: folder });
const client = new pg.Client({ connectionString: server.url });
try {
  await client.connect();
  const root = join(folder, "project");
  writeFiles(root, turns);
  for (const side of Object.keys(SIDES)) await start(side, { databaseUrl: server.url, folder, root, turns });
  console.log(
    `A conversation is ${turns} turns (a reply and a tool call) and a last reply; ${values.rounds} rounds of ${conversations} conversations.\n` +
      `ATOS; LangGraph ${versionOf("langgraph")} with langgraph-checkpoint-postgres ${versionOf("langgraph-checkpoint-postgres")}; ` +
      `Node ${process.versions.node}; one Postgres, fsync and synchronous_commit on.\n`,
  );
  for (const beside of values.beside.split(",").map(Number)) await compare(beside);
  console.log(
    "LangGraph's agent asks a chat model class, the plain one makes its reply in the node itself.\n" +
      "ATOS records every attempt before it begins, and by then every reply and result so far, each with its audit\n" +
      "event, chained by hashes; the policy is asked and results are cleaned before a model sees them. A recorded\n" +
      "step is never run again. LangGraph writes the graph's state after every step and each node's writes, without waiting for them\n" +
      "before the next step; a node that a crash cut off runs again.",
  );
} finally {
  const living = [...peers.values()].filter((child) => child.connected);
  const ended = living.map((child) => once(child, "exit"));
  for (const child of living) child.disconnect();
  await Promise.all(ended);
  await client.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function start(side, options) {
  const child = fork(here("peer.js"), [side, JSON.stringify(options)], {
    env: { ...process.env, NODE_ENV: "production" },
    // What they print is no figure.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  peers.set(side, child);
  await said(side);
}

/** The next message of a side. Throws what it failed with. */
async function said(side) {
  const child = peers.get(side);
  const heard = new AbortController();
  const either = ["message", "exit"].map((event) => once(child, event, { signal: heard.signal }));
  const [message] = await Promise.race(either);
  heard.abort();
  await Promise.allSettled(either);
  if (typeof message === "object" && message?.fault !== undefined) throw new Error(`${side}: ${message.fault}`);
  if (message === null || typeof message === "number") throw new Error(`${side} ended by itself (${message})`);
  return message;
}

async function compare(beside) {
  const found = Object.fromEntries(Object.keys(SIDES).map((side) => [side, []]));
  // For the compiler, and for what is made once.
  for (const side of Object.keys(SIDES)) await round(side, { conversations: Math.max(40, beside), beside });
  for (let number = 0; number < Number(values.rounds); number++)
    for (const side of Object.keys(SIDES)) found[side].push(await round(side, { conversations, beside }));
  print(beside, found);
}

async function round(side, asked) {
  const before = { cpuMs: serverCpuMs(dataDirectory), wal: await walBytes(client) };
  const rowsBefore = await rowsOf(client, SIDES[side]);
  peers.get(side).send(asked);
  const done = await said(side);
  const rows = new Map(
    [...(await rowsOf(client, SIDES[side]))].map(([name, count]) => [name, count - rowsBefore.get(name)]),
  );
  const all = asked.conversations * turns;
  return {
    cpu: done.cpuMs / all,
    server: (serverCpuMs(dataDirectory) - before.cpuMs) / all,
    wall: median(done.walls) / turns,
    wal: ((await walBytes(client)) - before.wal) / 1000 / all,
    rows: [...rows].filter(([, count]) => count > 0).map(([name, count]) => [name, count / all]),
  };
}

function print(beside, found) {
  const row = (cells) =>
    console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(16))).join(""));
  console.log(
    beside === 1 ? "One conversation after another, per turn" : `${beside} conversations side by side, per turn`,
  );
  row(["", "CPU ms median", "least", "Postgres CPU ms", "wall ms", "log kB", "rows"]);
  const middle = (side, key) => median(found[side].map((one) => one[key]));
  for (const [side, rounds] of Object.entries(found)) {
    const least = Math.min(...rounds.map(({ cpu }) => cpu));
    const rows = rounds.at(-1).rows.reduce((sum, [, count]) => sum + count, 0);
    const figures = [
      middle(side, "cpu"),
      least,
      middle(side, "server"),
      middle(side, "wall"),
      middle(side, "wal"),
      rows,
    ];
    row([NAMES[side], ...figures.map((figure) => figure.toFixed(2))]);
  }
  const both = (side) => middle(side, "cpu") + middle(side, "server");
  for (const side of Object.keys(SIDES).filter((one) => one !== "atos")) {
    const over = (key) => (middle(side, key) / middle("atos", key)).toFixed(2);
    const together = (both(side) / both("atos")).toFixed(2);
    console.log(
      `${NAMES[side]}: ${over("cpu")} times the CPU of ATOS, ${over("server")} times Postgres's, ${together} times both`,
    );
  }
  for (const [side, rounds] of Object.entries(found)) {
    const told = rounds.at(-1).rows.map(([name, count]) => `${name} ${count.toFixed(2)}`);
    console.log(`rows of ${NAMES[side]}: ${told.join(", ")}`);
  }
  console.log("");
}

function versionOf(name) {
  return JSON.parse(readFileSync(here(`../node_modules/@langchain/${name}/package.json`), "utf8")).version;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

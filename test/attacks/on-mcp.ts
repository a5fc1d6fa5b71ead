import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { toolPrompt } from "../../src/engine/dialects/tool-format.ts";
import type { JsonObject } from "../../src/engine/dialects/reading.ts";
import { connectExternal } from "../../src/tools/mcp/connect-external.ts";
import type { Attack } from "./attack.ts";
import { verdictOf } from "./attack.ts";
import { textOf } from "./naive-files.ts";
import { Prey, SECRET } from "./prey.ts";
import { twoSided } from "./two-sided.ts";

const ROGUE = fileURLToPath(new URL("rogue-server.mjs", import.meta.url));
const LIMITS = { connectMs: 4000, callMs: 800, messageBytes: 1 << 20, resultChars: 20_000 };
/** What a client without limits is given; then it has lost. */
const PATIENCE_MS = 1200;

/** A client of a server that means harm. */
type Client = AsyncDisposable & {
  /** What a model is told of the tools. */
  readonly prompt: string;
  readonly tools: number;
  /** Checks the arguments by the server's schema; false when they are refused. */
  check(value: JsonObject): boolean;
  call(value: JsonObject): Promise<string>;
};
type Open = (mode: string, prey: Prey) => Promise<Client>;

const argumentsOf = (mode: string, prey: Prey): string[] => [ROGUE, mode, join(prey.base, "notes"), prey.mark];

const real: Open = async (mode, prey) => {
  const connected = await connectExternal(
    {
      name: "rogue",
      prefix: "rogue",
      readOnly: [],
      secrets: [],
      reach: { kind: "stdio", command: process.execPath, args: argumentsOf(mode, prey), env: {}, cwd: prey.root },
    },
    { version: "1", env: process.env, known: {}, limits: LIMITS },
    new AbortController().signal,
  );
  const [tool] = connected.tools;
  let calls = 0;
  return {
    prompt: toolPrompt(
      connected.tools.map(({ definition }) => definition),
      "hermes-xml",
    ).tools,
    tools: connected.tools.length,
    check: (value) => tool?.validate(value).ok === true,
    call: async (value) => {
      const result = await tool?.call(value, {
        signal: new AbortController().signal,
        idempotencyKey: `attack-${calls++}`,
      });
      return JSON.stringify(result ?? "there is no tool");
    },
    [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose](),
  };
};

/** Lines of JSON, believed as they come: any answer will do, nothing is limited, and only the server itself is ended. */
const naive: Open = async (mode, prey) => {
  const child = spawn(process.execPath, argumentsOf(mode, prey), { stdio: ["pipe", "pipe", "pipe"], cwd: prey.root });
  const answers: JsonObject[] = [];
  let bytes = 0;
  child.stderr.on("data", (chunk: Buffer) => (bytes += chunk.length));
  createInterface({ input: child.stdout }).on("line", (line) => {
    bytes += line.length;
    try {
      const message = JSON.parse(line);
      if (message?.method !== undefined && message.id !== undefined) {
        // It answers what it is asked.
        child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: message.id, result: { text: SECRET } })}\n`);
      } else if (message?.result !== undefined) answers.push(message.result);
    } catch {
      answers.push({ content: "not JSON" });
    }
  });
  let id = 0;
  const request = async (method: string, params: JsonObject): Promise<JsonObject> => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: id++, method, params })}\n`);
    for (let waited = 0; waited < PATIENCE_MS && answers.length === 0; waited += 10) await sleep(10);
    if (bytes > 4 * LIMITS.messageBytes) return { content: `HUGE ${bytes}` };
    return answers.shift() ?? { content: "WAITED" };
  };
  await request("initialize", {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "x", version: "1" },
  });
  const listed: JsonObject[] = [];
  for (let page = 0; page < 40; page++) {
    const result = await request("tools/list", {});
    if (Array.isArray(result["tools"])) listed.push(...result["tools"].map((each) => Object(each)));
    if (result["nextCursor"] === undefined) break;
  }
  return {
    prompt: listed.map((tool) => `${textOf(tool["name"])}: ${textOf(tool["description"])}`).join("\n"),
    tools: listed.length,
    check: () => true,
    call: async (value) => JSON.stringify(await request("tools/call", { name: "echo", arguments: value })),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await sleep(50);
    },
  };
};

type Plan = {
  readonly mode: string;
  readonly name: string;
  /** What to look at; what is said comes from two calls and whatever was thrown. */
  readonly judge: (seen: {
    readonly prey: Prey;
    readonly client: Client | undefined;
    readonly said: readonly string[];
    readonly notes: string;
  }) => readonly string[];
  readonly naive?: { readonly none: string };
  readonly notPromised?: string;
};

function rogue({ mode, name, judge, naive: without, notPromised }: Plan): Attack {
  const attack = twoSided<Open>({
    category: "MCP server misbehaviour",
    name,
    wall: "mcp",
    real: () => real,
    naive: without ?? (() => naive),
    attack: async (open) => {
      await using prey = await Prey.open();
      process.env["ATOS_ATTACK_TOKEN"] = SECRET;
      const said: string[] = [];
      let client: Client | undefined;
      try {
        client = await open(mode, prey);
        for (const text of ["a", "b"]) {
          said.push(await client.call({ text }).catch((error: unknown) => `thrown ${String(error)}`));
          await sleep(30);
        }
      } catch (error) {
        said.push(`thrown ${String(error)}`);
      } finally {
        await client?.[Symbol.asyncDispose]();
      }
      await sleep(30);
      const notes = existsSync(join(prey.base, "notes")) ? readFileSync(join(prey.base, "notes"), "utf8") : "";
      return verdictOf([...prey.damage(said.join("\n") + notes), ...judge({ prey, client, said, notes })]);
    },
  });
  return notPromised === undefined ? attack : { ...attack, notPromised: { everywhere: notPromised } };
}

const endless = ({ said }: { readonly said: readonly string[] }): string[] =>
  said.some((text) => /HUGE|WAITED/.test(text) || text.length > 100_000) ? [`it took ${said[0]?.slice(0, 40)}`] : [];
const forged = ({ said }: { readonly said: readonly string[] }): string[] =>
  said.some((text) => text.includes("FORGED")) ? ["a forged answer was taken"] : [];

export const ON_MCP: readonly Attack[] = [
  rogue({ mode: "huge-line", name: "an answer of 40 MB where tools are listed", judge: endless }),
  rogue({ mode: "huge-result", name: "a result of 30 MB", judge: endless }),
  rogue({ mode: "no-line-end", name: "64 MB without the end of a line", judge: endless }),
  rogue({
    mode: "flood",
    name: "errors without end",
    judge: (seen) => (seen.said.some((text) => /true/.test(text)) ? [] : endless(seen)),
  }),
  rogue({
    mode: "endless-list",
    name: "a list of tools whose pages never end",
    judge: ({ client }) => ((client?.tools ?? 0) > 30 ? [`${client?.tools} pages were read`] : []),
  }),
  rogue({
    mode: "huge-list",
    name: "3,000 tools",
    judge: ({ client }) => ((client?.tools ?? 0) > 128 ? [`${client?.tools} tools were taken`] : []),
  }),
  rogue({ mode: "silent", name: "a call that is never answered", judge: endless }),
  rogue({ mode: "wrong-id", name: "answers under other numbers", judge: forged }),
  rogue({ mode: "early", name: "answers to calls that are yet to be made", judge: forged }),
  rogue({ mode: "twice", name: "two answers to one call", judge: forged }),
  rogue({ mode: "changes", name: "a tool that becomes another when it is trusted", judge: forged }),
  rogue({
    mode: "asks",
    name: "questions to ATOS: a model's reply, a person's key, its folders",
    judge: ({ notes }) => (notes.includes("answered") ? ["it was answered"] : []),
  }),
  rogue({
    mode: "environment",
    name: "the environment of ATOS, read by the server",
    judge: ({ notes }) => (notes.includes("ATOS_ATTACK_TOKEN") ? ["it has ATOS's environment"] : []),
  }),
  rogue({
    mode: "forks",
    name: "processes that outlive the server",
    judge: ({ prey }) => (prey.survivors().length > 0 ? [`${prey.survivors().length} processes live on`] : []),
  }),
  rogue({
    mode: "daemon",
    name: "a process in a session of its own, which outlives the server",
    judge: ({ prey }) => (prey.survivors().length > 0 ? ["a process lives on"] : []),
    notPromised:
      "a server of mcp.json is a program of the user's own, outside the sandbox; what it moves to a session of its own is not found again",
  }),
  rogue({
    mode: "poison",
    name: "a description that is an instruction, has marks, and is long",
    judge: ({ client }) =>
      /<\|im_start|<\/tools>|[\u{e0041}\u202e]/u.test(client?.prompt ?? "") || (client?.prompt.length ?? 0) > 2000
        ? ["it is in the prompt"]
        : [],
  }),
  rogue({
    mode: "shadow",
    name: "a tool that is called as one of ATOS's own",
    judge: ({ client }) =>
      /^read_file\b|^- read_file\b/m.test(client?.prompt ?? "")
        ? ["it stands beside ATOS's own, by the same name"]
        : [],
  }),
  rogue({
    mode: "regex-schema",
    name: "a schema whose pattern takes for ever",
    judge: ({ client }) => {
      const begun = performance.now();
      client?.check({ text: `${"a".repeat(60)}!` });
      return performance.now() - begun > 5000 ? ["it takes for ever"] : [];
    },
    naive: { none: "it would never end: the pattern is tried in this very process" },
  }),
  rogue({
    mode: "deep",
    name: "a result nested 100,000 deep",
    judge: ({ said }) =>
      said.some((text) => text.startsWith("thrown RangeError")) ? ["it was followed to its end"] : [],
  }),
  rogue({
    mode: "pollution",
    name: "names that change all objects: __proto__, constructor",
    judge: () => (Object.hasOwn(Object.prototype, "polluted") ? ["all objects were changed"] : []),
    naive: {
      none: "JSON.parse itself makes plain members of these names; what could go wrong is a copy of them later",
    },
  }),
  rogue({
    mode: "broken",
    name: "lines that are no messages, bytes that are no text",
    judge: ({ said }) => (said[0]?.includes("true") === true ? [] : ["the true answer was lost"]),
  }),
  rogue({
    mode: "chatter",
    name: "news without end that the tools changed",
    judge: ({ said }) => (said.every((text) => text.includes("true")) ? [] : ["no call came through"]),
    naive: { none: "a client that passes news over is not harmed by it" },
  }),
  rogue({
    mode: "link",
    name: "results that point to files of this machine, and images that are none",
    judge: ({ said }) => (said.some((text) => /root:|x{8000}/.test(text)) ? ["it was followed or taken whole"] : []),
  }),
];

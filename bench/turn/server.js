// A model server that never thinks: OpenAI's streaming chat on loopback, in a process of its own.
//
// The first reply to a conversation is a call of read_file for the path its goal names, the second the final
// answer. Who sends `tools` gets the call as `tool_calls`, who does not as text. What comes back is checked:
// the second request must hold the file's text. GET /report tells and forgets what was counted.
//
// The model's name says how long the answer is and how a reply is sent: `answer-64-whole` in one piece,
// `answer-64-events` in a write for each event, as fast as that goes, `answer-64-paced` with a pause after each.
import { createServer } from "node:http";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { answerOf, callText, pieces, readFile } from "./script.js";

const PACE_MS = 1;

let counts = noCounts();
function noCounts() {
  return { requests: 0, calls: 0, answers: 0, connections: 0, bytes: 0, events: 0, faults: [] };
}

const server = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  if (request.url === "/report") {
    response.setHeader("content-type", "application/json").end(JSON.stringify(counts));
    counts = noCounts();
  } else if (request.url === "/v1/models") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ object: "list", data: [{ id: "answer", object: "model", owned_by: "bench" }] }));
  } else if (request.method === "POST" && request.url === "/v1/chat/completions") {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    counts.bytes += body.length;
    await reply(JSON.parse(body.toString("utf8")), response);
  } else {
    response.writeHead(404).end();
  }
}

server.on("connection", (socket) => {
  counts.connections++;
  socket.setNoDelay(true);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("disconnect", () => process.exit());

async function reply({ model, messages, tools, stream }, response) {
  counts.requests++;
  const path = /src\/part-(\d+)\.ts/.exec(messages.map(({ content }) => plain(content)).join("\n"));
  if (path === null || stream !== true) return refuse(response, "no path of a file, or no stream, in the request");
  const [, answer, sending] = /^answer-(\d+)-(whole|events|paced)$/.exec(model) ?? [];
  const last = messages.at(-1);
  const result =
    last.role === "tool" || plain(last.content).startsWith("<tool_response>") ? plain(last.content) : undefined;
  if (result === undefined) counts.calls++;
  else counts.answers++;
  if (result !== undefined && !result.includes(readFile(path[0]).trimEnd()))
    return refuse(response, `a result that is not the file: ${result.slice(0, 200)}`);
  const deltas = result === undefined ? callDeltas(path[0], tools) : answerOf(path[1], Number(answer)).map(textDelta);
  const finish = result === undefined && tools !== undefined ? "tool_calls" : "stop";
  const events = eventsOf({ model, deltas, finish, usage: usageOf(messages, deltas) });
  counts.events += events.length;
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (sending === "whole") return void response.end(events.join(""));
  for (const event of events) {
    response.write(event);
    // Without this Node would put the events together again.
    await (sending === "events" ? nextTurn() : sleep(PACE_MS));
  }
  response.end();
}

function refuse(response, why) {
  counts.faults.push(why);
  response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: { message: why } }));
}

/** The words of a message; some peers send a list of parts. */
function plain(content) {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map(({ text }) => text ?? "").join("") : "";
}

function textDelta(content) {
  return { content };
}

function callDeltas(path, tools) {
  if (tools === undefined) return pieces(callText(path)).map(textDelta);
  const call = { index: 0, id: `call_${path}`, type: "function", function: { name: "read_file", arguments: "" } };
  const rest = pieces(JSON.stringify({ path })).map((piece) => ({ index: 0, function: { arguments: piece } }));
  return [call, ...rest].map((piece) => ({ tool_calls: [piece] }));
}

function usageOf(messages, deltas) {
  const prompt = Math.ceil(messages.reduce((sum, { content }) => sum + plain(content).length, 0) / 4);
  return { prompt_tokens: prompt, completion_tokens: deltas.length, total_tokens: prompt + deltas.length };
}

function eventsOf({ model, deltas, finish, usage }) {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model };
  const event = (rest) => `data: ${JSON.stringify({ ...head, ...rest })}\n\n`;
  const choice = (delta, finish_reason) => event({ choices: [{ index: 0, delta, finish_reason }] });
  return [
    choice({ role: "assistant", content: "" }, null),
    ...deltas.map((delta) => choice(delta, null)),
    choice({}, finish),
    event({ choices: [], usage }),
    "data: [DONE]\n\n",
  ];
}

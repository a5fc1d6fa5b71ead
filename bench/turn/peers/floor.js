// What HTTP and JSON alone cost: the prompts that ATOS sends, the same events back, read by hand.
// Connections are kept, nothing is counted or checked, and a call is found by its marks.
import { Agent, request } from "node:http";
import { Pool } from "undici";
import { toolPrompt } from "../../../src/engine/dialects/tool-format.ts";
import { goalOf, ROLE, tools } from "../script.js";
import { callTool } from "./tools.js";

export function setup({ baseUrl, model, client }) {
  const post = client === "undici" ? undiciPost(baseUrl) : nodePost(baseUrl);
  const prompt = toolPrompt(tools, "hermes-xml");
  const system = `${ROLE}\n\n${prompt.tools}\n\n${prompt.rules}`;
  return async (run) => {
    const messages = [
      { role: "system", content: system },
      { role: "user", content: goalOf(run) },
    ];
    for (;;) {
      const text = await reply(post, { model, messages });
      const call = callIn(text);
      if (call === undefined) return text;
      const result = callTool(call.name, call.arguments);
      messages.push({ role: "assistant", content: text });
      messages.push({ role: "user", content: `<tool_response>\n${result}\n</tool_response>` });
    }
  };
}

async function reply(post, { model, messages }) {
  const body = JSON.stringify({
    model,
    messages,
    max_tokens: 1024,
    temperature: 0,
    seed: 1,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let rest = "";
  const decoder = new TextDecoder();
  for await (const part of await post(body)) {
    rest += decoder.decode(part, { stream: true });
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const data = rest.slice("data: ".length, end);
      rest = rest.slice(end + 2);
      if (data !== "[DONE]") text += JSON.parse(data).choices[0]?.delta.content ?? "";
    }
  }
  return text;
}

function callIn(text) {
  const start = text.indexOf("<tool_call>");
  if (start < 0) return undefined;
  return JSON.parse(text.slice(start + "<tool_call>".length, text.indexOf("</tool_call>", start)));
}

const HEADERS = { "content-type": "application/json", accept: "text/event-stream" };

function nodePost(baseUrl) {
  const { hostname, port, pathname } = new URL(`${baseUrl}/chat/completions`);
  const agent = new Agent({ keepAlive: true });
  return (body) =>
    new Promise((resolve, reject) => {
      const headers = { ...HEADERS, "content-length": Buffer.byteLength(body) };
      const sent = request({ hostname, port, path: pathname, method: "POST", agent, headers }, resolve);
      sent.on("error", reject);
      sent.end(body);
    });
}

function undiciPost(baseUrl) {
  const { origin, pathname } = new URL(`${baseUrl}/chat/completions`);
  const pool = new Pool(origin);
  return async (body) => (await pool.request({ path: pathname, method: "POST", headers: HEADERS, body })).body;
}

// ATOS, from the goal to the answer, without pool and journal.
import { openAgent, runAgent, systemOf } from "../../../src/agents/run-agent.ts";
import { takeTurn } from "../../../src/agents/turn.ts";
import { openServerModel } from "../../../src/engine/server/server-model.ts";
import { goalOf, ROLE, tools } from "../script.js";
import { callTool } from "./tools.js";

export async function setup({ baseUrl, model: name }) {
  const source = { kind: "openai", id: "bench", baseUrl, model: name, contextTokens: 32_768 };
  const { signal } = new AbortController();
  const model = await openServerModel(source, {}, signal);
  const options = { maxTokens: 1024, temperature: 0, seed: 1 };
  const agent = { role: ROLE, tools, format: "hermes-xml", options };
  const system = systemOf(agent);
  const deps = {
    takeTurn: (asked, stop) => takeTurn({ model }, asked, stop),
    callTool: async (call) => [{ part: "observation", text: callTool(call.name, call.arguments) }],
    record: async () => {},
  };
  return async (run) => {
    const context = openAgent(system, [{ part: "goal", text: goalOf(run) }]);
    const { outcome } = await runAgent(deps, { agent, context, limits: { turns: 4 } }, signal);
    if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
    return outcome.text;
  };
}

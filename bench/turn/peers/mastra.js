import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { goalOf, ROLE } from "../script.js";
import { callTool, zodTools } from "./tools.js";

export function setup({ baseUrl, model }) {
  const tools = zodTools.map(({ name, description, schema }) => [
    name,
    createTool({ id: name, description, inputSchema: schema, execute: async (args) => callTool(name, args) }),
  ]);
  const agent = new Agent({
    id: "developer",
    name: "developer",
    instructions: ROLE,
    model: { id: `bench/${model}`, url: baseUrl, apiKey: "none" },
    tools: Object.fromEntries(tools),
    maxRetries: 0,
  });
  const settings = { maxSteps: 4, modelSettings: { maxOutputTokens: 1024, temperature: 0, seed: 1 } };
  return async (run) => {
    const { textStream } = await agent.stream(goalOf(run), settings);
    let text = "";
    for await (const delta of textStream) text += delta;
    return text;
  };
}

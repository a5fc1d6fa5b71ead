import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { isStepCount, tool, ToolLoopAgent } from "ai";
import { goalOf, ROLE } from "../script.js";
import { callTool, zodTools } from "./tools.js";

export function setup({ baseUrl, model }) {
  const provider = createOpenAICompatible({ name: "bench", baseURL: baseUrl, includeUsage: true });
  const agent = new ToolLoopAgent({
    model: provider(model),
    instructions: ROLE,
    tools: Object.fromEntries(
      zodTools.map(({ name, description, schema }) => [
        name,
        tool({ description, inputSchema: schema, execute: async (args) => callTool(name, args) }),
      ]),
    ),
    stopWhen: isStepCount(4),
    maxRetries: 0,
    maxOutputTokens: 1024,
    temperature: 0,
    seed: 1,
  });
  return async (run) => {
    const { textStream } = await agent.stream({ prompt: goalOf(run) });
    let text = "";
    for await (const delta of textStream) text += delta;
    return text;
  };
}

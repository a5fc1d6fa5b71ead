import { Agent, run, setDefaultOpenAIClient, setOpenAIAPI, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { goalOf, ROLE } from "../script.js";
import { callTool, plainTools } from "./tools.js";

export function setup({ baseUrl, model }) {
  setDefaultOpenAIClient(new OpenAI({ baseURL: baseUrl, apiKey: "none", maxRetries: 0 }));
  setOpenAIAPI("chat_completions");
  setTracingDisabled(true);
  const agent = new Agent({
    name: "developer",
    instructions: ROLE,
    model,
    modelSettings: { maxTokens: 1024, temperature: 0 },
    // Its strict mode wants every argument required, so the schemas go as they are.
    tools: plainTools.map(({ name, description, parameters }) =>
      tool({ name, description, parameters, strict: false, execute: async (args) => callTool(name, args) }),
    ),
  });
  return async (number) => {
    const stream = await run(agent, goalOf(number), { stream: true, maxTurns: 4 });
    let text = "";
    for await (const delta of stream.toTextStream()) text += delta;
    await stream.completed;
    return text;
  };
}

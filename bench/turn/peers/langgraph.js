import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { goalOf, ROLE } from "../script.js";
import { callTool, zodTools } from "./tools.js";

/** A graph of two nodes, which is cheaper than langchain's `createAgent`. */
export function setup({ baseUrl, model }) {
  const tools = zodTools.map(({ name, description, schema }) =>
    tool(async (args) => callTool(name, args), { name, description, schema }),
  );
  const chat = new ChatOpenAI({
    model,
    apiKey: "none",
    configuration: { baseURL: baseUrl },
    streaming: true,
    streamUsage: true,
    maxRetries: 0,
    maxTokens: 1024,
    temperature: 0,
    useResponsesApi: false,
  }).bindTools(tools);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await chat.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile();
  return async (run) => {
    const messages = [
      { role: "system", content: ROLE },
      { role: "user", content: goalOf(run) },
    ];
    let text = "";
    for await (const [message] of await graph.stream({ messages }, { streamMode: "messages" }))
      if (message.getType() === "ai" && typeof message.content === "string") text += message.content;
    return text;
  };
}

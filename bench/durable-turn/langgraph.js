// LangGraph with its Postgres checkpointer as it comes: a graph of an agent and its tools, whose state is checkpointed
// after every step at the default durability ("async": the next step may begin while the last is being written). The
// agent asks a chat model of LangChain's kind, as its documents do it; `plain` makes the reply in the node itself, which
// is the least that such a graph can take.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";
import { ANSWER, fileOf, GOAL, ROLE } from "./script.js";

class FakeChatModel extends BaseChatModel {
  #turns;

  constructor(turns) {
    super({});
    this.#turns = turns;
  }

  _llmType() {
    return "fake";
  }

  async _generate(messages) {
    const message = replyTo(messages, this.#turns);
    return { generations: [{ text: message.content, message }] };
  }
}

export async function setup({ databaseUrl, root, turns, variant }) {
  const checkpointer = PostgresSaver.fromConnString(databaseUrl, { schema: `langgraph_${variant}` });
  await checkpointer.setup();
  const readTool = tool(async ({ path }) => readFile(join(root, path), "utf8"), {
    name: "read_file",
    description: "Reads a file of the project.",
    schema: z.object({ path: z.string() }),
  });
  const chat = new FakeChatModel(turns);
  const agent = {
    chat: async ({ messages }) => ({ messages: [await chat.invoke(messages)] }),
    plain: ({ messages }) => ({ messages: [replyTo(messages, turns)] }),
  }[variant];
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", agent)
    .addNode("tools", new ToolNode([readTool]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
  return async (id) => {
    const startedMs = performance.now();
    const messages = [
      { role: "system", content: ROLE },
      { role: "user", content: GOAL },
    ];
    const config = { configurable: { thread_id: id }, recursionLimit: 2 * turns + 5 };
    const state = await graph.invoke({ messages }, config);
    return { text: state.messages.at(-1).content, wallMs: performance.now() - startedMs };
  };
}

function replyTo(messages, turns) {
  // Two messages come before the first turn, and each turn adds two.
  const turn = (messages.length - 2) / 2;
  if (turn >= turns) return new AIMessage(ANSWER);
  const call = { id: `call-${turn}`, name: "read_file", args: { path: fileOf(turn) }, type: "tool_call" };
  return new AIMessage({ content: "", tool_calls: [call] });
}

import type { Graph } from "../base/graph.ts";

export type ReplyNode = "ask" | "read" | "tell" | "draw" | "usable" | "unusable";

/** One question to a role, until a reply can be read. */
export const REPLY_GRAPH: Graph<ReplyNode> = {
  name: "reply",
  start: "ask",
  nodes: {
    ask: "the model replies",
    read: "the reply is read",
    tell: "it is told what is wrong",
    draw: "the same question, another seed, a livelier temperature",
    usable: "the reply can be used",
    unusable: "no reply could be used",
  },
  edges: [
    { from: "ask", to: "read", on: "replied", why: "there is a reply" },
    { from: "read", to: "usable", on: "ok", why: "it has the form that was asked for" },
    { from: "read", to: "tell", on: "tell", why: "it has not, and it was not told yet" },
    { from: "read", to: "draw", on: "resample", why: "it was told already, or its role has no words for that" },
    { from: "read", to: "unusable", on: "give-up", why: "four replies could not be read, or the prompt has no room" },
    { from: "tell", to: "read", on: "replied", why: "there is another reply" },
    { from: "draw", to: "read", on: "replied", why: "there is another reply" },
  ],
  bounds: { tell: "once", draw: "four replies in all" },
};

import type { ToolCallPiece } from "./chat-stream.ts";

type ToolCall = { index: number | undefined; id: string; name: string; arguments: string };

/**
 * Puts together the tool calls that a server took out of a reply, and writes them as the text that
 * ATOS's parser of replies reads: `{"tool_calls":[{"id":…,"type":"function","function":{"name":…,
 * "arguments":"…"}}]}`, the arguments as the text the model wrote. Without calls it is empty. Pure.
 *
 * A piece continues the call of its index, and without one the last call. It begins another one when its
 * index is new, and when it names a function under another id than the call it would continue: Ollama
 * sent every call of a reply under index 0.
 */
export function toolCallText(pieces: readonly ToolCallPiece[]): string {
  const calls: ToolCall[] = [];
  for (const piece of pieces) {
    const open = piece.index === undefined ? calls.at(-1) : calls.findLast((call) => call.index === piece.index);
    const call = open !== undefined && continues(open, piece) ? open : begin(calls, piece);
    if (call.id === "") call.id = piece.id ?? "";
    if (call.name === "") call.name = piece.name ?? "";
    call.arguments += piece.arguments;
  }
  if (calls.length === 0) return "";
  return JSON.stringify({
    tool_calls: calls.map(({ id, name, arguments: text }, at) => ({
      id: id === "" ? `call_${at}` : id,
      type: "function",
      function: { name, arguments: text === "" ? "{}" : text },
    })),
  });
}

function continues(open: ToolCall, piece: ToolCallPiece): boolean {
  if (piece.name === undefined) return true;
  if (piece.id !== undefined && open.id !== "" && piece.id !== open.id) return false;
  // Without index and id a name is all that can begin a call.
  return piece.index !== undefined || piece.id !== undefined || open.name === "";
}

function begin(calls: ToolCall[], { index }: ToolCallPiece): ToolCall {
  const call = { index, id: "", name: "", arguments: "" };
  calls.push(call);
  return call;
}

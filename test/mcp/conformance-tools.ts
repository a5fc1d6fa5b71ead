import { z } from "zod";
import { defineTool, type Tool, type ToolServer } from "../../src/tools/tool.ts";

const annotations = { readOnly: true, destructive: false, idempotent: true, openWorld: false };
const input = z.strictObject({});
const output = z.strictObject({ text: z.string() });

/** What the conformance suite calls of a server that offers tools and nothing else. The names and texts are the suite's. */
export function conformanceTools(): ToolServer {
  return {
    name: "conformance",
    instructions: "Answers the conformance suite.",
    tools: [
      saying("test_simple_text", "This is a simple text response for testing."),
      // The suite looks for notifications and requests that must not come while these run.
      saying("test_logging_tool", "done"),
      saying("test_streaming_elicitation", "done"),
      defineTool({
        name: "test_error_handling",
        title: "Failure",
        description: "Always fails.",
        input,
        output,
        annotations,
        effect: "none",
        run: async () => ({ ok: false, why: "This tool intentionally returns an error for testing" }),
      }),
    ],
  };
}

function saying(name: string, text: string): Tool {
  return defineTool({
    name,
    title: name,
    description: "Answers with a text.",
    input,
    output,
    annotations,
    effect: "none",
    run: async () => ({ ok: true, output: { text }, text }),
  });
}

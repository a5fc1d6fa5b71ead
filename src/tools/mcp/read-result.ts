import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/client";
import type { RawResult } from "../gate/gate-tool.ts";
import { exceedsSize } from "./exceeds-size.ts";
import { isJsonObject } from "./is-json-object.ts";

/**
 * What a tool answered, as text and structured output. What is no text is named and left out; text beyond
 * `limitChars` is cut, with a note that says so, and structured output beyond it is left out. Pure.
 */
export function readResult(result: CallToolResult, limitChars: number): RawResult {
  const { structuredContent } = result;
  const structured =
    isJsonObject(structuredContent) && !exceedsSize(structuredContent, limitChars) ? structuredContent : undefined;
  const written = result.content.map(textOf).join("\n");
  const text = written === "" && structured !== undefined ? JSON.stringify(structured) : written;
  return {
    ok: result.isError !== true,
    text: cutText(text, limitChars),
    ...(structured === undefined ? {} : { structured }),
  };
}

function textOf(block: ContentBlock): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
    case "audio":
      return `[${block.type}, ${block.mimeType}, ${block.data.length} characters of base64: not shown]`;
    case "resource_link":
      return `[link: ${block.uri}]`;
    case "resource":
      return "text" in block.resource ? block.resource.text : `[file: ${block.resource.uri}, not shown]`;
  }
}

/** Never in the middle of a surrogate pair. */
function cutText(text: string, limitChars: number): string {
  if (text.length <= limitChars) return text;
  const kept = text.slice(0, limitChars).replace(/[\uD800-\uDBFF]$/, "");
  return `${kept}\n[${text.length - kept.length} characters more were left out]`;
}

import { z } from "zod";
import { type ToolDefinition, type ToolProperty, toolDefinition } from "../../engine/dialects/tool-definition.ts";
import type { Tool } from "../tool.ts";

/** Arguments whose white space matters, by the names that tools give them. */
const VERBATIM = new Set(["content", "code", "search", "replace", "patch", "diff", "note", "message", "text", "body"]);

/**
 * What a model is told of one of ATOS's tools, from the very schema that its calls are held against. Text that is
 * content is taken as written; a schema says so too, or says otherwise, with `.meta({ "x-verbatim": … })`. Pure.
 */
export function ownDefinition(tool: Tool): ToolDefinition {
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.input.strict(), { io: "input" });
  const parsed = toolDefinition.parse({
    name: tool.name,
    description: tool.description,
    parameters,
    ...(tool.example === undefined ? {} : { "x-example": tool.example }),
  });
  const properties = Object.entries(parsed.parameters.properties).map(([name, property]) => [
    name,
    VERBATIM.has(name) ? verbatim(property) : property,
  ]);
  return { ...parsed, parameters: { ...parsed.parameters, properties: Object.fromEntries(properties) } };
}

function verbatim(property: ToolProperty): ToolProperty {
  return property.type === "string" ? { "x-verbatim": true, ...property } : property;
}

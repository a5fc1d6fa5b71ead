import { createHash } from "node:crypto";
import type { Tool as ListedTool } from "@modelcontextprotocol/client";
import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { type ToolDefinition, toolDefinition } from "../../engine/dialects/tool-definition.ts";
import { type ArgumentCheck, argumentCheck } from "./external-schema.ts";
import type { ExternalServer } from "./read-mcp-entry.ts";

/** A tool of another's server, made fit to be shown to a model. */
export type ExternalTool = {
  /** What the server calls it. */
  readonly name: string;
  readonly definition: ToolDefinition;
  readonly check: ArgumentCheck;
};
export type ReadTool = ({ readonly ok: true } & ExternalTool) | { readonly ok: false; readonly why: string };

const MAX_NAME_CHARS = 64;
/** About 60 tokens. */
const MAX_DESCRIPTION_CHARS = 240;
const MAX_ARGUMENTS = 32;
const MAX_ENUM_CHARS = 200;
const PLAIN_VALUE = /^[\w .,:/@+-]{1,40}$/;

const listedProperty = z.looseObject({
  type: z
    .union([z.enum(["string", "integer", "number", "boolean", "array", "object", "null"]), z.array(z.string())])
    .optional()
    .catch(undefined),
  minLength: z.number().optional().catch(undefined),
  minimum: z.number().optional().catch(undefined),
  maximum: z.number().optional().catch(undefined),
  enum: z.array(z.unknown()).optional().catch(undefined),
});

/**
 * Reads what a server told of a tool. Its words are a stranger's and go into prompts: they are cut, and what could be
 * taken for a mark of a model's format, or is not seen at all, is taken out. Pure.
 */
export function externalTool(server: ExternalServer, listed: ListedTool): ReadTool {
  const name = `${server.prefix}__${listed.name.replaceAll(/[^A-Za-z0-9]+/g, "_").replaceAll(/^_+|_+$/g, "")}`;
  if (name.endsWith("__") || name.length > MAX_NAME_CHARS)
    return { ok: false, why: "its name can't be written by models" };
  const { properties = {}, required = [], additionalProperties } = listed.inputSchema;
  const names = Object.keys(properties);
  if (names.length > MAX_ARGUMENTS) return { ok: false, why: `it has more than ${MAX_ARGUMENTS} arguments` };
  if (!names.every((key) => /^[A-Za-z_][\w.-]{0,63}$/.test(key)))
    return { ok: false, why: "an argument's name can't be written by models" };
  try {
    const definition = toolDefinition.parse({
      name,
      description: shownText(listed.description ?? listed.title ?? ""),
      parameters: {
        type: "object",
        properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, shownProperty(value)])),
        required: required.filter((key) => names.includes(key)),
        ...(additionalProperties === false ? { additionalProperties } : {}),
      },
    });
    return { ok: true, name: listed.name, definition, check: argumentCheck(listed.inputSchema) };
  } catch (error) {
    return { ok: false, why: `its schema can't be used: ${shownText(messageOf(error))}` };
  }
}

/** A stranger's words as they may stand in a prompt or on a terminal, on one line. Pure. */
export function shownText(text: string): string {
  const plain = text
    .slice(0, 4 * MAX_DESCRIPTION_CHARS)
    .replaceAll(/\[(\/?[A-Z_]+)\]/g, "$1")
    .replaceAll(/[<>`]/g, "'")
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim();
  return plain.length <= MAX_DESCRIPTION_CHARS ? plain : `${plain.slice(0, MAX_DESCRIPTION_CHARS - 1)}…`;
}

/** Only what says how to write the value; all else of the schema is kept for the check. */
function shownProperty(value: unknown): Record<string, unknown> {
  const parsed = listedProperty.safeParse(value);
  if (!parsed.success) return {};
  const { type, minLength, minimum, maximum, enum: values } = parsed.data;
  const isPlain = values?.every((item) => PLAIN_VALUE.test(String(item))) && values.join("|").length <= MAX_ENUM_CHARS;
  return Object.fromEntries(
    Object.entries({ type, minLength, minimum, maximum, enum: isPlain ? values : undefined }).filter(
      ([, item]) => item !== undefined,
    ),
  );
}

/** The same as long as a model is told the same of the tool. Pure. */
export function toolFingerprint({ name, title, description, inputSchema }: ListedTool): string {
  return createHash("sha256").update(canonical({ name, title, description, inputSchema })).digest("hex");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries: readonly [string, unknown][] = Object.entries(value);
  const sorted = entries.filter(([, item]) => item !== undefined).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

// The conformance suite's client: ATOS's connection to others' servers, calling each tool it is offered. The suite
// appends its server's address, and says in the environment which calls a scenario wants to see.
import { connectExternal } from "../../src/tools/mcp/connect-external.ts";
import type { GateTool } from "../../src/tools/gate/gate-tool.ts";
import { isJsonObject } from "../../src/tools/mcp/is-json-object.ts";
import type { JsonObject, JsonValue } from "../../src/engine/dialects/reading.ts";

const { signal } = new AbortController();
await using connected = await connectExternal(
  {
    name: "suite",
    prefix: "suite",
    readOnly: [],
    secrets: [],
    reach: { kind: "http", url: new URL(process.argv.at(-1) ?? ""), headers: {} },
  },
  { version: "0.0.0", env: {}, known: {} },
  signal,
);
for (const [index, { tool, value }] of wantedCalls().entries()) {
  const valid = tool.validate(value);
  if (!valid.ok) {
    process.stderr.write(`${valid.why}\n`);
    continue;
  }
  const result = await tool.call(valid.value, { signal, idempotencyKey: `call-${index}` });
  process.stdout.write(`${tool.definition.name}: ${result.ok ? "ok" : "failed"}\n`);
}

/** The calls that the scenario names, or one of each tool. */
function wantedCalls(): readonly { readonly tool: GateTool; readonly value: JsonObject }[] {
  const context: unknown = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}");
  const wanted: unknown = isJsonObject(context) ? context["toolCalls"] : undefined;
  if (!Array.isArray(wanted)) return connected.tools.map((tool) => ({ tool, value: sampleOf(tool) }));
  return wanted.flatMap((call: unknown) => {
    const { name, arguments: value }: { name?: unknown; arguments?: unknown } = Object(call);
    const tool = connected.tools.find(({ definition }) => definition.name === `suite__${String(name)}`);
    return tool !== undefined && isJsonObject(value) ? [{ tool, value: withoutNulls(value) }] : [];
  });
}

/** As the reader of models' replies does: an argument that is null is not given. */
function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
}

function sampleOf({ definition }: GateTool): JsonObject {
  const { properties, required } = definition.parameters;
  return Object.fromEntries(required.map((name) => [name, sampleValue(properties[name]?.type)]));
}

function sampleValue(type: unknown): JsonValue {
  if (type === "number" || type === "integer") return 3;
  if (type === "boolean") return true;
  if (type === "array") return [];
  return type === "object" ? {} : "text";
}

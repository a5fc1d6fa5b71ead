// The conformance suite's client: ATOS's connection to others' servers, calling each tool it is offered. The suite
// appends its server's address, and says in the environment which calls a scenario wants to see. Where a log-in is
// needed it does as a person would after `atos mcp --login`, but the browser is a plain fetch: the suite's
// authorization servers agree to everything.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtosError } from "../../src/base/errors.ts";
import type { JsonObject, JsonValue } from "../../src/engine/dialects/reading.ts";
import type { GateTool } from "../../src/tools/gate/gate-tool.ts";
import { connectExternal } from "../../src/tools/mcp/connect-external.ts";
import { isJsonObject } from "../../src/tools/mcp/is-json-object.ts";
import { logIn } from "../../src/tools/mcp/log-in.ts";
import type { OauthSettings } from "../../src/tools/mcp/oauth-settings.ts";

const MAX_LOGINS = 3;
const { signal } = new AbortController();
const context: unknown = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}");
const folder = mkdtempSync(join(tmpdir(), "atos-suite-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const server = {
  name: "suite",
  prefix: "suite",
  readOnly: [],
  secrets: [],
  reach: { kind: "http", url: new URL(process.argv.at(-1) ?? ""), headers: {}, oauth: oauthOf() },
} as const;
let logins = 0;
await using connected = await loggedIn(() =>
  connectExternal(server, { version: "0.0.0", env: {}, known: {}, loginsFolder: folder }, signal),
);
for (const [index, { tool, value }] of wantedCalls().entries()) {
  const valid = tool.validate(value);
  if (!valid.ok) {
    process.stderr.write(`${valid.why}\n`);
    continue;
  }
  const result = await loggedIn(() => tool.call(valid.value, { signal, idempotencyKey: `call-${index}` }));
  process.stdout.write(`${tool.definition.name}: ${result.ok ? "ok" : "failed"}\n`);
}

/** What `work` gives, logging in whenever it says that this is needed. */
async function loggedIn<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AtosError) || error.code !== "tools/login-needed" || logins >= MAX_LOGINS) throw error;
      logins += 1;
      await logIn(
        server,
        { folder, show: (address) => void fetch(address).catch(() => undefined), timeoutMs: 5000 },
        signal,
      );
    }
  }
}

/** What a person would have put into `mcp.json` for the scenario. */
function oauthOf(): OauthSettings {
  if (process.env["MCP_CONFORMANCE_SCENARIO"] === "auth/basic-cimd")
    return { clientId: "https://conformance-test.local/client-metadata.json" };
  if (!isJsonObject(context)) return {};
  const { client_id: clientId, client_secret: clientSecret, issuer } = context;
  if (typeof clientId !== "string" || typeof clientSecret !== "string") return {};
  return {
    clientId,
    clientSecret,
    ...(typeof issuer === "string" ? { issuer } : { grant: "client_credentials" }),
  };
}

/** The calls that the scenario names, or one of each tool. */
function wantedCalls(): readonly { readonly tool: GateTool; readonly value: JsonObject }[] {
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

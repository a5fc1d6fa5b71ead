import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMcpJson, readMcpJson } from "./read-mcp-json.ts";

const place = { file: "/home/me/.config/atos/mcp.json", env: { TOKEN: "made-up", EMPTY: "", HOME: "/home/me" } };
const parse = (mcpServers: unknown) => parseMcpJson(JSON.stringify({ mcpServers }), place).servers;

test("a server is a program with arguments, or an address with headers", () => {
  assert.deepEqual(
    parse({
      "GitHub tools": {
        command: "${HOME}/bin/npx",
        args: ["-y", "${TOKEN}", "${HOME}/notes", "${env:MISSING:-none}"],
        env: { KEY: "a${TOKEN}b", OTHER: "${MISSING:-none}", BLANK: "${EMPTY:-}" },
        atos: { readOnly: ["search"] },
      },
      far: { type: "http", url: "https://example.com/mcp", headers: { Authorization: "Bearer ${TOKEN}" } },
      near: { url: "http://127.0.0.1:8080/mcp", type: "streamable-http" },
    }),
    [
      {
        name: "GitHub tools",
        prefix: "GitHub_tools",
        readOnly: ["search"],
        secrets: ["made-up", "amade-upb", "none", ""],
        reach: {
          kind: "stdio",
          command: "/home/me/bin/npx",
          args: ["-y", "made-up", "/home/me/notes", "none"],
          env: { KEY: "amade-upb", OTHER: "none", BLANK: "" },
          cwd: "/home/me/.config/atos",
        },
      },
      {
        name: "far",
        prefix: "far",
        readOnly: [],
        secrets: ["made-up", "Bearer made-up"],
        reach: { kind: "http", url: new URL("https://example.com/mcp"), headers: { Authorization: "Bearer made-up" } },
      },
      {
        name: "near",
        prefix: "near",
        readOnly: [],
        secrets: [],
        reach: { kind: "http", url: new URL("http://127.0.0.1:8080/mcp"), headers: {} },
      },
    ],
  );
});

test("what is wrong is told with the file, the server and the key, and never with a value", () => {
  const plain = (text: string): string => text.replace("/home/me/.config/atos/mcp.json: ", "");
  const wrong = (text: string | object) => {
    try {
      const { problems } = parseMcpJson(typeof text === "string" ? text : JSON.stringify({ mcpServers: text }), place);
      return plain(problems[0]?.text ?? assert.fail(`${JSON.stringify(text)} was read`));
    } catch (error) {
      if (Object(error).code !== "tools/bad-mcp-json") throw error;
      return error instanceof Error ? plain(error.message) : "";
    }
  };
  assert.deepEqual(
    [
      wrong('{"mcpServers": {"a": {"env": {"KEY": made-up}}}}'),
      wrong('{"mcpServers": [1 2'),
      wrong('{"programs": {}}'),
      wrong({ a: { command: "x", atos: { readonly: [] } } }),
      wrong({ a: { command: "" } }),
      wrong({ a: {} }),
      wrong({ a: { type: "sse", url: "https://example.com" } }).split(";")[0],
      wrong({ a: { url: "http://example.com/mcp" } }),
      wrong({ a: { url: "https://me:made-up@example.com/" } }),
      wrong({ a: { url: "file:///etc/passwd" } }),
      wrong({ a: { command: "x", env: { KEY: "${MISSING}" } } }),
      wrong({ a: { url: "https://example.com", oauth: { clientSecret: "made-up" } } }).split(";")[0],
      wrong({ a: { url: "https://example.com", oauth: { clientId: "a", clientSecret: "${TOKEN}" } } }),
      wrong({ a: { url: "https://example.com", oauth: { grant: "client_credentials" } } }),
      wrong({ a: { url: "https://example.com", oauth: {}, headers: { authorization: "made-up" } } }),
      wrong({ a: { url: "https://example.com", oauth: { secret: "made-up" } } }),
      wrong({ a: { url: "https://example.com", headers: { Key: "a\r\nOther: made-up" } } }),
      wrong({ "a-b": { command: "x" }, "a.b": { command: "y" } }),
      wrong({ __: { command: "x" } }),
      wrong({ "a\u001b[2J": { command: "x" } }),
    ],
    [
      "it is no JSON",
      "it is no JSON, at line 1 column 19",
      'it must be {"mcpServers": {…}}',
      'server "a": atos: Unrecognized key: "readonly"',
      'server "a": command: Too small: expected string to have >=1 characters',
      'server "a": command: Invalid input: expected string, received undefined',
      'server "a": the transport sse was given up by MCP',
      'server "a": url must be https; http is for localhost and private addresses',
      'server "a": url holds a name or password; use headers',
      'server "a": url: must be an https address',
      'server "a": env.KEY needs the environment variable MISSING, which is not set; set it, or write ${MISSING:-default}',
      'server "a": oauth.clientSecret: must be ${VAR}: a secret has no place in the file',
      'server "a": oauth: clientSecret needs clientId, and issuer: the one authorization server that may see it',
      'server "a": oauth: grant client_credentials needs clientSecret',
      'server "a": it has both oauth and the header Authorization; leave one out',
      'server "a": oauth: Unrecognized key: "secret"',
      'server "a": headers.Key: must be one line',
      "the tools of a-b and a.b would both be called a_b__…; rename one server",
      'server "__": a name needs a letter or a digit',
      'server "a\\u001b[2J": a name has 1 to 64 letters, digits and ._-',
    ],
  );
});

test("a log-in's settings stand in the file, the client's secret in the environment", () => {
  const issuer = "https://login.example.com";
  const oauth = { clientId: "atos", clientSecret: "${TOKEN}", issuer, scope: "read write", callbackPort: 8123 };
  const [server] = parse({ a: { url: "https://example.com/mcp", oauth } });
  assert.deepEqual(server, {
    name: "a",
    prefix: "a",
    readOnly: [],
    secrets: ["made-up"],
    reach: {
      kind: "http",
      url: new URL("https://example.com/mcp"),
      headers: {},
      oauth: { ...oauth, clientSecret: "made-up" },
    },
  });
});

test("a file of another program is read, and what is not heeded is told", () => {
  const good = { command: "x", autoApprove: ["delete_all"], timeout: 60, disabled: false };
  const servers = {
    good,
    off: { command: "${MISSING}", disabled: true },
    unset: { command: "x", env: { KEY: "${MISSING}" } },
    asks: { command: "x", args: ["${input:key}"] },
    sse: { type: "sse", url: "https://example.com" },
  };
  const { servers: read, problems, notices } = parseMcpJson(JSON.stringify({ inputs: [], servers }), place);
  assert.deepEqual(
    read.map(({ name }) => name),
    ["good"],
  );
  assert.deepEqual(
    problems.map(({ server, text }) => [server, text.split(": ").slice(2).join(": ").split(";")[0]]),
    [
      ["unset", "env.KEY needs the environment variable MISSING, which is not set"],
      ["asks", "args.0 has ${input:…}, and ATOS asks for no inputs"],
      ["sse", "the transport sse was given up by MCP"],
    ],
  );
  assert.deepEqual(notices, [
    '"inputs" is not heeded',
    'good: "autoApprove" is not heeded: what needs no question is said by rules of policy.yaml',
    'good: "timeout" is not heeded',
    "off is disabled",
  ]);
});

test("where there is no file there are no servers", async () => {
  assert.deepEqual(await readMcpJson("/nowhere/mcp.json", {}), { servers: [], problems: [], notices: [] });
});

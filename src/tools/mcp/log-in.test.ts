import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  type LoginServer,
  type LoginServerOptions,
  startLoginServer,
} from "../../../test/fixtures/mcp/login-server.ts";
import { connectExternal } from "./connect-external.ts";
import { logIn } from "./log-in.ts";
import type { OauthSettings } from "./oauth-settings.ts";
import { writeLogin } from "./saved-login.ts";

const LIMITS = { connectMs: 5000, callMs: 5000, messageBytes: 1024 * 1024, resultChars: 1000 };
const { signal } = new AbortController();
const context = { signal, idempotencyKey: "build/1/call" };
const NEEDED = {
  code: "tools/login-needed",
  exitCode: 3,
  message: "the server far of mcp.json wants a log-in; run: atos mcp --login far",
};

test("a server is used after a log-in, whose tokens only their owner can read", async (t) => {
  const { server, connect, login, folder } = await start(t);
  await assert.rejects(connect(), NEEDED);
  assert.deepEqual(server.asked, [], "nobody is asked for anything before a person is there");
  await login();
  const { tools } = await connect();
  assert.deepEqual(await tools[0]?.call({ text: "hello" }, context), { ok: true, text: "hello" });
  assert.deepEqual(server.asked, [
    "GET /.well-known/oauth-protected-resource/mcp",
    "GET /.well-known/oauth-authorization-server",
    "POST /register",
    "GET /authorize",
    "POST /token",
  ]);
  const [request] = server.tokenRequests;
  assert.equal(request?.get("resource"), server.url.href);
  const mode = (...parts: string[]) => statSync(join(folder, ...parts)).mode & 0o777;
  assert.deepEqual([readdirSync(folder), mode(), mode("far.json")], [["far.json"], 0o700, 0o600]);
});

test("a return from the browser counts once, and only with the state of this log-in", async (t) => {
  const { login, connect } = await start(t);
  const statuses: number[] = [];
  await login(async (address) => {
    const back = (await fetch(address, { redirect: "manual" })).headers.get("location") ?? "";
    const wrong = new URL(back);
    wrong.searchParams.set("state", "0".repeat(43));
    const twice = new URL(back);
    twice.searchParams.append("state", "more");
    const none = new URL(back);
    none.searchParams.delete("state");
    for (const url of [wrong, twice, none, new URL("/", back)]) statuses.push((await fetch(url)).status);
    const again = fetch(back);
    statuses.push((await fetch(back)).status, await again.then(({ status }) => status).catch(() => 400));
  });
  assert.deepEqual(
    [statuses.slice(0, 4), statuses.slice(4).toSorted((one, other) => one - other)],
    [
      [400, 400, 400, 404],
      [200, 400],
    ],
  );
  assert.equal((await connect()).tools.length, 1);
});

test("a token that is no longer good is renewed by itself, once for all calls", async (t) => {
  const { server, connect, login } = await start(t);
  await login();
  const { tools } = await connect();
  server.revoke();
  const [echo = assert.fail("no tool")] = tools;
  const results = await Promise.all(["a", "b", "c"].map((text) => echo.call({ text }, context)));
  assert.deepEqual(
    results.map(({ text }) => text),
    ["a", "b", "c"],
  );
  assert.deepEqual(
    server.tokenRequests.map((request) => request.get("grant_type")),
    ["authorization_code", "refresh_token"],
  );
  await echo.call({ text: "d" }, context);
  assert.equal(server.tokenRequests.length, 2);
});

test("a renewal that is refused is a log-in that is needed, and its tokens are forgotten", async (t) => {
  const { server, connect, login, kept } = await start(t);
  await login();
  const { tools } = await connect();
  server.options = { refresh: "refused" };
  server.revoke();
  await assert.rejects(tools[0]?.call({ text: "a" }, context) ?? assert.fail(), NEEDED);
  assert.deepEqual(kept(), {
    url: server.url.href,
    wanted: {
      scope: "read",
      resourceMetadataUrl: new URL("/.well-known/oauth-protected-resource/mcp", server.url).href,
    },
  });
  await assert.rejects(connect(), NEEDED);
  await login();
  assert.deepEqual(await tools[0]?.call({ text: "b" }, context), { ok: true, text: "b" });
});

test("a renewal that another process made meanwhile is used", async (t) => {
  const { server, connect, login } = await start(t);
  await login();
  const { tools } = await connect();
  server.revoke();
  // The other process: a log-in of its own, in the same folder.
  await login();
  assert.deepEqual(await tools[0]?.call({ text: "a" }, context), { ok: true, text: "a" });
  assert.ok(server.tokenRequests.every((request) => request.get("grant_type") === "authorization_code"));
});

test("an authorization server in trouble costs no log-in, and what it says is not passed on", async (t) => {
  const { server, connect, login, kept } = await start(t);
  await login();
  const { tools } = await connect();
  server.options = { refresh: "broken" };
  server.revoke();
  const said: unknown[] = [];
  t.mock.method(console, "warn", (...words: unknown[]) => said.push(...words));
  await assert.rejects(tools[0]?.call({ text: "a" }, context) ?? assert.fail(), (error: Error) => {
    assert.equal(Object(error).code, "tools/login-failed");
    assert.equal(
      error.message,
      "the log-in at the server far of mcp.json failed: the authorization server answered server_error",
    );
    assert.doesNotMatch(
      `${JSON.stringify(error)} ${error.stack} ${String(error.cause)}`,
      /(?:access|refresh)-[0-9a-f]/,
    );
    return true;
  });
  assert.deepEqual(said, []);
  assert.match(String(kept()["tokens"] && JSON.stringify(kept())), /refresh-/);
  server.options = {};
  assert.deepEqual(await tools[0]?.call({ text: "a" }, context), { ok: true, text: "a" });
});

test("a server that says its token gets it into no result and no error", async (t) => {
  const { connect, login } = await start(t);
  await login();
  const { tools } = await connect();
  assert.deepEqual(await tools[0]?.call({ text: "token" }, context), { ok: true, text: "Bearer …" });
  await assert.rejects(tools[0]?.call({ text: "fail" }, context) ?? assert.fail(), (error: Error) => {
    assert.match(error.message, /it was Bearer …/);
    return true;
  });
});

test("tokens are shown to no other address of the same name", async (t) => {
  const { folder, login } = await start(t);
  await login();
  const other = await start(t, {}, { folder });
  await assert.rejects(other.connect(), NEEDED);
  assert.deepEqual([...new Set(other.server.shown)], [undefined]);
});

test("tokens are shown to no other authorization server than the one that gave them", async (t) => {
  const { server, connect, login } = await start(t);
  const other = await start(t);
  await login();
  const { tools } = await connect();
  server.revoke();
  server.options = { resource: { authorization_servers: [other.server.url.origin] } };
  await assert.rejects(tools[0]?.call({ text: "a" }, context) ?? assert.fail(), NEEDED);
  assert.deepEqual(other.server.tokenRequests, []);
});

test("a call that needs a wider scope asks for a log-in, which asks for the old scope and the new", async (t) => {
  const { server, connect, login } = await start(t);
  await login();
  server.options = { callScope: "write" };
  const { tools } = await connect();
  const call = () => tools[0]?.call({ text: "a" }, context) ?? assert.fail();
  await assert.rejects(call(), NEEDED);
  let scope: string | null = null;
  await login((address) => {
    scope = address.searchParams.get("scope");
    return fetch(address);
  });
  assert.equal(scope, "read write");
  assert.deepEqual(await call(), { ok: true, text: "a" });
});

test("metadata that is another's, or leads away, is refused before a person is sent anywhere", async (t) => {
  const elsewhere = await start(t);
  const away = elsewhere.server.url.href;
  const why = async (options: LoginServerOptions, oauth: OauthSettings = {}) => {
    const { login, kept } = await start(t, options, { oauth });
    const shown: URL[] = [];
    const reason = await login(async (address) => void shown.push(address), { timeoutMs: 50 }).catch(reasonOf);
    assert.deepEqual([shown, kept()], [[], {}]);
    return reason;
  };
  assert.deepEqual(
    [
      await why({ resource: { resource: away } }),
      await why({ metadata: { issuer: "https://issuer.example.com" } }),
      await why({ resource: { authorization_servers: ["http://issuer.example.com"] } }),
      await why({ metadata: { authorization_endpoint: "http://example.com/authorize" } }),
      await why({ metadata: { code_challenge_methods_supported: ["plain"] } }),
      await why({ metadata: { code_challenge_methods_supported: undefined } }),
      await why({ metadata: { registration_endpoint: "http://example.com/register" } }),
      await why({ metadata: { registration_endpoint: undefined } }),
      await why({}, { issuer: "https://issuer.example.com" }),
    ],
    [
      "its metadata is that of another server",
      "the authorization server's metadata names another issuer than the one it was looked up for",
      "it leads to http://issuer.example.com, which is not https",
      "it leads to http://example.com, which is not https",
      "the authorization server does not offer PKCE with S256",
      "the authorization server does not offer PKCE with S256",
      "it leads to http://example.com, which is not https",
      "the authorization server lets nobody register; put a clientId into oauth of its entry",
      "it names another authorization server than issuer in mcp.json",
    ],
  );
  const redirecting = await start(t, { redirectMetadata: away, metadata: { issuer: "https://issuer.example.com" } });
  await assert.rejects(redirecting.login(), { code: "tools/login-failed" });
  assert.deepEqual([elsewhere.server.asked, elsewhere.server.shown], [[], []]);
});

test("a code is not sent on to a token address that is not https", async (t) => {
  const { login, kept } = await start(t, { metadata: { token_endpoint: "http://example.com/token" } });
  assert.equal(await login().catch(reasonOf), "the authorization server's token address is not https");
  assert.deepEqual(kept(), {});
});

test("an answer of another authorization server, or a refusal, is no log-in", async (t) => {
  const why = async (answer: Readonly<Record<string, string>>) => {
    const { server, login, kept } = await start(t, { answer });
    const own = Object.fromEntries(
      Object.entries(answer).map(([key, value]) => [key, value.replace("OWN", server.url.origin)]),
    );
    server.options = { answer: own };
    const reason = await login().catch(reasonOf);
    assert.deepEqual([server.tokenRequests, kept()], [[], {}]);
    return reason;
  };
  assert.deepEqual(
    [
      await why({ code: "CODE", iss: "https://issuer.example.com" }),
      await why({ code: "CODE" }),
      await why({ error: "access_denied", iss: "OWN", error_description: "\u001b[2J" }),
      await why({ error: "\u001b[2J", iss: "OWN" }),
    ],
    [
      "the answer is not from the authorization server that was asked",
      "the answer is not from the authorization server that was asked",
      "the authorization server answered access_denied",
      "the authorization server answered an error",
    ],
  );
});

test("a log-in that nobody makes ends at its deadline, or when it is given up, and its port is free again", async (t) => {
  const { login } = await start(t);
  let address: URL | undefined;
  const nobody = async (url: URL) => void (address = url);
  assert.equal(
    await login(nobody, { timeoutMs: 50 }).catch(reasonOf),
    "nobody came back from the browser within 1 minutes",
  );
  await assert.rejects(fetch(address?.searchParams.get("redirect_uri") ?? assert.fail()), TypeError);
  const stop = new AbortController();
  const given = login(async () => stop.abort(), { signal: stop.signal });
  await assert.rejects(given, { name: "AbortError" });
});

test("a client that mcp.json names registers nothing, and comes back where it is known to", async (t) => {
  const taken = await startLoginServer();
  t.after(() => taken[Symbol.asyncDispose]());
  const callbackPort = Number(taken.url.port);
  const { server, login, connect } = await start(t, {}, { oauth: { clientId: "atos-of-mine", callbackPort } });
  assert.equal(
    await login().catch(reasonOf),
    `nothing can listen for the browser's return: listen EADDRINUSE: address already in use 127.0.0.1:${callbackPort}`,
  );
  await taken[Symbol.asyncDispose]();
  let back: string | null = null;
  await login((address) => {
    back = address.searchParams.get("redirect_uri");
    return fetch(address);
  });
  assert.equal(back, `http://127.0.0.1:${callbackPort}/callback`);
  assert.equal(server.tokenRequests[0]?.get("client_id"), "atos-of-mine");
  assert.ok(!server.asked.includes("POST /register"));
  server.revoke();
  assert.equal((await connect()).tools.length, 1);
  assert.equal(server.tokenRequests[1]?.get("client_id"), "atos-of-mine");
  await assert.rejects(connect({ clientId: "another" }), NEEDED);
});

test("a client of its own logs in without a person, at the issuer of mcp.json and nowhere else", async (t) => {
  const client = { id: "atos", secret: "made-up-value" };
  const { server, connect } = await start(t, { client });
  const oauthOf = (issuer: string): OauthSettings => ({
    clientId: client.id,
    clientSecret: client.secret,
    grant: "client_credentials",
    issuer,
  });
  const { tools } = await connect(oauthOf(server.url.origin));
  assert.equal((await tools[0]?.call({ text: "a" }, context))?.ok, true);
  server.revoke();
  assert.equal((await tools[0]?.call({ text: "b" }, context))?.ok, true);
  assert.deepEqual(
    server.tokenRequests.map((request) => request.get("grant_type")),
    ["client_credentials", "client_credentials"],
  );
  server.revoke();
  await assert.rejects(connect(oauthOf("https://issuer.example.com")), { code: "tools/login-failed" });
  server.options = { client: { ...client, secret: "another" } };
  await assert.rejects(connect(oauthOf(server.url.origin)), (error: Error) => {
    assert.match(error.message, /failed: the authorization server answered invalid_client$/);
    return true;
  });
});

test("a file that is no log-in is told of without a word of it, and so is one of an unknown form", async (t) => {
  const { connect, folder, server } = await start(t);
  const place = { folder, name: "far", url: server.url };
  await writeLogin(place, {});
  for (const text of ["refresh-0", '{"url": "refresh-0"}', '{"url": 5, "tokens": "refresh-0"}']) {
    writeFileSync(join(folder, "far.json"), text);
    if (text.startsWith('{"url": "')) await assert.rejects(connect(), NEEDED);
    else
      await assert.rejects(connect(), {
        code: "tools/bad-login",
        message: `${join(folder, "far.json")} can't be read; remove it: atos mcp --logout "far"`,
      });
  }
});

type Starting = { readonly folder?: string; readonly oauth?: OauthSettings };
type LoggingIn = { readonly timeoutMs?: number; readonly signal?: AbortSignal };

/** A server, and what a person and a build do with it. The browser is a plain fetch. */
async function start(t: TestContext, options: LoginServerOptions = {}, { folder: given, oauth = {} }: Starting = {}) {
  const server: LoginServer = await startLoginServer(options);
  t.after(() => server[Symbol.asyncDispose]());
  const home = mkdtempSync(join(tmpdir(), "atos-login-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const folder = given ?? join(home, "mcp-logins");
  const target = (settings: OauthSettings) =>
    ({
      name: "far",
      prefix: "far",
      readOnly: [],
      secrets: [],
      reach: { kind: "http", url: server.url, headers: {}, oauth: settings },
    }) as const;
  return {
    server,
    folder,
    kept: (): Record<string, unknown> => {
      try {
        return Object(JSON.parse(readFileSync(join(folder, "far.json"), "utf8")));
      } catch {
        return {};
      }
    },
    connect: async (settings = oauth) => {
      const known = { version: "1", env: {}, known: {}, loginsFolder: folder, limits: LIMITS };
      const connected = await connectExternal(target(settings), known, signal);
      t.after(() => connected[Symbol.asyncDispose]());
      return connected;
    },
    login: (browse: (address: URL) => Promise<unknown> = fetch, more: LoggingIn = {}) =>
      logIn(
        target(oauth),
        {
          folder,
          show: (address) => void browse(address).catch(() => undefined),
          timeoutMs: more.timeoutMs ?? 5000,
        },
        more.signal ?? signal,
      ),
  };
}

function reasonOf(error: Error): string {
  assert.equal(Object(error).code, "tools/login-failed");
  return error.message.replace("the log-in at the server far of mcp.json failed: ", "");
}

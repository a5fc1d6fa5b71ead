import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type AtosError, messageOf, usageError } from "../../base/errors.ts";
import { hostKind } from "./host-kind.ts";
import { type OauthSettings, oauthSettings } from "./oauth-settings.ts";

/** A server that somebody else wrote, as a person named it in `mcp.json`. */
export type ExternalServer = {
  /** As in the file. */
  readonly name: string;
  /** What its tools' names begin with. */
  readonly prefix: string;
  /** Tools that the person says change nothing. */
  readonly readOnly: readonly string[];
  /** Values of env, headers and the client's secret: never to be shown. */
  readonly secrets: readonly string[];
  readonly reach: ServerReach;
};

export type ServerReach =
  | {
      readonly kind: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly cwd: string;
    }
  | {
      readonly kind: "http";
      readonly url: URL;
      readonly headers: Readonly<Record<string, string>>;
      readonly oauth?: OauthSettings;
    };

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_SERVERS = 32;
const MAX_PREFIX_CHARS = 24;
const MAX_FILE_BYTES = 256 * 1024;
const line = z.string().regex(/^[^\0\r\n]*$/, "must be one line");
const atos = z.strictObject({ readOnly: z.array(z.string().min(1)).max(128).default([]) }).default({ readOnly: [] });
const stdioSchema = z.strictObject({
  type: z.literal("stdio").optional(),
  command: line.min(1),
  args: z.array(z.string().max(4096)).max(256).default([]),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/, "must be a variable's name"), z.string()).default({}),
  cwd: line.min(1).optional(),
  atos,
});
const httpSchema = z.strictObject({
  type: z.enum(["http", "streamable-http"]).optional(),
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be a header's name"), line).default({}),
  oauth: oauthSettings.optional(),
  atos,
});

/** What `mcp.json` names; nothing where there is no such file. */
export async function readMcpJson(file: string, env: Environment): Promise<readonly ExternalServer[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw problem(file, messageOf(error));
  }
  return parseMcpJson(text, { file, env });
}

/**
 * Reads the text of an `mcp.json`. `${VAR}` and `${VAR:-default}` are replaced in env and headers, `${VAR}` in
 * oauth.clientSecret, and nowhere else: what is started, and with which arguments, stands in the file. Pure.
 *
 * @throws {AtosError} `tools/bad-mcp-json` naming the file, the server, the key and what is wrong; never a value.
 */
export function parseMcpJson(
  text: string,
  { file, env }: { readonly file: string; readonly env: Environment },
): readonly ExternalServer[] {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw problem(file, `it has more than ${MAX_FILE_BYTES} bytes`);
  const document = z.strictObject({ mcpServers: z.record(z.string(), z.unknown()) }).safeParse(readJson(text, file));
  if (!document.success)
    throw problem(file, `it must be {"mcpServers": {…}} and nothing else: ${issuesText(document.error)}`);
  const entries = Object.entries(document.data.mcpServers);
  if (entries.length > MAX_SERVERS)
    throw problem(file, `it names ${entries.length} servers; at most ${MAX_SERVERS} are used`);
  const servers = entries.map(([name, entry]) => readServer(name, entry, { file, env }));
  for (const [index, { name, prefix }] of servers.entries()) {
    const earlier = servers.slice(0, index).find((server) => server.prefix === prefix);
    if (earlier !== undefined)
      throw problem(
        file,
        `the tools of ${earlier.name} and ${name} would both be called ${prefix}__…; rename one server`,
      );
  }
  return servers;
}

type Place = { readonly file: string; readonly env: Environment };

function readServer(name: string, entry: unknown, place: Place): ExternalServer {
  const at = `server ${JSON.stringify(name.slice(0, 64))}`;
  if (!/^[\w. -]{1,64}$/.test(name)) throw problem(place.file, `${at}: a name has 1 to 64 letters, digits and ._-`);
  const prefix = name
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, MAX_PREFIX_CHARS);
  if (prefix === "") throw problem(place.file, `${at}: a name needs a letter or a digit`);
  const { type } = z.looseObject({ type: z.unknown() }).partial().safeParse(entry).data ?? {};
  if (type === "sse")
    throw problem(
      place.file,
      `${at}: the transport sse was given up by MCP; use "type": "http" and the server's address for it`,
    );
  const isHttp = type === "http" || type === "streamable-http" || (type === undefined && hasKey(entry, "url"));
  const secrets: string[] = [];
  const expand = (values: Readonly<Record<string, string>>, key: string) =>
    Object.fromEntries(
      Object.entries(values).map(([variable, value]) => {
        const expanded = expandVariables(value, place.env, (missing) =>
          problem(
            place.file,
            `${at}: ${key}.${variable} needs the environment variable ${missing}, which is not set; set it, or write \${${missing}:-default}`,
          ),
        );
        secrets.push(expanded);
        return [variable, expanded];
      }),
    );
  if (isHttp) {
    const { url, headers, oauth, atos: ours } = parse(httpSchema, entry, `${place.file}: ${at}`);
    if (oauth !== undefined && Object.keys(headers).some((header) => header.toLowerCase() === "authorization"))
      throw problem(place.file, `${at}: it has both oauth and the header Authorization; leave one out`);
    const { clientSecret } = oauth ?? {};
    const reach = {
      kind: "http",
      url: addressOf(url, `${place.file}: ${at}`),
      headers: expand(headers, "headers"),
      ...(oauth === undefined ? {} : { oauth }),
      ...(clientSecret === undefined ? {} : { oauth: { ...oauth, ...expand({ clientSecret }, "oauth") } }),
    } as const;
    return { name, prefix, readOnly: ours.readOnly, secrets, reach };
  }
  const { command, args, env, cwd, atos: ours } = parse(stdioSchema, entry, `${place.file}: ${at}`);
  const folder = dirname(resolve(place.file));
  const reach = { kind: "stdio", command, args, env: expand(env, "env"), cwd: resolve(folder, cwd ?? ".") } as const;
  return { name, prefix, readOnly: ours.readOnly, secrets, reach };
}

/** Replaces `${VAR}` and `${VAR:-default}`, once: what comes in is not looked at again. Pure. */
export function expandVariables(text: string, env: Environment, missing: (name: string) => Error): string {
  return text.replaceAll(/\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (_, name: string, fallback: string | undefined) => {
    const value = env[name] || fallback;
    if (value === undefined) throw missing(name);
    return value;
  });
}

/** Keys go with requests, so plain HTTP is for this machine and its own network. */
function addressOf(text: string, at: string): URL {
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") throw badServer(at, "url holds a name or password; use headers");
  if (url.protocol === "http:" && hostKind(url) === "public")
    throw badServer(at, "url must be https; http is for localhost and private addresses");
  return url;
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, at: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw badServer(at, issuesText(result.error));
}

/** What `JSON.parse` says shows pieces of the file, and those may be secret. */
function readJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /line \d+ column \d+/.exec(messageOf(error))?.[0];
    throw problem(file, `it is no JSON${place === undefined ? "" : `, at ${place}`}`);
  }
}

function issuesText({ issues }: z.ZodError): string {
  return issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`))
    .join("; ");
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key);
}

function badServer(at: string, what: string): AtosError {
  return usageError("tools/bad-mcp-json", `${at}: ${what}`);
}

function problem(file: string, what: string): AtosError {
  return badServer(file, what);
}

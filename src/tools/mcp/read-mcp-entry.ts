import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type AtosError, usageError } from "../../base/errors.ts";
import { type Environment, expandVariables } from "./expand-variables.ts";
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
  /** Values of env, headers, the client's secret, and secret variables elsewhere: never to be shown. */
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

/** One entry of the file, and where it stands. */
export type McpEntry = {
  readonly name: string;
  readonly entry: unknown;
  readonly file: string;
  readonly env: Environment;
};
export type ReadEntry =
  | { readonly kind: "disabled" }
  /** `ignored`: what of it is not heeded, and why. */
  | { readonly kind: "server"; readonly server: ExternalServer; readonly ignored: readonly string[] };

const MAX_PREFIX_CHARS = 24;
const line = z.string().regex(/^[^\0\r\n]*$/, "must be one line");
const atos = z.strictObject({ readOnly: z.array(z.string().min(1)).max(128).default([]) }).default({ readOnly: [] });
const HTTP = ["http", "streamable-http", "streamableHttp"] as const;
const disabled = z.literal(false).optional();
const stdioSchema = z.object({
  type: z.literal("stdio").optional(),
  command: line.min(1),
  args: z.array(z.string().max(4096)).max(256).default([]),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/, "must be a variable's name"), z.string()).default({}),
  cwd: line.min(1).optional(),
  disabled,
  atos,
});
const httpSchema = z.object({
  type: z.enum(HTTP).optional(),
  url: line.min(1),
  headers: z.record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be a header's name"), line).default({}),
  oauth: oauthSettings.optional(),
  disabled,
  atos,
});
/** Of other programs, where they mean something that a person may count on. */
const NOT_HEEDED: Readonly<Record<string, string>> = {
  autoApprove: "what needs no question is said by rules of policy.yaml",
  alwaysAllow: "what needs no question is said by rules of policy.yaml",
  trust: "what needs no question is said by rules of policy.yaml",
  envFile: "name the variables in env",
};

/**
 * Reads one entry of an `mcp.json`. Pure.
 *
 * @throws {AtosError} `tools/bad-mcp-json` naming the file, the server, the key and what is wrong; never a value.
 */
export function readMcpEntry(place: McpEntry): ReadEntry {
  const { name, entry } = place;
  if (!/^[\w. -]{1,64}$/.test(name)) throw badEntry(place, "a name has 1 to 64 letters, digits and ._-");
  const prefix = name
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, MAX_PREFIX_CHARS);
  if (prefix === "") throw badEntry(place, "a name needs a letter or a digit");
  const keys = z.record(z.string(), z.unknown()).safeParse(entry).data ?? {};
  if (keys["type"] === "sse")
    throw badEntry(place, 'the transport sse was given up by MCP; use "type": "http" and the server\'s address for it');
  if (keys["disabled"] === true) return { kind: "disabled" };
  const isHttp =
    HTTP.some((type) => type === keys["type"]) || (keys["type"] === undefined && Object.hasOwn(keys, "url"));
  const { shape } = isHttp ? httpSchema : stdioSchema;
  const ignored = Object.keys(keys)
    .filter((key) => !Object.hasOwn(shape, key))
    .map((key) => `${JSON.stringify(key.slice(0, 64))} is not heeded${why(key)}`);
  return { kind: "server", server: { name, prefix, ...(isHttp ? readHttp(place) : readStdio(place)) }, ignored };
}

type Read = Omit<ExternalServer, "name" | "prefix">;

function readStdio(place: McpEntry): Read {
  const { command, args, env, cwd, atos: ours } = parse(stdioSchema, place);
  const secrets: string[] = [];
  const expand = (key: string, text: string): string => expanded(place, { key, text }, secrets);
  const folder = dirname(resolve(place.file));
  const reach = {
    kind: "stdio",
    command: expand("command", command),
    args: args.map((arg, index) => expand(`args.${index}`, arg)),
    env: mapped(env, (key, text) => expand(`env.${key}`, text)),
    cwd: resolve(folder, expand("cwd", cwd ?? ".")),
  } as const;
  secrets.push(...Object.values(reach.env));
  return { readOnly: ours.readOnly, secrets: [...new Set(secrets)], reach };
}

function readHttp(place: McpEntry): Read {
  const { url, headers, oauth, atos: ours } = parse(httpSchema, place);
  if (oauth !== undefined && Object.keys(headers).some((header) => header.toLowerCase() === "authorization"))
    throw badEntry(place, "it has both oauth and the header Authorization; leave one out");
  const secrets: string[] = [];
  const expand = (key: string, text: string): string => expanded(place, { key, text }, secrets);
  const sent = mapped(headers, (key, text) => expand(`headers.${key}`, text));
  const { clientSecret } = oauth ?? {};
  const secret = clientSecret === undefined ? {} : { clientSecret: expand("oauth.clientSecret", clientSecret) };
  const reach = {
    kind: "http",
    url: addressOf(place, expand("url", url)),
    headers: sent,
    ...(oauth === undefined ? {} : { oauth: { ...oauth, ...secret } }),
  } as const;
  secrets.push(...Object.values(sent), ...Object.values(secret));
  return { readOnly: ours.readOnly, secrets: [...new Set(secrets)], reach };
}

function expanded(
  place: McpEntry,
  { key, text }: { readonly key: string; readonly text: string },
  secrets: string[],
): string {
  const found = expandVariables(text, place.env);
  if (!found.ok) throw badEntry(place, `${key} ${found.why}`);
  secrets.push(...found.secrets);
  return found.text;
}

function mapped(
  values: Readonly<Record<string, string>>,
  change: (key: string, value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(key, value)]));
}

/** Keys go with requests, so plain HTTP is for this machine and its own network. */
function addressOf(place: McpEntry, text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw badEntry(place, "url: must be an https address");
  if (url.username !== "" || url.password !== "") throw badEntry(place, "url holds a name or password; use headers");
  if (url.protocol === "http:" && hostKind(url) === "public")
    throw badEntry(place, "url must be https; http is for localhost and private addresses");
  return url;
}

function parse<Schema extends z.ZodType>(schema: Schema, place: McpEntry): z.output<Schema> {
  const result = schema.safeParse(place.entry);
  if (result.success) return result.data;
  throw badEntry(
    place,
    result.error.issues
      .slice(0, 3)
      .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`))
      .join("; "),
  );
}

function why(key: string): string {
  return Object.hasOwn(NOT_HEEDED, key) ? `: ${NOT_HEEDED[key]}` : "";
}

function badEntry({ file, name }: McpEntry, what: string): AtosError {
  return usageError("tools/bad-mcp-json", `${file}: server ${JSON.stringify(name.slice(0, 64))}: ${what}`);
}

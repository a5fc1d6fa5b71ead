import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { usageError } from "../../base/errors.ts";

const wantedSchema = z.strictObject({
  scope: z.string().optional(),
  resourceMetadataUrl: z.string().optional(),
});
const tokensSchema = z.strictObject({
  access_token: z.string().min(1),
  refresh_token: z.string().optional(),
  scope: z.string().optional(),
  /** Who gave them, and to whom: they are shown to nobody else. */
  issuer: z.string(),
  client_id: z.string(),
});
const clientSchema = z.strictObject({
  client_id: z.string().min(1),
  client_secret: z.string().optional(),
  token_endpoint_auth_method: z.string().optional(),
  issuer: z.string(),
});
const loginSchema = z.strictObject({
  url: z.string(),
  client: clientSchema.optional(),
  tokens: tokensSchema.optional(),
  wanted: wantedSchema.optional(),
});

/** What a server asked for when it wanted a log-in. */
export type WantedLogin = z.output<typeof wantedSchema>;
export type SavedTokens = z.output<typeof tokensSchema>;
/** What ATOS registered itself as. */
export type SavedClient = z.output<typeof clientSchema>;
export type SavedLogin = {
  readonly client?: SavedClient | undefined;
  readonly tokens?: SavedTokens | undefined;
  readonly wanted?: WantedLogin | undefined;
};

/** Which server's log-in, and where such things are kept. */
export type LoginPlace = { readonly folder: string; readonly name: string; readonly url: URL };

/**
 * The log-in kept for a server; an empty one where there is none, or where it belongs to another address.
 *
 * @throws {AtosError} `tools/bad-login` when the file is no log-in; the message shows nothing of it.
 */
export async function readLogin({ folder, name, url }: LoginPlace): Promise<SavedLogin> {
  const file = join(folder, `${name}.json`);
  try {
    const { url: at, ...login } = loginSchema.parse(JSON.parse(await readFile(file, "utf8")));
    return at === url.href ? login : {};
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw usageError("tools/bad-login", `${file} can't be read; remove it: atos mcp --logout ${JSON.stringify(name)}`);
  }
}

/** Keeps `login` in the place of what was there; only its owner can read it. */
export async function writeLogin({ folder, name, url }: LoginPlace, login: SavedLogin): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `${name}.json.${randomUUID()}.tmp`);
  const text = JSON.stringify({ url: url.href, ...login }, undefined, 2);
  await writeFile(temporary, `${text}\n`, { mode: 0o600, flag: "wx" });
  await rename(temporary, join(folder, `${name}.json`));
}

/** Removes what is kept of the server, whatever its address; whether there was anything. */
export async function removeLogin({ folder, name }: Omit<LoginPlace, "url">): Promise<boolean> {
  const entries = await readdir(folder).catch(() => []);
  // One that was cut off while writing left its new file behind.
  const left = entries.filter((entry) => entry.startsWith(`${name}.json.`) && entry.endsWith(".tmp"));
  const found = entries.filter((entry) => entry === `${name}.json` || left.includes(entry));
  for (const entry of found) await rm(join(folder, entry), { force: true });
  return found.length > 0;
}

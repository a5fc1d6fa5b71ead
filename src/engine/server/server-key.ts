import { open } from "node:fs/promises";
import { type AtosError, messageOf, missingError } from "../../base/errors.ts";

export type KeyedServer = {
  readonly baseUrl: string;
  /** Name of an environment variable. */
  readonly apiKeyVariable?: string | undefined;
  readonly apiKeyFile?: string | undefined;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const MAX_KEY_BYTES = 16 * 1024;
const HUGGING_FACE_ROUTER = "https://router.huggingface.co/v1";
/** The second name is the one older set-ups have. */
const HUGGING_FACE_VARIABLES = ["HF_TOKEN", "HUGGING_FACE_AUTH_TOKEN"] as const;

/**
 * The key for a server, read at the moment it is needed and kept by nobody but its connection: the
 * variable that is named, else the file that is named, else for the router of Hugging Face `HF_TOKEN`,
 * else none. A file may be readable by others: that is how Docker and Kubernetes hand out secrets.
 *
 * @throws `engine/no-api-key` where a variable or file is named and holds none; the message names it and
 * never the key.
 */
export async function readApiKey(server: KeyedServer, env: Environment): Promise<string | undefined> {
  const { apiKeyVariable, apiKeyFile, baseUrl } = server;
  if (apiKeyVariable !== undefined) {
    const key = env[apiKeyVariable]?.trim() ?? "";
    if (key === "") throw noKey(baseUrl, `the variable ${apiKeyVariable}, which is not set here`);
    return key;
  }
  if (apiKeyFile !== undefined) return await readKeyFile(apiKeyFile, baseUrl);
  if (!isHuggingFaceRouter(baseUrl, env)) return undefined;
  return HUGGING_FACE_VARIABLES.map((name) => env[name]?.trim()).find((key) => key !== undefined && key !== "");
}

/** Where the router of Hugging Face is: `HF_API_URL`, for those who reach it another way. */
export function huggingFaceRouter(env: Environment): string {
  const url = env["HF_API_URL"]?.trim() ?? "";
  return url === "" ? HUGGING_FACE_ROUTER : url.replace(/\/+$/, "");
}

/** The same host and port, and encrypted where the real router is meant: a token goes nowhere else by itself. */
function isHuggingFaceRouter(baseUrl: string, env: Environment): boolean {
  const origin = URL.parse(baseUrl)?.origin;
  return [HUGGING_FACE_ROUTER, huggingFaceRouter(env)].some((router) => URL.parse(router)?.origin === origin);
}

async function readKeyFile(path: string, baseUrl: string): Promise<string> {
  const buffer = Buffer.alloc(MAX_KEY_BYTES + 1);
  const bytes = await readStart(path, buffer).catch((error: unknown) => {
    throw noKey(baseUrl, `the file ${path}, which can't be read (${messageOf(error)})`);
  });
  if (bytes > MAX_KEY_BYTES) throw noKey(baseUrl, `the file ${path}, which is too long for a key`);
  const key = buffer.toString("utf8", 0, bytes).trim();
  if (key === "") throw noKey(baseUrl, `the file ${path}, which is empty`);
  return key;
}

async function readStart(path: string, buffer: Buffer): Promise<number> {
  await using file = await open(path, "r");
  return (await file.read(buffer, 0, buffer.length, 0)).bytesRead;
}

function noKey(baseUrl: string, where: string): AtosError {
  const advice = "put the key there; a worker that runs already has the environment it was started with";
  return missingError("engine/no-api-key", `the key for ${baseUrl} is to be in ${where}; ${advice}`);
}

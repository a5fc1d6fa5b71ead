import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { request } from "undici";
import { AtosError, messageOf, missingError, usageError } from "../base/errors.ts";
import { checkGgufFile } from "./gguf-file.ts";

export type Pull = {
  readonly url: string;
  /** Where the file goes when all of it is there; until then it is this path with `.part`. */
  readonly path: string;
  readonly sha256?: string | undefined;
  /** Sent to the first host only, never after a redirect to another. */
  readonly token?: string | undefined;
  readonly progress: (doneBytes: number, totalBytes: number | undefined) => void;
};

const MAX_REDIRECTS = 5;

/**
 * The address behind `hf:OWNER/REPOSITORY/FILE.gguf`, or an http(s) address as it is. Pure.
 *
 * @throws {AtosError} `engine/bad-pull-address`
 */
export function pullUrl(address: string, hubUrl: string): string {
  const hub = /^hf:([\w.-]+)\/([\w.-]+)\/([\w./-]+\.gguf)$/.exec(address);
  if (hub !== null) return `${hubUrl.replace(/\/+$/, "")}/${hub[1]}/${hub[2]}/resolve/main/${hub[3]}`;
  if (/^https?:\/\/\S+\.gguf(\?\S*)?$/.test(address)) return address;
  throw usageError(
    "engine/bad-pull-address",
    `${JSON.stringify(address)} is not hf:OWNER/REPOSITORY/FILE.gguf nor an http(s) address of a .gguf file`,
  );
}

/**
 * Fetches a model file. One try, no retries: a second call goes on where the first one stopped.
 * The file appears under its name only when it is whole, is a GGUF file, and has the hash asked for.
 *
 * @throws {AtosError} `engine/pull-failed`, `engine/pull-wrong-hash`, `engine/model-broken`
 */
export async function pullModel(
  pull: Pull,
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const part = `${pull.path}.part`;
  await mkdir(dirname(pull.path), { recursive: true });
  await download(pull, part, signal);
  const sha256 = await hashFile(part);
  if (pull.sha256 !== undefined && pull.sha256.toLowerCase() !== sha256) {
    await rm(part);
    throw new AtosError(
      "engine/pull-wrong-hash",
      `the file from ${pull.url} has the sha256 ${sha256}, not ${pull.sha256}; it was deleted`,
    );
  }
  await checkGgufFile(part).catch(async (error: unknown) => {
    await rm(part);
    throw error;
  });
  await rename(part, pull.path);
  return { bytes: (await stat(pull.path)).size, sha256 };
}

async function download(pull: Pull, part: string, signal: AbortSignal): Promise<void> {
  const have = (await stat(part).catch(() => undefined))?.size ?? 0;
  const { statusCode, headers, body } = await fetchFrom(pull, have, signal);
  if (statusCode === 416 && have > 0) {
    await body.dump();
    return;
  }
  if (statusCode !== 200 && statusCode !== 206) {
    await body.dump();
    throw missingError(
      "engine/pull-failed",
      `${pull.url} answered ${statusCode}${statusCode === 401 || statusCode === 403 ? "; a gated model needs your token in HF_TOKEN" : ""}`,
    );
  }
  const from = statusCode === 206 ? have : 0;
  const length = Number(headers["content-length"]);
  const total = Number.isFinite(length) ? from + length : undefined;
  await using file = await open(part, from === 0 ? "w" : "a");
  let done = from;
  try {
    for await (const chunk of body) {
      await file.writeFile(chunk);
      done += chunk.length;
      pull.progress(done, total);
    }
  } catch (cause) {
    throw missingError(
      "engine/pull-failed",
      `the download of ${pull.url} broke off after ${done} bytes: ${messageOf(cause)}. The same command goes on from there`,
      cause,
    );
  }
  if (total !== undefined && done !== total)
    throw missingError(
      "engine/pull-failed",
      `the download of ${pull.url} ended after ${done} of ${total} bytes. The same command goes on from there`,
    );
}

async function fetchFrom(pull: Pull, have: number, signal: AbortSignal): Promise<Awaited<ReturnType<typeof request>>> {
  const firstHost = new URL(pull.url).host;
  let url = pull.url;
  for (let redirect = 0; redirect <= MAX_REDIRECTS; redirect++) {
    const headers: Record<string, string> = {};
    if (have > 0) headers["range"] = `bytes=${have}-`;
    if (pull.token !== undefined && new URL(url).host === firstHost) headers["authorization"] = `Bearer ${pull.token}`;
    const response = await request(url, { headers, signal }).catch((cause: unknown) => {
      throw missingError("engine/pull-failed", `${new URL(url).host} can't be reached: ${messageOf(cause)}`, cause);
    });
    const { location } = response.headers;
    if (response.statusCode < 300 || response.statusCode >= 400 || typeof location !== "string") return response;
    await response.body.dump();
    url = new URL(location, url).href;
  }
  throw missingError("engine/pull-failed", `${pull.url} redirects more than ${MAX_REDIRECTS} times`);
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

import { posix } from "node:path";
import { type AtosError, usageError } from "../../base/errors.ts";

const HUB_URL = "https://huggingface.co";

/** Where a model file is fetched from, and what it is called once it is here. */
export type PullAddress = {
  readonly url: string;
  /** The file's name without `.gguf`. */
  readonly name: string;
  /** Absent: it is no file of the hub. */
  readonly repository?: string;
};

/** A file in a repository of the Hugging Face hub. */
export type HubFile = {
  readonly repository: string;
  readonly file: string;
  /** A commit, a branch or a tag. Default: `main`. */
  readonly revision?: string | undefined;
};

/**
 * The hub, or the mirror of it that `HF_ENDPOINT` names. Pure.
 *
 * @throws {AtosError} `engine/bad-hub-address`
 */
export function hubUrlOf(env: Readonly<Record<string, string | undefined>>): string {
  const text = env["HF_ENDPOINT"]?.trim() || HUB_URL;
  const url = URL.parse(text);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  if (isPlain && url.username === "" && url.password === "") return url.href.replace(/\/+$/, "");
  // Not repeated: it may hold a password.
  const why = "the address of the hub in HF_ENDPOINT can't be used";
  throw usageError(
    "engine/bad-hub-address",
    `${why}: it must look like https://HOST, without a name, password, query or fragment; correct it, or unset it`,
  );
}

/**
 * Reads `hf:OWNER/REPOSITORY/FILE.gguf` or the http(s) address of a `.gguf` file. Pure.
 *
 * @throws {AtosError} `engine/bad-pull-address`
 */
export function parsePullAddress(text: string, hubUrl: string): PullAddress {
  const [, repository, file] = /^hf:([\w.-]+\/[\w.-]+)\/([\w./-]+\.gguf)$/i.exec(text) ?? [];
  if (repository !== undefined && file !== undefined) {
    if (`${repository}/${file}`.split("/").some((part) => /^\.*$/.test(part)))
      throw badAddress(text, "a part of it is empty or made of dots");
    return { url: hubFileUrl({ repository, file }, hubUrl), name: nameOf(file, text), repository };
  }
  const url = /^https?:/i.test(text) ? URL.parse(text) : null;
  if (url === null) throw badAddress(text, "it is neither a file of the hub nor an http(s) address");
  // Not repeated in the message: it holds a password.
  if (url.username !== "" || url.password !== "")
    throw badAddress(`${url.protocol}//…@${url.host}`, "an address must not hold a name or password");
  return { url: url.href, name: nameOf(url.pathname, text) };
}

/** Pure. `hubUrl` is what `hubUrlOf` says. */
export function hubFileUrl({ repository, file, revision = "main" }: HubFile, hubUrl: string): string {
  const path = file.split("/").map(encodeURIComponent).join("/");
  return `${hubUrl.replace(/\/+$/, "")}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/** The hub's token when `url` is an address of the hub or its mirror: no other server may see it. Pure. */
export function tokenFor(url: string, hubUrl: string, token: string | undefined): string | undefined {
  return URL.parse(url)?.origin === URL.parse(hubUrl)?.origin ? token || undefined : undefined;
}

function nameOf(path: string, text: string): string {
  const file = posix.basename(path);
  if (!/\.gguf$/i.test(file)) throw badAddress(text, "the file's name must end in .gguf");
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(file))
    throw badAddress(text, "it is one part of several; take a repository that has the model in one file");
  return file.slice(0, -".gguf".length);
}

function badAddress(text: string, why: string): AtosError {
  return usageError(
    "engine/bad-pull-address",
    `${JSON.stringify(text)} can't be fetched: ${why}. Give hf:OWNER/REPOSITORY/FILE.gguf, an http(s) address of a .gguf file, or a name from atos models list --catalog`,
  );
}

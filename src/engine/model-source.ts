import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type AtosError, usageError } from "../base/errors.ts";
import { ggufId } from "./gguf/gguf-identity.ts";
import type { GgufSource } from "./model.ts";

/** A model on a server as a person wrote it; `resolveServerModel` finds what they left out. */
export type ServerModelAddress = {
  readonly kind: "server";
  readonly baseUrl: string;
  /** Absent: the only one the server has. */
  readonly model?: string;
  /** Absent: as the server has it. */
  readonly contextTokens?: number;
  readonly apiKeyVariable?: string;
  readonly apiKeyFile?: string;
};

export type ModelAddressOptions = {
  /** Where relative paths begin. */
  readonly directory: string;
  /** What `~` stands for. */
  readonly home: string;
  readonly contextTokens?: number | undefined;
  /** How a server gets its key; a file has none. */
  readonly apiKeyVariable?: string | undefined;
  readonly apiKeyFile?: string | undefined;
};

/**
 * Reads where a model is from what a person wrote: the address of a server with the model's name
 * after `#`, or the path of a `.gguf` file. Pure: neither file nor server is looked at.
 *
 * A server's address without a path gets the usual `/v1`.
 *
 * @throws `engine/bad-model-address`, which shows the accepted forms.
 */
export function parseModelAddress(text: string, options: ModelAddressOptions): GgufSource | ServerModelAddress {
  if (/^https?:/i.test(text)) return serverAddress(text, options);
  const path = filePath(text, options);
  if (!/\.gguf$/i.test(path)) throw badAddress(text, "it is neither a server's address nor a .gguf file");
  const { contextTokens } = options;
  return { kind: "gguf", id: ggufId(path), path, ...(contextTokens === undefined ? {} : { contextTokens }) };
}

function serverAddress(text: string, options: ModelAddressOptions): ServerModelAddress {
  const url = URL.parse(text);
  if (url === null) throw badAddress(text, "it is no valid URL");
  // Not repeated in the message: it holds a password.
  if (url.username !== "" || url.password !== "")
    throw badAddress(`${url.protocol}//…@${url.host}`, "an address must not hold a name or password; use an API key");
  if (url.search !== "") throw badAddress(text, "an address can't have a query");
  const path = url.pathname.replace(/\/+$/, "");
  const model = decode(url.hash.slice(1), text);
  const { contextTokens, apiKeyVariable, apiKeyFile } = options;
  return {
    kind: "server",
    baseUrl: url.origin + (path === "" ? "/v1" : path),
    ...(model === "" ? {} : { model }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(apiKeyVariable === undefined ? {} : { apiKeyVariable }),
    ...(apiKeyFile === undefined ? {} : { apiKeyFile: filePath(apiKeyFile, options) }),
  };
}

function filePath(text: string, options: ModelAddressOptions): string {
  if (text.trim() === "") throw badAddress(text, "it is empty");
  if (/^file:/i.test(text)) {
    const url = URL.parse(text);
    if (url === null || url.host !== "" || !/^file:\/\/\//i.test(text))
      throw badAddress(text, "a file: address needs three slashes and the whole path");
    return fileURLToPath(url);
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) throw badAddress(text, "only http, https and file addresses are known");
  if (text.startsWith("~/")) return join(options.home, text.slice(2));
  if (text.startsWith("~")) throw badAddress(text, "only your own home folder can be written ~");
  return resolve(options.directory, text);
}

function decode(fragment: string, text: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    throw badAddress(text, "the model's name has a % that is no escape");
  }
}

function badAddress(text: string, why: string): AtosError {
  const forms =
    "http://HOST:PORT/v1#MODEL, https://HOST/v1#MODEL, a path to a .gguf file (also ~/…), file:///PATH.gguf";
  return usageError("engine/bad-model-address", `"${text}" is no model: ${why}; accepted forms: ${forms}`);
}

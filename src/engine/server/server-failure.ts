import { AtosError, missingError, usageError } from "../../base/errors.ts";
import type { ServerConnection } from "./server-connection.ts";

/** The words servers have for a prompt over their context: llama.cpp, OpenAI and those like it, vLLM, llama-cpp-python. */
const OVERFLOW =
  /exceed_context_size|context_length_exceeded|maximum context length|exceed(s|ed)? (the )?(available )?context/i;

/** What an HTTP status other than 200 means, where the model's name plays no part. */
export function refused(server: ServerConnection, status: number, said: string): AtosError {
  const answer = `the model server at ${server.baseUrl} answered ${status}: ${said === "" ? "(nothing)" : said}`;
  if (status === 401 || status === 403)
    return usageError("engine/server-refused-key", `${answer}; give it a valid API key`);
  if (status >= 400 && OVERFLOW.test(said)) {
    const advice = "shorten the prompt, or give the model a larger context; and tell ATOS what its context really is";
    return new AtosError("engine/context-overflow", `${answer}; ${advice}`);
  }
  // Worth another try later, which is for whoever asked to decide; a wrong request is not.
  if (status === 429 || status >= 500) return missingError("engine/server-busy", `${answer}; look at the server's log`);
  return new AtosError("engine/server-error", `${answer}; look at the server's log`);
}

export function timedOut(baseUrl: string, what: string, timeoutMs: number): AtosError {
  const why = `the model server at ${baseUrl} sent no ${what} for ${timeoutMs / 1000} seconds`;
  return new AtosError("engine/server-timeout", `${why}; it may be overloaded, or still loading its model`);
}

import { usageError } from "../base/errors.ts";
import type { GenerateRequest } from "./model.ts";

/** Refuses a request that no engine could carry out as it is written (`engine/bad-request`). */
export function checkRequest(request: GenerateRequest): void {
  const { messages, maxTokens, temperature, seed, stop = [] } = request;
  const refuse = (why: string): never => {
    throw usageError("engine/bad-request", `${why}; correct the request to the model`);
  };
  if (messages.length === 0) refuse("a request needs at least one message");
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) refuse(`maxTokens must be 1 or more, not ${maxTokens}`);
  if (!Number.isFinite(temperature) || temperature < 0) refuse(`temperature must be 0 or more, not ${temperature}`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) refuse(`seed must be a 32-bit number, not ${seed}`);
  if (stop.includes("")) refuse("an empty stop string would stop every reply at once");
}

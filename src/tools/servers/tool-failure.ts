import type { ToolResult } from "../tool.ts";

/** A call that can't be done as it was asked for: thrown inside a server, told to the model by `asResult`. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
}

/** What `work` returns, or the failure that it throws as a result; anything else that it throws goes on. */
export async function asResult<Output>(
  work: () => ToolResult<Output> | Promise<ToolResult<Output>>,
): Promise<ToolResult<Output>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ToolFailure) return { ok: false, why: error.message };
    throw error;
  }
}

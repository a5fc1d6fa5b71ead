import { createHash } from "node:crypto";

/** Stands for the input of a step in the ledger: a replay must come with the same. */
export function inputHash(input: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(input ?? null))
    .digest("hex");
}

import { randomBytes } from "node:crypto";

/** A new build's id: its day, which sorts, and what keeps it from any other of that day. */
export function newBuildId(at: Date): string {
  const day = at.toISOString().slice(2, 10).replaceAll("-", "");
  return `${day}-${randomBytes(4).toString("hex")}`;
}

import { createHash } from "node:crypto";

export type ObjectType = "commit" | "tree" | "blob" | "tag";
export type GitObject = { readonly type: ObjectType; readonly bytes: Buffer };

/** The name that git gives to an object. */
export function objectHash(type: ObjectType, bytes: Buffer): string {
  return createHash("sha1").update(`${type} ${bytes.length}\0`).update(bytes).digest("hex");
}

import { readFileSync } from "node:fs";
import { z } from "zod";

/** The version in package.json, found from the sources and from the compiled files alike. */
export const VERSION: string = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))).version;

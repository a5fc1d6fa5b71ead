// Finds a function that a goal names, in whatever file the solution put it.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

export async function findFunction(name: string): Promise<(...values: unknown[]) => unknown> {
  const files = readdirSync(".", { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.[mc]?ts$/.test(file) && !/\.test\.ts$|find-function\.ts$|node_modules|\.d\.ts$/.test(file),
  );
  const failures: string[] = [];
  for (const file of files.toSorted()) {
    try {
      const loaded: Record<string, unknown> = await import(pathToFileURL(resolve(join(".", file))).href);
      const found = loaded[name];
      if (typeof found === "function") return (...values) => found(...values);
    } catch (error) {
      failures.push(`${file}: ${String(error)}`);
    }
  }
  throw new Error(`no file exports a function ${name}; ${failures.join("; ") || "every file was loaded"}`);
}

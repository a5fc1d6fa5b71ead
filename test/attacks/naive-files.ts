import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openFilesystemServer } from "../../src/tools/servers/filesystem/open-filesystem-server.ts";

/** Calls a file tool and returns what the caller is told, also when it is refused. */
export type FileTools = (tool: string, input: Readonly<Record<string, unknown>>) => Promise<string>;

export function realFiles(root: string): FileTools {
  const server = openFilesystemServer({ root });
  return async (name, input) => {
    const tool = server.tools.find((found) => found.name === name);
    if (tool === undefined) throw new Error(`there is no tool ${name}`);
    const parsed = tool.input.safeParse(input);
    if (!parsed.success) return "refused";
    const result = await tool.run(parsed.data, { signal: new AbortController().signal, idempotencyKey: "attack" });
    return result.ok ? (result.text ?? JSON.stringify(result.output)) : result.why;
  };
}

/** Paths are joined and used. */
export function naiveFiles(root: string): FileTools {
  return async (tool, input) => {
    const at = (key: string): string => join(root, textOf(input[key], "."));
    try {
      switch (tool) {
        case "read_file":
          return readFileSync(at("path"), "utf8");
        case "write_file":
          mkdirSync(dirname(at("path")), { recursive: true });
          writeFileSync(at("path"), textOf(input["content"]));
          return "written";
        case "edit_file":
          writeFileSync(
            at("path"),
            readFileSync(at("path"), "utf8").replace(textOf(input["search"]), textOf(input["replace"])),
          );
          return "edited";
        case "list_files":
          return readdirSync(at("path")).join("\n");
        case "search_files":
          return readdirSync(at("path"), { recursive: true, encoding: "utf8" })
            .map((name) => {
              const path = join(at("path"), name);
              return name.endsWith(".txt") ? readFileSync(path, "utf8") : "";
            })
            .join("\n");
        case "move_file":
          cpSync(at("path"), at("new_path"), { recursive: true, dereference: true });
          rmSync(at("path"), { recursive: true });
          return "moved";
        case "delete_file":
          // As `rm -rf path/`, which goes where a link leads.
          rmSync(realpathSync(at("path")), { recursive: true });
          return "deleted";
        default:
          throw new Error(`there is no tool ${tool}`);
      }
    } catch (error) {
      return String(error);
    }
  };
}

/** Looks where a path leads and uses it then: right, but for whoever is quicker. */
export function checkingFiles(root: string): FileTools {
  const naive = naiveFiles(root);
  return async (tool, input) => {
    for (const key of ["path", "new_path"]) {
      if (typeof input[key] !== "string") continue;
      try {
        if (!realpathSync(dirname(join(root, input[key]))).startsWith(root)) return "refused";
      } catch {
        return "refused";
      }
    }
    return naive(tool, input);
  };
}

/** An argument that ought to be text. */
export function textOf(value: unknown, otherwise = ""): string {
  return typeof value === "string" ? value : otherwise;
}

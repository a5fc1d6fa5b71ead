import type { JsonObject } from "../../src/engine/dialects/reading.ts";

/**
 * The calls of the campaign, in order: none may be lost, and almost none may be done twice without its showing in the
 * workspace (lines appended), in the commits, or at the server that counts.
 */
export const WORKLOAD: readonly { readonly name: string; readonly arguments: JsonObject }[] = [
  { name: "write_file", arguments: { path: "src/a.txt", content: "alpha\n" } },
  { name: "run_command", arguments: { command: "echo one >> log.txt; sleep 0.05; echo two >> log.txt" } },
  { name: "call_workflow", arguments: { name: "dedupe", payload: { n: 1 } } },
  { name: "move_file", arguments: { path: "src/a.txt", new_path: "src/b.txt" } },
  { name: "read_file", arguments: { path: "src/b.txt" } },
  {
    name: "run_command",
    arguments: {
      command:
        "for i in 1 2 3 4 5; do echo $i >> src/b.txt; sleep 0.02; done; mkdir -p empty/deep; chmod +x log.txt; ln -s ../log.txt src/link",
    },
  },
  { name: "git_commit", arguments: { message: "First half" } },
  { name: "call_workflow", arguments: { name: "plain", payload: { n: 2 } } },
  { name: "edit_file", arguments: { path: "src/b.txt", search: "alpha", replace: "alpha beta" } },
  { name: "run_command", arguments: { command: "mv log.txt moved.txt; cat src/b.txt >> moved.txt; rm -r empty" } },
  { name: "call_workflow", arguments: { name: "plain", payload: { n: 3 } } },
  { name: "delete_file", arguments: { path: "src/link" } },
  { name: "run_command", arguments: { command: "mkdir nested; git init -q nested; echo lost > lost.txt" } },
  { name: "call_workflow", arguments: { name: "blind", payload: { n: 4 } } },
  { name: "git_commit", arguments: { message: "Second half" } },
  { name: "run_command", arguments: { command: "seq 1 2000 >> src/numbers.txt; false" } },
];

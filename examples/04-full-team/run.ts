// Three tasks on three tiers: one is repaired, one goes to a stronger model, one waits for both; then they are merged,
// verified and delivered. run.ts [FOLDER]: where models and repository go; a temporary one by default.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeCuedTeam } from "../../test/fixtures/cued-team.ts";
import { TEAM } from "./team.ts";

const atos = join(import.meta.dirname, "../../atos");
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "atos-example-"));
const out = join(folder, "top-words");

const roster = writeCuedTeam(join(folder, "models"), TEAM, { name: "example" });
const goal = "A Python module that finds the most frequent words of a text";
const build = spawn(atos, ["build", goal, "--out", out, "--roster", roster, "--yes", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = new Promise<number>((resolve, reject) => {
  build.once("error", reject);
  build.once("close", (code) => resolve(code ?? 1));
});

/** What each task's graph came to, node by node. */
const paths = new Map<string, string[]>();
for await (const line of createInterface({ input: build.stdout })) {
  const event: Readonly<Record<string, unknown>> = Object(JSON.parse(line));
  const { type, task, to, on } = event;
  if (type === "edge-taken" && event["graph"] === "task")
    paths.set(String(task), [...(paths.get(String(task)) ?? []), String(to)]);
  if (type === "tier-ended")
    console.log(
      `${String(task)}: ${String(event["tier"])} tier, ${String(event["samples"])} samples, ${String(event["rounds"])} repairs: ${event["green"] === true ? "green" : "red"}`,
    );
  if (type === "merged") console.log(`${String(task)}: merged (${String(event["how"])})`);
  if (type === "edge-taken" && event["graph"] === "build" && on === "checked")
    console.log("verified in a clean checkout");
  if (type === "result") console.log(`build: ${String(event["state"])}`);
}
process.exitCode = await ended;

console.log("\nEach task's way through its graph (docs/graphs.md):");
for (const [task, path] of paths) console.log(`  ${task}: ${path.join(" → ")}`);

if (process.exitCode === 0) {
  const receipt = readFileSync(join(out, "RECEIPT.md"), "utf8");
  console.log(`\nFrom ${join(out, "RECEIPT.md")}:\n${/## Tasks[\s\S]*?(?=\n## )/.exec(receipt)?.[0] ?? ""}`);
  const verify = spawnSync(atos, ["receipt", "verify", out], { stdio: "inherit" });
  process.exitCode = verify.status ?? 1;
}

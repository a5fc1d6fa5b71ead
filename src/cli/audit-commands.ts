import type { Command } from "commander";
import type { Output } from "./output.ts";

type Json = { readonly json?: boolean };
type Run = (flags: Json, command: (output: Output) => Promise<number>) => Promise<void>;

/** Declares what follows `atos audit`. */
export function declareAuditCommands(audit: Command, run: Run): void {
  audit
    .command("tail")
    .summary("the last events of a build")
    .description("Shows the last events of a build's audit trail; of the newest build if none is named.")
    .argument("[id]")
    .option("--lines <number>", "how many (20)")
    .option("--follow", "go on showing events until the build ends or pauses")
    .option("--json", "one event a line on standard output")
    .action((id: string | undefined, flags: Json & { lines?: string; follow?: boolean }) =>
      run(flags, async (output) => (await import("./audit.ts")).runAuditTailCommand(id, flags, output)),
    );
  audit
    .command("export")
    .summary("the whole trail as JSON Lines")
    .description(
      "Prints a build's whole audit trail, one event a line, each with its hash; of the newest build if none is named.",
    )
    .argument("[id]")
    .option("--all", "of every build")
    .addHelpText("after", "\nExample:\n  atos audit export > trail.jsonl && atos audit verify --file trail.jsonl")
    .action((id: string | undefined, flags: { all?: boolean }) =>
      run({}, async (output) => (await import("./audit.ts")).runAuditExportCommand(id, flags, output)),
    );
  audit
    .command("verify")
    .summary("whether the trail was changed")
    .description(
      "Follows the hashes of a build's audit trail, or of all if none is named. Exit code 1 when one does not add up.",
    )
    .argument("[id]")
    .option("--head <head>", "NUMBER:HASH, as printed earlier: also tells whether the end is missing")
    .option("--receipt <dir>", "take build and head from the receipt of this delivered repository")
    .option("--file <file>", "verify an exported trail; needs no database")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Each event's hash is over the one before it, so nothing in a trail can be changed, left out or put in
unnoticed. Whoever can write the database could write all hashes anew: keep a head elsewhere, as each
receipt does.`,
    )
    .action((id: string | undefined, flags: Json & { head?: string; receipt?: string; file?: string }) =>
      run(flags, async (output) => (await import("./audit.ts")).runAuditVerifyCommand(id, flags, output)),
    );
}

import { join, resolve } from "node:path";
import { EXIT, usageError } from "../base/errors.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { DEFAULT_MUTANTS, MOST_MUTANTS, type MutantsReport } from "../tools/mutants/run-mutants.ts";
import { loadLanguages } from "../tools/load-languages.ts";
import { OWN_LANGUAGES } from "../workflows/choose-roster.ts";
import { MUTANTS_CHECK } from "../workflows/judge-mutants.ts";
import { receiptToMarkdown } from "../workflows/receipt.ts";
import {
  GREEN_CHECK,
  readReceiptOf,
  RERUN_CHECK,
  type Verification,
  verifyReceipt,
} from "../workflows/verify-receipt.ts";
import { commandContext, settingsOf } from "./context.ts";
import { interrupted } from "./interrupted.ts";
import type { Output } from "./output.ts";

/** `atos receipt show [DIR]`: the receipt of a delivered repository. Checks nothing. */
export async function runReceiptShowCommand(directory: string, output: Output): Promise<number> {
  const receipt = await readReceiptOf(resolve(directory), interrupted());
  output.emit(receipt);
  output.say(receiptToMarkdown(receipt));
  return EXIT.done;
}

export type ReceiptVerifyFlags = {
  readonly unsafe?: boolean;
  readonly branch?: string;
  /** True when it stands without a number. */
  readonly mutants?: string | true;
};

/** `atos receipt verify [DIR]`: checks the receipt and runs the tests again. Needs no worker and no database. */
export async function runReceiptVerifyCommand(
  named: string | undefined,
  flags: ReceiptVerifyFlags,
  output: Output,
): Promise<number> {
  const { directory, ...asked } = folderAndMutants(named, flags.mutants);
  const most = mostMutants(asked.mutants);
  const context = commandContext();
  const settings = await settingsOf(context);
  const languages = await loadLanguages([OWN_LANGUAGES, join(context.folder.root, "languages")]);
  const sandbox = await openSandbox({ ...settings.sandbox, unsafe: flags.unsafe ?? false });
  const verification = await verifyReceipt(
    resolve(directory),
    { sandbox, mutants: most, languages, branch: flags.branch },
    interrupted(),
  );
  const { ok, receipt, findings, laterCommits, mutants } = verification;
  output.emit({
    ok,
    build: receipt.build,
    commit: receipt.commit,
    verdict: receipt.verdict,
    sandbox: sandbox.level,
    laterCommits,
    findings,
    ...(mutants === undefined ? {} : { mutants }),
  });
  for (const finding of findings) output.say(`${finding.ok ? "✔" : "✘"} ${finding.check}: ${finding.detail}`);
  for (const line of mutantLines(mutants)) output.say(line);
  if (most !== undefined && mutants === undefined)
    output.say("– no mutants were tried: what comes before them does not hold");
  if (laterCommits > 0)
    output.say(`– ${laterCommits} later commit${laterCommits === 1 ? "" : "s"}: the receipt says nothing about them`);
  output.say(`\n${verdictOf(verification)}`);
  return ok ? EXIT.done : EXIT.failed;
}

/** In `--mutants DIR` the flag stands without a number, and the folder is not its value. Pure. */
export function folderAndMutants(
  named: string | undefined,
  mutants: string | true | undefined,
): { readonly directory: string; readonly mutants: string | true | undefined } {
  const isFolder = named === undefined && typeof mutants === "string" && !/^-?[\d.]+$/.test(mutants);
  return isFolder ? { directory: mutants, mutants: true } : { directory: named ?? ".", mutants };
}

/** @throws `cli/bad-mutants` */
function mostMutants(flag: string | true | undefined): number | undefined {
  if (flag === undefined) return undefined;
  if (flag === true) return DEFAULT_MUTANTS;
  const most = Number(flag);
  if (Number.isInteger(most) && most >= 1 && most <= MOST_MUTANTS) return most;
  const asked = JSON.stringify(flag);
  throw usageError("cli/bad-mutants", `--mutants must be a whole number from 1 to ${MOST_MUTANTS}, not ${asked}`);
}

function mutantLines(report: MutantsReport | undefined): readonly string[] {
  if (report?.kind !== "tried") return [];
  return report.mutants.map(({ path, line, before, after, outcome, killedBy }) => {
    const by = killedBy === "" ? "" : `  (${cut(killedBy)})`;
    return `  ${outcome.padEnd(8)}  ${path}:${line}  ${cut(before)}  →  ${cut(after)}${by}`;
  });
}

function cut(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

function verdictOf({ ok, receipt, findings }: Verification): string {
  const commit = receipt.commit.slice(0, 10);
  if (ok) return `The receipt holds for commit ${commit}. Changes that are not committed were not looked at.`;
  const broken = findings.filter((finding) => !finding.ok && finding.check !== GREEN_CHECK);
  if (broken.length > 0 && broken.every((finding) => finding.check === MUTANTS_CHECK))
    return "The receipt is what it says, but its tests do not hold what it promises.";
  const honestRed = receipt.verdict === "red" && broken.every((finding) => finding.check === RERUN_CHECK);
  return honestRed
    ? "The receipt is red: it is what it says, and says that the work is not done."
    : "The receipt does not hold.";
}

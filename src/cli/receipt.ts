import { resolve } from "node:path";
import { EXIT } from "../base/errors.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { receiptToMarkdown } from "../workflows/receipt.ts";
import {
  GREEN_CHECK,
  readReceiptOf,
  RERUN_CHECK,
  type Verification,
  verifyReceipt,
} from "../workflows/verify-receipt.ts";
import { commandContext, settingsOf } from "./context.ts";
import type { Output } from "./output.ts";

/** `atos receipt show [DIR]`: the receipt of a delivered repository. Checks nothing. */
export async function runReceiptShowCommand(directory: string, output: Output): Promise<number> {
  const receipt = await readReceiptOf(resolve(directory));
  output.emit(receipt);
  output.say(receiptToMarkdown(receipt));
  return EXIT.done;
}

/** `atos receipt verify DIR`: checks the receipt and runs the tests again. Needs no worker and no database. */
export async function runReceiptVerifyCommand(
  directory: string,
  flags: { readonly unsafe?: boolean },
  output: Output,
): Promise<number> {
  const settings = await settingsOf(commandContext());
  const sandbox = await openSandbox({ ...settings.sandbox, unsafe: flags.unsafe ?? false });
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const verification = await verifyReceipt(resolve(directory), sandbox, stop.signal);
  const { ok, receipt, findings, laterCommits } = verification;
  output.emit({
    ok,
    build: receipt.build,
    commit: receipt.commit,
    verdict: receipt.verdict,
    sandbox: sandbox.level,
    laterCommits,
    findings,
  });
  for (const finding of findings) output.say(`${finding.ok ? "✔" : "✘"} ${finding.check}: ${finding.detail}`);
  if (laterCommits > 0)
    output.say(`– ${laterCommits} later commit${laterCommits === 1 ? "" : "s"}: the receipt says nothing about them`);
  output.say(`\n${verdictOf(verification)}`);
  return ok ? EXIT.done : EXIT.failed;
}

function verdictOf({ ok, receipt, findings }: Verification): string {
  const commit = receipt.commit.slice(0, 10);
  if (ok) return `The receipt holds for commit ${commit}. Changes that are not committed were not looked at.`;
  const broken = findings.filter((finding) => !finding.ok && finding.check !== GREEN_CHECK);
  const honestRed = receipt.verdict === "red" && broken.every((finding) => finding.check === RERUN_CHECK);
  return honestRed
    ? "The receipt is red: it is what it says, and says that the work is not done."
    : "The receipt does not hold.";
}

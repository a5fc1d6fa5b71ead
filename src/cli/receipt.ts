import { resolve } from "node:path";
import { EXIT } from "../base/errors.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { receiptToMarkdown } from "../workflows/receipt.ts";
import { readReceiptOf, verifyReceipt } from "../workflows/verify-receipt.ts";
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
  const sandbox = await openSandbox({ unsafe: flags.unsafe ?? false });
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
  output.say(ok ? "\nThe receipt holds." : "\nThe receipt does not hold, or is not green.");
  return ok ? EXIT.done : EXIT.failed;
}

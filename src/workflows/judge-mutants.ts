import type { MutantsReport } from "../tools/mutants/run-mutants.ts";

export const MUTANTS_CHECK = "the tests can fail";

/** Fewer that all survive may be chance. */
const ENOUGH = 3;

/**
 * What mutants say of the tests. A survivor is told and forgiven: nobody's tests notice everything. Tests that notice
 * nothing at all prove nothing. Pure.
 */
export function judgeMutants(report: MutantsReport): { readonly ok: boolean; readonly detail: string } {
  if (report.kind === "unsupported")
    return { ok: true, detail: `not tried: mutants can't be made of ${report.language}` };
  if (report.kind === "red") return { ok: false, detail: `the tests fail without any change: ${report.why}` };
  const { killed, survived } = report;
  const all = killed + survived;
  if (all === 0) return { ok: true, detail: "not tried: the code has nothing to change" };
  const changes = all === 1 ? "1 change of the code" : `${all} changes of the code`;
  if (killed > 0) {
    const detail =
      survived === 0
        ? `the tests notice ${all === 1 ? "" : "all "}${changes}`
        : `${survived} of ${all} survived: the tests do not notice ${survived === 1 ? "this change" : "these changes"} of the code`;
    return { ok: true, detail };
  }
  if (all < ENOUGH)
    return { ok: true, detail: `the tests do not notice ${changes}, which is too few to judge them by` };
  return { ok: false, detail: `none of ${changes} made a test fail: these tests can't fail, and prove nothing` };
}

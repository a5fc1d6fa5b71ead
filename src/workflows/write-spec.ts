import { agrees } from "../agents/closed-domain.ts";
import { fill } from "../agents/prompt-set.ts";
import { readSpec, type Spec } from "../agents/read-spec.ts";
import type { BuildRun } from "./build-run.ts";
import { outsideDomain } from "./outside-domain.ts";

export type SpecOutcome =
  | { readonly kind: "spec"; readonly spec: Spec }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** Goal → spec with acceptance criteria, by the product manager. */
export async function writeSpec(build: BuildRun): Promise<SpecOutcome> {
  const { goal, domain, prompts } = build.request;
  const conversation = build.open("product-manager", { task: "spec", tier: "complex", name: "spec" });
  const { read } = await build.ask(conversation, fill(prompts["product-manager"].user, { goal }), readSpec);
  if (!read.ok) return { kind: "failed", why: `the product manager's specification can't be used: ${read.why}` };
  if (read.value.kind === "refused")
    return { kind: "refused", why: domain === undefined ? read.value.why : outsideDomain(domain.description).message };
  const { spec } = read.value;
  // Two judges that know nothing of each other, the word lists and the model: one doubt is enough.
  if (domain !== undefined && !agrees(spec.summary, domain.families))
    return { kind: "refused", why: outsideDomain(domain.description).message };
  await build.record("spec written", {
    type: "spec-written",
    name: spec.name,
    language: spec.language,
    criteria: spec.criteria,
  });
  return { kind: "spec", spec };
}

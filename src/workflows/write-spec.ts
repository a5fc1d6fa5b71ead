import { agrees } from "../agents/closed-domain.ts";
import { fill } from "../agents/prompt-set.ts";
import type { Read } from "../agents/read.ts";
import { readSpec, type Spec, type SpecReply } from "../agents/read-spec.ts";
import type { BuildRequest } from "./build-request.ts";
import type { BuildRun } from "./build-run.ts";
import { beyondModel } from "./outside-domain.ts";

export type SpecOutcome =
  | { readonly kind: "spec"; readonly spec: Spec }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/**
 * Goal → spec with acceptance criteria, by the product manager.
 *
 * A model of a closed domain has a second judge that knows nothing of it, the words of the goal: a spec that
 * does not agree with them is sampled again, and when none does, the goal is refused.
 */
export async function writeSpec(build: BuildRun): Promise<SpecOutcome> {
  const { goal, domain, prompts } = build.request;
  const conversation = build.open("product-manager", { task: "spec", tier: "complex", name: "spec" });
  const reader = (reply: string): Read<SpecReply> =>
    domain === undefined ? readSpec(reply) : readSpecWithin(domain, reply);
  const { read } = await build.ask(conversation, fill(prompts["product-manager"].user, { goal }), reader);
  if (!read.ok && domain !== undefined) return { kind: "refused", why: beyondModel(read.why).message };
  if (!read.ok) return { kind: "failed", why: `the product manager's specification can't be used: ${read.why}` };
  if (read.value.kind === "refused") return { kind: "refused", why: read.value.why };
  const { spec } = read.value;
  const { name, language, criteria } = spec;
  await build.record("spec written", { type: "spec-written", name, language, criteria });
  return { kind: "spec", spec };
}

function readSpecWithin(domain: NonNullable<BuildRequest["domain"]>, reply: string): Read<SpecReply> {
  const read = readSpec(reply);
  if (!read.ok) return read;
  if (read.value.kind === "refused") return { ok: false, why: "it refuses a goal whose words are inside its domain" };
  const { name, language, summary, criteria } = read.value.spec;
  if (!agrees(summary, domain.families)) return { ok: false, why: "its summary is not what the goal's words say" };
  if (domain.name !== undefined && name !== domain.name)
    return { ok: false, why: `the goal names it ${domain.name}, not ${name}` };
  if (domain.language !== undefined && language !== domain.language)
    return { ok: false, why: `the goal asks for ${domain.language}, not ${language}` };
  const calls = criteria.map((criterion) => /^(\w+)(\(.*\)) returns \S/.exec(criterion));
  const odd = criteria.find((_, index) => calls[index]?.[1] !== name);
  if (odd !== undefined)
    return { ok: false, why: `the criterion ${JSON.stringify(odd)} is not a call of ${name} and what it returns` };
  if (new Set(calls.map((call) => call?.[2])).size < calls.length)
    return { ok: false, why: "two criteria are about the same call" };
  return read;
}

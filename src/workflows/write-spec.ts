import { agrees } from "../agents/closed-domain.ts";
import { fill } from "../agents/fill.ts";
import type { Read } from "../agents/read.ts";
import { readSpec, type Spec, type SpecReply } from "../agents/read-spec.ts";
import { modelFor } from "../agents/roster.ts";
import { roleFor } from "../agents/team.ts";
import { knownLanguages } from "../tools/find-language.ts";
import type { DomainPart } from "./build-request.ts";
import { beyondModel } from "./outside-domain.ts";
import { languagesFor } from "./repository.ts";
import { LEADING_TIER, type Strand } from "./strand.ts";

export type SpecOutcome =
  /** `parts`: the specifications that the whole was put together from, each of one task; one general one has none. */
  | { readonly kind: "written"; readonly spec: Spec; readonly parts: readonly Spec[] }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** Goal → specification with acceptance criteria, by the product manager. */
export async function writeSpec(strand: Strand): Promise<SpecOutcome> {
  const { goal, domain } = strand.build.request;
  const outcome =
    domain === undefined ? await writeOne(strand, { goal, name: "spec" }) : await writeParts(strand, domain.parts);
  if (outcome.kind !== "written") return outcome;
  const { name, language, criteria } = outcome.spec;
  await strand.record("spec written", { type: "spec-written", name, language, criteria });
  return outcome;
}

/** A model of a closed domain knows one job at a time. */
async function writeParts(strand: Strand, parts: readonly DomainPart[]): Promise<SpecOutcome> {
  const specs: Spec[] = [];
  for (const [index, part] of parts.entries()) {
    const name = parts.length === 1 ? "spec" : `spec/${index + 1}`;
    const outcome = await writeOne(strand, { goal: part.goal, name, part });
    if (outcome.kind !== "written") return outcome;
    specs.push(outcome.spec);
  }
  const [first] = specs;
  if (first === undefined) return { kind: "failed", why: "the goal has no part" };
  const twice = specs.find(({ name }, index) => specs.findIndex((other) => other.name === name) < index);
  if (twice !== undefined)
    return { kind: "refused", why: beyondModel(`two parts of the goal are both called ${twice.name}`).message };
  const other = specs.find(({ language }) => language !== first.language);
  if (other !== undefined)
    return { kind: "refused", why: beyondModel(`${first.name} and ${other.name} came out in two languages`).message };
  if (specs.length === 1) return { kind: "written", spec: first, parts: specs };
  return {
    kind: "written",
    parts: specs,
    spec: {
      name:
        specs.length === 2 ? specs.map(({ name }) => name).join("_and_") : `${first.name}_and_${specs.length - 1}_more`,
      language: first.language,
      summary: specs.map(({ name, summary }) => `${name} ${summary}`).join("; "),
      criteria: specs.flatMap(({ criteria }) => criteria),
    },
  };
}

async function writeOne(
  strand: Strand,
  { goal, name, part }: { readonly goal: string; readonly name: string; readonly part?: DomainPart },
): Promise<SpecOutcome> {
  const { team, roster, languages } = strand.build.request;
  const known = knownLanguages(languagesFor(strand.build.request.goal, strand.build.repository, languages));
  const role = roleFor(team, "product-manager", LEADING_TIER);
  const source = modelFor(roster, role, LEADING_TIER);
  const reader = (reply: string): Read<SpecReply> => {
    const read = readSpec(reply, known);
    return part === undefined ? read : within(part, read);
  };
  const conversation = strand.open({ role, source, task: "spec", name });
  const map = strand.build.repositoryMap;
  const content = fill(role.user, { goal, languages: known.names.join(", "), map, rules: strand.build.rules });
  const { read } = await strand.ask(conversation, content, reader);
  if (!read.ok && part !== undefined) return { kind: "refused", why: beyondModel(read.why).message };
  if (!read.ok) return { kind: "failed", why: `the product manager's specification can't be used: ${read.why}` };
  if (read.value.kind === "refused") return { kind: "refused", why: read.value.why };
  return { kind: "written", spec: read.value.spec, parts: [] };
}

/** A second judge that knows nothing of the model, the words of the goal: what does not agree with them is drawn again. */
function within(part: DomainPart, read: Read<SpecReply>): Read<SpecReply> {
  if (!read.ok) return read;
  if (read.value.kind === "refused") return { ok: false, why: "it refuses a goal whose words are inside its domain" };
  const { name, language, summary, criteria } = read.value.spec;
  if (!agrees(summary, part.families)) return { ok: false, why: "its summary is not what the goal's words say" };
  if (part.name !== undefined && name !== part.name)
    return { ok: false, why: `the goal names it ${part.name}, not ${name}` };
  if (part.language !== undefined && language !== part.language)
    return { ok: false, why: `the goal asks for ${part.language}, not ${language}` };
  const calls = criteria.map((criterion) => /^(\w+)(\(.*\)) returns \S/.exec(criterion));
  const odd = criteria.find((_, index) => calls[index]?.[1] !== name);
  if (odd !== undefined)
    return { ok: false, why: `the criterion ${JSON.stringify(odd)} is not a call of ${name} and what it returns` };
  if (new Set(calls.map((call) => call?.[2])).size < calls.length)
    return { ok: false, why: "two criteria are about the same call" };
  return read;
}

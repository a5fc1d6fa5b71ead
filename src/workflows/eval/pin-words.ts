import { createHash } from "node:crypto";
import type { Role } from "../../agents/role.ts";
import type { Team } from "../../agents/team.ts";
import type { Language } from "../../tools/language.ts";

export type Words = {
  readonly team: Team;
  /** Who answers alone. */
  readonly single: Role;
  readonly languages: readonly Language[];
  /** Of a model that knows a few jobs only: what it knows. */
  readonly domain: string | undefined;
};

/** All that models are told and goals are read by, each by a name for people and a hash that changes with it. Pure. */
export function pinWords({ team, single, languages, domain }: Words): Readonly<Record<string, string>> {
  const { roles, developers } = team;
  return Object.fromEntries([
    ...Object.entries(roles).map(([seat, role]) => [`the role ${seat}`, hashOf(role)]),
    ...Object.entries(developers).map(([tier, role]) => [`the role developer (${tier})`, hashOf(role)]),
    ["the role single", hashOf(single)],
    ...languages.map((language) => [`the language ${language.id}`, hashOf(language)]),
    ...(domain === undefined ? [] : [["the domain", hashOf(domain)]]),
  ]);
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

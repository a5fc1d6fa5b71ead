import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../base/errors.ts";
import { readRole, type Role, type Seat } from "./role.ts";
import type { Team } from "./team.ts";

/** Where teams and roles are looked for. */
export type TeamPlaces = {
  /** What somebody asked for: a team's name, or its file. Absent: `team`. */
  readonly team?: string;
  /** Where a relative file begins. */
  readonly directory: string;
  /** The person's own folders, the nearest first; a file in one goes before the same one of a later folder. */
  readonly overrides: readonly string[];
  /** ATOS's own roles. */
  readonly own: string;
  /** A roster's own prompts, which its models were made for: nothing else is looked at then. */
  readonly pinned?: string;
};

export type LoadedTeam = {
  readonly team: Team;
  /** What the person should know of the choice. */
  readonly notes: readonly string[];
};

const DEFAULT_TEAM = "team";

/** Names, not paths: a role is looked up in the folders. */
const roleName = z.string().regex(/^[\w-]+$/, "must be the name of a role file, without folder and .md");
const developersSchema = z.strictObject({
  simple: roleName.default("developer"),
  medium: roleName.default("developer"),
  complex: roleName.default("developer"),
});

/** A seat that is not named is taken by the role of its own name. */
const teamFileSchema = z.strictObject({
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  "product-manager": roleName.default("product-manager"),
  "tech-lead": roleName.default("tech-lead"),
  tester: roleName.default("tester"),
  developer: z
    .union([roleName.transform((name) => ({ simple: name, medium: name, complex: name })), developersSchema])
    .default({ simple: "developer", medium: "developer", complex: "developer" }),
  reviewer: roleName.default("reviewer"),
  integrator: roleName.optional(),
});
type TeamFile = z.infer<typeof teamFileSchema>;

/**
 * The team that was asked for, whole, with every role's words: a team file by name or path, and the role files that it
 * names. Without any team file each seat is taken by the role of its name; an integrator may be missing.
 *
 * @throws {AtosError} `agents/bad-team`, `agents/unknown-team` and `agents/bad-prompt`, each naming the file and what is
 *   wrong with it.
 */
export async function loadTeam(places: TeamPlaces): Promise<LoadedTeam> {
  const { team, directory, overrides, own, pinned } = places;
  if (pinned !== undefined) {
    // It is not used, but whoever misspells it is told.
    if (team !== undefined) await findTeam(team, directory, [...overrides, own]);
    const loaded = await load(await findTeam(DEFAULT_TEAM, directory, [pinned]), [pinned]);
    return { team: loaded, notes: await unusedNotes(places, pinned) };
  }
  const folders = [...overrides, own];
  const found = await findTeam(team ?? DEFAULT_TEAM, directory, folders);
  // The roles of a team that somebody keeps elsewhere lie beside it.
  const beside = found.file === undefined ? [] : [dirname(found.file)].filter((folder) => !folders.includes(folder));
  const loaded = await load(found, [...beside, ...folders]);
  return { team: loaded, notes: await takenNotes(loaded, overrides) };
}

type FoundTeam = { readonly file: string | undefined; readonly seats: TeamFile };

async function findTeam(team: string, directory: string, folders: readonly string[]): Promise<FoundTeam> {
  const isName = /^[\w-]+$/.test(team);
  const files = isName ? folders.map((folder) => join(folder, `${team}.yaml`)) : [resolve(directory, team)];
  for (const file of files) {
    const text = await readIfThere(file, "agents/bad-team");
    if (text !== undefined) return { file, seats: readTeamFile(text, file) };
  }
  if (team === DEFAULT_TEAM) return { file: undefined, seats: teamFileSchema.parse({}) };
  const where = isName ? ` Looked for ${files.join(", ")}` : "";
  const known = await teamsIn(folders);
  throw usageError(
    "agents/unknown-team",
    `there is no team ${team}; there are ${known.join(", ")}. Give one of these, or a team's .yaml file.${where}`,
  );
}

/** Names of the teams there are. The usual one needs no file. */
async function teamsIn(folders: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(folders.map((folder) => readdir(folder).catch((): string[] => [])));
  const files = lists.flat().filter((name) => /^[\w-]+\.yaml$/.test(name));
  return [...new Set([DEFAULT_TEAM, ...files.map((name) => basename(name, ".yaml"))])].toSorted();
}

/** Reads a team file; pure. */
function readTeamFile(text: string, file: string): TeamFile {
  const parsed = teamFileSchema.safeParse(parseYaml(text, file));
  if (!parsed.success)
    throw usageError("agents/bad-team", `the team ${file} is not valid:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

async function load({ file, seats }: FoundTeam, folders: readonly string[]): Promise<Team> {
  const find = (seat: Seat, name: string): Promise<Role | undefined> => findRole(seat, name, folders);
  const need = async (seat: Seat, name: string): Promise<Role> => {
    const role = await find(seat, name);
    if (role !== undefined) return role;
    const wanted = file === undefined ? `for the seat ${seat}` : `which ${file} names under ${seat}`;
    throw usageError(
      "agents/bad-prompt",
      `there is no role ${name}, ${wanted}: no ${name}.md in ${folders.join(", ")}`,
    );
  };
  const { developer } = seats;
  const integrator =
    seats.integrator === undefined
      ? await find("integrator", "integrator")
      : await need("integrator", seats.integrator);
  return {
    name: seats.name ?? (file === undefined ? "default" : basename(file, extname(file))),
    roles: {
      "product-manager": await need("product-manager", seats["product-manager"]),
      "tech-lead": await need("tech-lead", seats["tech-lead"]),
      tester: await need("tester", seats.tester),
      reviewer: await need("reviewer", seats.reviewer),
      ...(integrator === undefined ? {} : { integrator }),
    },
    developers: {
      simple: await need("developer", developer.simple),
      medium: await need("developer", developer.medium),
      complex: await need("developer", developer.complex),
    },
  };
}

async function findRole(seat: Seat, name: string, folders: readonly string[]): Promise<Role | undefined> {
  for (const folder of folders) {
    const file = join(folder, `${name}.md`);
    const text = await readIfThere(file, "agents/bad-prompt");
    if (text !== undefined) return readRole(text, { file, name, seat });
  }
  return undefined;
}

/** Which roles are not ATOS's own, and what they may call: a folder that was cloned may bring some along. */
async function takenNotes({ roles, developers }: Team, overrides: readonly string[]): Promise<readonly string[]> {
  const notes = new Set<string>();
  for (const { name, tools } of [...Object.values(roles), ...Object.values(developers)].filter(
    (role) => role !== undefined,
  ))
    for (const folder of overrides) {
      const file = join(folder, `${name}.md`);
      if ((await readIfThere(file, "agents/bad-prompt")) === undefined) continue;
      notes.add(
        `the role ${name} is the one of ${file}${tools.length === 0 ? "" : `, with the tools ${tools.join(", ")}`}`,
      );
      break;
    }
  return [...notes];
}

/** What of the person's own is left alone because the roster brings its prompts along. */
async function unusedNotes({ team, overrides }: TeamPlaces, pinned: string): Promise<readonly string[]> {
  const lists = await Promise.all(overrides.map((folder) => readdir(folder).catch((): string[] => [])));
  const folders = overrides.filter((_, index) => lists[index]?.some((name) => /\.(?:md|ya?ml)$/.test(name)));
  const unused = [
    ...(team === undefined ? [] : [`the team ${team}`]),
    ...folders.map((folder) => `the roles in ${folder}`),
  ];
  if (unused.length === 0) return [];
  return [
    `this roster's models are asked with its own prompts (${pinned}); ${unused.join(" and ")} ${unused.length === 1 && team !== undefined ? "is" : "are"} not used`,
  ];
}

async function readIfThere(file: string, code: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw usageError(code, `${file} can't be read: ${messageOf(error)}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function parseYaml(text: string, file: string): unknown {
  try {
    // An empty file is a team with nothing but the usual seats.
    return parse(text) ?? {};
  } catch (error) {
    throw usageError("agents/bad-team", `the team ${file} is not YAML: ${messageOf(error)}`);
  }
}

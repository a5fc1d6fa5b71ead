import { usageError } from "../base/errors.ts";
import { type Build, findBuild } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { newestBuild } from "../store/newest-builds.ts";

/**
 * The build of this name; the newest if none is named, but for those of `atos eval`.
 *
 * @throws {AtosError} `cli/no-such-build`
 */
export async function chosenBuild(db: Db, id: string | undefined): Promise<Build> {
  const build = id === undefined ? await newestBuild(db) : await findBuild(db, id);
  if (build !== undefined) return build;
  throw usageError(
    "cli/no-such-build",
    id === undefined ? 'no builds yet; start one: atos build "…" --out DIR' : `there is no build ${id}; see: atos list`,
  );
}

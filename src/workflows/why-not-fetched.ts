import { stat } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import { git } from "../journal/git.ts";

/** Nothing is got for what a partial clone lacks: git would run what that clone's settings say. */
export const FILES_ONLY = { GIT_ALLOW_PROTOCOL: "file", GIT_NO_LAZY_FETCH: "1", GIT_OPTIONAL_LOCKS: "0" };

const NAME_ONE = "name the folder that a build delivered to";
const MOST_NAMED = 20;

/** What is wrong with what was to be copied, in words where it can be told. */
export async function whyNotFetched(
  { origin, repository, branch }: { origin: string; repository: string; branch: string | undefined },
  error: unknown,
): Promise<string> {
  const place = await stat(origin).catch(() => undefined);
  if (place === undefined) return `there is no folder ${origin}; ${NAME_ONE}`;
  const heads = await git(repository, ["ls-remote", "--heads", origin], { env: FILES_ONLY }).catch(() => undefined);
  const names: readonly string[] = (heads ?? "").match(/(?<=refs\/heads\/).+/g) ?? [];
  if (branch !== undefined && names.length > 0 && !names.includes(branch))
    return `${origin} has no branch ${branch}; it has ${names.slice(0, MOST_NAMED).join(", ")}`;
  if (heads === "") return `${origin} has no commit yet; ${NAME_ONE}`;
  if (/does not appear to be a git repository/.test(messageOf(error)))
    return `${origin} is no git repository; ${NAME_ONE}`;
  return `${origin} can't be read: ${messageOf(error)}`;
}

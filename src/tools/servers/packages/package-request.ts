export const MANAGERS = ["npm", "pip"] as const;
export type Manager = (typeof MANAGERS)[number];

export type PackageRequest = {
  readonly manager: Manager;
  readonly name: string;
  /** Exact; undefined for the newest. */
  readonly version: string | undefined;
};

const NAMES: Readonly<Record<Manager, RegExp>> = {
  npm: /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/,
  pip: /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/,
};
const VERSIONS: Readonly<Record<Manager, RegExp>> = {
  npm: /^\d+\.\d+\.\d+(?:-[0-9A-Za-z][0-9A-Za-z.-]*)?(?:\+[0-9A-Za-z][0-9A-Za-z.-]*)?$/,
  pip: /^(?:\d+!)?\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?$/,
};
const MAX_NAME = 120;
const MAX_VERSION = 60;

/**
 * What is wrong with a package's name or version, or undefined when they can name nothing but a package of the
 * registry: no address, path, repository, alias, extra, range or option gets through. Pure.
 */
export function packageProblem({ manager, name, version }: PackageRequest): string | undefined {
  if (!isPackageName(manager, name)) {
    const plain = /^((?:@[^@/]+\/)?[\w.-]+)(?:@|==)([\w.+!-]+)$/.exec(name);
    const advice = plain === null ? "" : ` Give name ${plain[1]} and version ${plain[2]}.`;
    return `${JSON.stringify(name.slice(0, 100))} is no plain name of a package in the ${manager} registry.${advice}`;
  }
  if (version !== undefined && !isExactVersion(manager, version))
    return `${JSON.stringify(version.slice(0, 60))} is no exact version; give one like 1.2.3, or leave it out for the newest.`;
  return undefined;
}

export function isPackageName(manager: Manager, name: string): boolean {
  return name.length <= MAX_NAME && NAMES[manager].test(name);
}

function isExactVersion(manager: Manager, version: string): boolean {
  return version.length <= MAX_VERSION && VERSIONS[manager].test(version);
}

/** One spelling for all that PyPI takes as the same name. Pure. */
export function normalName(manager: Manager, name: string): string {
  return manager === "npm" ? name : name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

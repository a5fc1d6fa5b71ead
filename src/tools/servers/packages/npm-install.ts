import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { missingError } from "../../../base/errors.ts";
import type { Sandbox, SandboxReport } from "../../../sandbox/sandbox.ts";
import { readInside } from "../filesystem/read-inside.ts";
import { ToolFailure } from "../tool-failure.ts";
import { excerpt } from "../web/excerpt.ts";
import type { NpmDependencies } from "./npm-manifest.ts";
import type { PackageRequest } from "./package-request.ts";
import { refusedHost, type Registry, registryRules } from "./registries.ts";
import { type StagedRun, WORK_FOLDER } from "./stage-install.ts";

const NPM_INSIDE = "/opt/npm";

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      link: z.boolean().optional(),
      inBundle: z.boolean().optional(),
    }),
  ),
});

/**
 * The run that adds a package. Nothing of a package is run: no script, no hook, no build.
 *
 * @param npm the folder of npm itself on this machine.
 */
export function npmRun(
  { sandbox, npm, registry }: { readonly sandbox: Sandbox; readonly npm: string; readonly registry: Registry },
  { name, version }: PackageRequest,
  { known, lock }: { readonly known: NpmDependencies; readonly lock: string | undefined },
): StagedRun {
  // What lies in /usr every sandbox shows; a distribution's npm needs what lies beside it there.
  const isShown = sandbox.level === "none" || npm.startsWith("/usr/");
  const place = isShown || !sandbox.mounts ? npm : NPM_INSIDE;
  const options = [
    "--ignore-scripts",
    "--save-exact",
    "--package-lock=true",
    // What still says where it comes from afterwards does not come from the registry.
    "--omit-lockfile-registry-resolved",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--loglevel=error",
    "--logs-max=0",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
    "--fetch-timeout=30000",
    `--registry=${registry.url}`,
    `--cache=${WORK_FOLDER}/cache`,
    `--userconfig=${WORK_FOLDER}/no-user-config`,
    `--globalconfig=${WORK_FOLDER}/no-global-config`,
  ];
  return {
    command: [
      sandbox.nodePath,
      `${place}/bin/npm-cli.js`,
      "install",
      ...options,
      "--",
      `${name}@${version ?? "latest"}`,
    ],
    files: {
      "package.json": JSON.stringify({ name: "workspace", private: true, ...withoutEmpty(known) }),
      ...(lock !== undefined && { "package-lock.json": lock }),
    },
    allow: registryRules(registry),
    readOnly: isShown ? [] : [{ source: npm, target: place }],
    // A company's own registry is often vouched for by this machine alone.
    env: { NODE_USE_SYSTEM_CA: "1" },
  };
}

/** npm would write an empty group into the lock, and take the workspace's own for another. */
function withoutEmpty(known: NpmDependencies): Partial<NpmDependencies> {
  return Object.fromEntries(Object.entries(known).filter(([, group]) => Object.keys(group).length > 0));
}

/** Why an install failed, for the model. Pure. */
export function npmFailure(report: SandboxReport, { name, version }: PackageRequest, registry: Registry): string {
  const code = /npm (?:error|ERR!) code (\w+)/.exec(report.stderr)?.[1];
  const wanted = version === undefined ? name : `${name}@${version}`;
  const refused = refusedHost(report, registry);
  if (refused !== undefined) return `${wanted} was not installed: ${refused}.`;
  if (code === "E404") return `The npm registry has no package ${name}, or one that it needs; check the spelling.`;
  if (code === "ETARGET") return `There is no ${wanted}; leave the version out for the newest, or check it.`;
  if (code === "EINTEGRITY") return `${wanted} was not installed: what came is not what the registry's checksum says.`;
  const words = excerpt(report.stderr.replaceAll(/npm (?:error|ERR!)( code \w+| Log files .*)?/g, ""), 300);
  return `${wanted} was not installed (${report.limitHit ?? code ?? `exit ${report.exitCode}`}): ${words}`;
}

/**
 * The lock that an install left, and the package in it.
 *
 * @throws {ToolFailure} when anything in it did not come from the registry with a checksum.
 */
export function readNpmLock(root: string, { name }: PackageRequest) {
  const text = readInside(root, "package-lock.json").toString("utf8");
  const { packages } = lockSchema.parse(JSON.parse(text));
  for (const [path, entry] of Object.entries(packages)) {
    if (path === "" || entry.inBundle === true) continue;
    const isFromRegistry = entry.resolved === undefined && entry.link !== true && path.startsWith("node_modules/");
    if (isFromRegistry && /^sha(512|384|256)-/.test(entry.integrity ?? "")) continue;
    throw new ToolFailure(`${name} was not installed: it needs ${path}, which does not come from the registry.`);
  }
  const found = packages[`node_modules/${name}`];
  if (found?.version === undefined || found.integrity === undefined)
    throw new ToolFailure(`${name} was not installed: npm did not list it.`);
  return { text, version: found.version, integrity: found.integrity };
}

/**
 * The folder of the npm that belongs to this machine's Node.
 *
 * @throws `tools/npm-missing` when there is none.
 */
export function findNpm(nodeBinary: string, path: string): string {
  const beside = [nodeBinary, ...path.split(":").map((folder) => join(folder, "node"))].map((node) =>
    join(dirname(dirname(node)), "lib", "node_modules", "npm"),
  );
  const places = [...beside, "/usr/lib/node_modules/npm", "/usr/local/lib/node_modules/npm", "/usr/share/nodejs/npm"];
  const found = places.find((place) => existsSync(join(place, "bin", "npm-cli.js")));
  if (found !== undefined) return realpathSync(found);
  throw missingError(
    "tools/npm-missing",
    "No npm was found on this machine; install Node.js with npm from nodejs.org.",
  );
}

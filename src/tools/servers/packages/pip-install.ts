import { z } from "zod";
import { missingError } from "../../../base/errors.ts";
import type { Sandbox, SandboxReport } from "../../../sandbox/sandbox.ts";
import { readInside } from "../filesystem/read-inside.ts";
import { ToolFailure } from "../tool-failure.ts";
import { excerpt } from "../web/excerpt.ts";
import { PACKAGES_FOLDER } from "./dependency-mounts.ts";
import { normalName, type PackageRequest } from "./package-request.ts";
import { refusedHost, type Registry, registryRules } from "./registries.ts";
import { type PinnedWheel, type Requirement, writeRequirements } from "./requirements.ts";
import { type StagedRun, WORK_FOLDER } from "./stage-install.ts";

const NO_PIP = "atos-no-pip";

/** Runs pip as a module, or from the wheel that Python brings to install it from. */
const START_PIP = `import glob, os, runpy, sys
try:
    import pip
except ImportError:
    places = [os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled"), "/usr/share/python-wheels"]
    wheels = sorted(wheel for place in places for wheel in glob.glob(os.path.join(place, "pip-*.whl")))
    if not wheels:
        sys.exit("${NO_PIP}")
    sys.path.insert(0, wheels[-1])
runpy.run_module("pip", run_name="__main__", alter_sys=True)
`;

const reportSchema = z.object({
  install: z.array(
    z.object({
      is_direct: z.boolean(),
      download_info: z.object({
        url: z.string(),
        archive_info: z
          .object({ hash: z.string().nullish(), hashes: z.record(z.string(), z.string()).nullish() })
          .optional(),
      }),
      metadata: z.object({ name: z.string(), version: z.string() }),
    }),
  ),
});

/**
 * The run that installs a package beside those that are there. Wheels only: nothing of a package is run.
 *
 * @throws `tools/python-missing`
 */
export function pipRun(
  { sandbox, registry }: { readonly sandbox: Sandbox; readonly registry: Registry },
  { name, version }: PackageRequest,
  known: readonly Requirement[],
): StagedRun {
  if (sandbox.pythonPath === undefined) {
    const why =
      "pip needs Python 3, and /usr/bin/python3 was not found; install it: apt-get install python3 python3-pip";
    throw missingError("tools/python-missing", why);
  }
  const { protocol, host } = new URL(registry.url);
  const others = known.filter((other) => normalName("pip", other.name) !== normalName("pip", name));
  const wanted = [...others.map((other) => other.name + other.versions), version ? `${name}==${version}` : name];
  const options = [
    "--isolated",
    "--no-input",
    "--disable-pip-version-check",
    "--no-cache-dir",
    "--retries=1",
    "--timeout=30",
    "--only-binary=:all:",
    "--no-compile",
    "--progress-bar=off",
    "--root-user-action=ignore",
    "--no-warn-script-location",
    `--index-url=${registry.url}`,
    ...(protocol === "http:" ? [`--trusted-host=${host}`] : []),
    `--target=${PACKAGES_FOLDER.pip}`,
    `--report=${WORK_FOLDER}/report.json`,
    `--requirement=${WORK_FOLDER}/wanted.txt`,
  ];
  return {
    command: [sandbox.pythonPath, "-I", "-c", START_PIP, "install", ...options],
    files: { [`${WORK_FOLDER}/wanted.txt`]: `${wanted.join("\n")}\n` },
    allow: registryRules(registry),
    readOnly: [],
    env: {},
  };
}

/**
 * Why an install failed, for the model. Pure.
 *
 * @throws `tools/pip-missing`
 */
export function pipFailure(report: SandboxReport, { name, version }: PackageRequest, registry: Registry): string {
  if (report.stderr.includes(NO_PIP)) {
    throw missingError("tools/pip-missing", "Python has no pip here; install it: apt-get install python3-pip");
  }
  const wanted = version === undefined ? name : `${name}==${version}`;
  const refused = refusedHost(report, registry);
  if (refused !== undefined) return `${wanted} was not installed: ${refused}.`;
  if (/DO NOT MATCH THE HASHES/.test(report.stderr))
    return `${wanted} was not installed: what came is not what the registry's checksum says.`;
  const [, missing = ""] = /No matching distribution found for (\S+)/.exec(report.stderr) ?? [];
  const [, versions = "none"] = /\(from versions: ([^)]*)\)/.exec(report.stderr) ?? [];
  if (missing !== "" && versions === "none")
    return `The pip registry has no ${excerpt(missing, 100)} as a ready-made wheel for this Python; check the spelling.`;
  if (missing !== "")
    return `There is no ${excerpt(missing, 100)}; there are ${excerpt(versions, 200)}. Leave the version out for the newest.`;
  const words = excerpt(report.stderr.replaceAll(/^WARNING.*$/gm, "").replaceAll("ERROR: ", ""), 300);
  return `${wanted} was not installed (${report.limitHit ?? `exit ${report.exitCode}`}): ${words}`;
}

/**
 * The lock made of what pip reported, and the package in it.
 *
 * @throws {ToolFailure} when anything is no wheel of the registry with a checksum, or has another than it had before.
 */
export function readPipReport(root: string, { name }: PackageRequest, known: readonly Requirement[]) {
  const { install } = reportSchema.parse(
    JSON.parse(readInside(`${root}/${WORK_FOLDER}`, "report.json").toString("utf8")),
  );
  const wheels = install.map(({ is_direct: isDirect, download_info: { url, archive_info: info }, metadata }) => {
    const sha256 = info?.hashes?.["sha256"] ?? /^sha256=(.*)$/.exec(info?.hash ?? "")?.[1] ?? "";
    if (isDirect || !/^[0-9a-f]{64}$/.test(sha256) || !/\.whl(#|$)/.test(url))
      throw new ToolFailure(`${name} was not installed: it needs ${metadata.name}, which is no wheel of the registry.`);
    return { name: metadata.name, version: metadata.version, sha256 };
  });
  const changed = wheels.find((wheel) => isChanged(wheel, known));
  if (changed !== undefined)
    throw new ToolFailure(
      `${name} was not installed: ${changed.name} ${changed.version} has another checksum than requirements.txt says.`,
    );
  const found = wheels.find((wheel) => normalName("pip", wheel.name) === normalName("pip", name));
  if (found === undefined) throw new ToolFailure(`${name} was not installed: pip did not list it.`);
  return { text: writeRequirements(wheels), version: found.version, integrity: `sha256:${found.sha256}` };
}

function isChanged(wheel: PinnedWheel, known: readonly Requirement[]): boolean {
  const before = known.find(({ name }) => normalName("pip", name) === normalName("pip", wheel.name));
  const isSame = before?.versions === `==${wheel.version}` && before.sha256.length > 0;
  return isSame && !before.sha256.includes(wheel.sha256);
}

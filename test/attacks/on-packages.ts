import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { existsSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { dependencyMounts, readLock } from "../../src/tools/servers/packages/dependency-mounts.ts";
import { findNpm } from "../../src/tools/servers/packages/npm-install.ts";
import { openPackagesServer } from "../../src/tools/servers/packages/open-packages-server.ts";
import {
  type NpmRelease,
  openPackageRegistry,
  type PackageRegistry,
  type PipRelease,
} from "../fixtures/package-registry.ts";
import type { Attack, Ground } from "./attack.ts";
import { held, verdictOf } from "./attack.ts";
import { Prey } from "./prey.ts";

type Installing = {
  readonly prey: Prey;
  readonly registry: PackageRegistry;
  readonly manager: "npm" | "pip";
  readonly name: string;
  readonly sandbox: Sandbox;
};
type Plan = {
  readonly npm?: (prey: Prey) => NpmRelease;
  readonly pip?: (prey: Prey) => PipRelease;
  readonly prepare?: (prey: Prey) => void;
  /** A command of a later run, which finds what was installed. */
  readonly later?: string;
  readonly judge?: (prey: Prey, said: string) => readonly string[];
};

function install(name: string, plan: Plan): Attack {
  const attack = async (how: (installing: Installing) => Promise<string>, { sandbox }: Ground) => {
    if (sandbox.level !== "bubblewrap")
      return held(`at ${sandbox.level} nothing can be installed: there is no network`);
    await using prey = await Prey.open();
    const release = plan.npm?.(prey);
    const wheel = plan.pip?.(prey);
    await using registry = await openPackageRegistry({
      npm: release === undefined ? [] : [release],
      pip: wheel === undefined ? [] : [wheel],
    });
    plan.prepare?.(prey);
    const manager = release === undefined ? "pip" : "npm";
    const said = await how({ prey, registry, manager, name: (release ?? wheel)?.name ?? "", sandbox });
    return verdictOf([...prey.damage(said), ...(plan.judge?.(prey, said) ?? [])]);
  };
  return {
    category: "package install scripts",
    name,
    wall: "packages",
    run: (ground) => attack((installing) => real(installing, plan.later), ground),
    control: (ground) => attack((installing) => naive(installing, plan.later), ground),
  };
}

async function real(
  { prey, registry, manager, name, sandbox }: Installing,
  later: string | undefined,
): Promise<string> {
  const store = join(prey.base, "store");
  const registries = {
    npm: { url: registry.npmUrl, files: [], private: true },
    pip: { url: registry.pipUrl, files: [], private: true },
  };
  const [tool] = openPackagesServer({ sandbox, root: prey.root, store, registries }).tools;
  if (tool === undefined) throw new Error("there is no tool install_package");
  const { signal } = new AbortController();
  const result = await tool.run(tool.input.parse({ name, manager }), { signal, idempotencyKey: "attack" });
  const said = result.ok ? "installed" : result.why;
  if (later === undefined) return said;
  const mounts = dependencyMounts(store, readLock(prey.root), sandbox);
  const report = await sandbox.run({ command: ["/bin/sh", "-c", later], root: prey.root, ...mounts }, signal);
  return `${said}\n${report.stdout}\n${report.stderr}`;
}

/** npm as it is; of Python packages what its installers do: unpack, and run what is in them. */
async function naive({ prey, registry, manager, name }: Installing, later: string | undefined): Promise<string> {
  const env = {
    PATH: process.env["PATH"],
    HOME: prey.base,
    npm_config_cache: join(prey.base, "cache"),
    npm_config_registry: existsSync(join(prey.root, ".npmrc")) ? undefined : registry.npmUrl,
    PREY: prey.folder,
  };
  // The registry is in this process, and must be able to answer.
  const run = async (command: string): Promise<string> => {
    const options = { cwd: prey.root, env, timeout: 15_000 };
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command], options).catch((error: unknown) => ({
      stdout: String(error),
    }));
    return stdout;
  };
  const npm = join(findNpm(process.execPath, process.env["PATH"] ?? ""), "bin", "npm-cli.js");
  if (manager === "npm") {
    const tarball = `${registry.npmUrl}${name}/-/${name}-1.0.0.tgz`;
    const unpacked = await run(
      `${process.execPath} ${npm} install --no-audit --no-fund --fetch-retries=0 --fetch-timeout=1500 --foreground-scripts ${name}`,
    );
    await fetchTo(tarball, join(prey.base, "package.tgz"));
    await run(`mkdir -p unpacked/a/b/c; tar xzPf ${prey.base}/package.tgz -C unpacked/a/b/c`);
    return unpacked;
  }
  const stem = `${name.replaceAll("-", "_")}-1.0`;
  const files = `http://127.0.0.1:${registry.port}/files/`;
  if (await fetchTo(`${files}${stem}.tar.gz`, join(prey.base, "source.tar.gz")))
    return run(`tar xzPf ${prey.base}/source.tar.gz && cd ${stem} && /usr/bin/python3 setup.py`);
  await fetchTo(`${files}${stem}-py3-none-any.whl`, join(prey.base, "wheel.zip"));
  const unzip = `import sys, os, zipfile, site
for entry in zipfile.ZipFile(sys.argv[1]).infolist():
    path = os.path.join("site", entry.filename); os.makedirs(os.path.dirname(path), exist_ok=True); open(path, "wb").write(zipfile.ZipFile(sys.argv[1]).read(entry))
site.addsitedir("site")`;
  writeFileSync(join(prey.base, "unzip.py"), unzip);
  return run(
    `mkdir -p site; /usr/bin/python3 ${prey.base}/unzip.py ${prey.base}/wheel.zip; ${later === undefined ? "true" : `PYTHONPATH=$PWD/site; export PYTHONPATH; ${later}`}`,
  );
}

async function fetchTo(url: string, path: string): Promise<boolean> {
  const response = await fetch(url);
  if (!response.ok) return false;
  writeFileSync(path, Buffer.from(await response.arrayBuffer()));
  return true;
}

const npmPackage = (rest: Partial<NpmRelease>): NpmRelease => ({
  name: "harm",
  version: "1.0.0",
  files: [{ path: "package/index.js", text: "" }],
  ...rest,
});
const touch = (prey: Prey): string => `touch ${prey.folder}/pwned`;

export const ON_PACKAGES: readonly Attack[] = [
  install("scripts of an npm package: before, at and after its installation", {
    npm: (prey) =>
      npmPackage({
        scripts: {
          preinstall: touch(prey),
          install: touch(prey),
          postinstall: "echo ran > $INIT_CWD/ran",
          prepare: touch(prey),
        },
      }),
    judge: ({ root }) => (existsSync(join(root, "ran")) ? ["a script ran in the workspace"] : []),
  }),
  install("a build that an npm package asks for without saying so: binding.gyp", {
    npm: () =>
      npmPackage({
        files: [
          {
            path: "package/package.json",
            text: '{"name":"harm","version":"1.0.0","gypfile":true,"scripts":{"install":"echo ran > $INIT_CWD/ran"}}',
          },
          {
            path: "package/binding.gyp",
            text: "{'targets': [{'target_name': 'x', 'type': 'none', 'actions': [{'action_name': 'x', 'inputs': [], 'outputs': ['y'], 'action': ['touch', '/workspace/ran']}]}]}",
          },
        ],
        scripts: { install: "echo ran > $INIT_CWD/ran" },
      }),
    judge: ({ root }) => (existsSync(join(root, "ran")) ? ["it was built"] : []),
  }),
  install("an archive with paths out of it, absolute paths and links", {
    npm: ({ base, folder, secret }) =>
      npmPackage({
        files: [
          { path: "package/index.js", text: "" },
          { path: "package/../../../../../prey/planted", text: "x" },
          { path: `${folder}/absolute`, text: "x" },
          { path: "package/link", linkTo: base },
          { path: "package/link/prey/through", text: "x" },
          { path: "package/hard", linkTo: secret, isHardLink: true },
        ],
      }),
    judge: ({ base }) =>
      existsSync(join(base, "store"))
        ? readdirSync(join(base, "store"), { recursive: true, encoding: "utf8" })
            .map((path) => ({ path, found: lstatSync(join(base, "store", path)) }))
            .filter(({ found }) => found.isSymbolicLink() || (found.isFile() && found.nlink > 1))
            .map(({ path }) => `kept the link ${path}`)
        : [],
  }),
  install("a dependency that comes from elsewhere: an address, a file, a repository", {
    npm: (prey) => npmPackage({ dependencies: { other: `http://127.0.0.1:${prey.env["PORT"]}/other.tgz` } }),
  }),
  install("settings in the workspace that name another registry and another shell", {
    npm: () => npmPackage({}),
    prepare: (prey) => {
      const there = `http://127.0.0.1:${prey.env["PORT"]}/`;
      writeFileSync(
        join(prey.root, ".npmrc"),
        `registry=${there}\nignore-scripts=false\nscript-shell=/bin/sh\nnode-options=--require ./evil.js\n`,
      );
      writeFileSync(
        join(prey.root, "package-lock.json"),
        JSON.stringify({
          name: "x",
          lockfileVersion: 3,
          packages: {
            "": { dependencies: { harm: "1.0.0" } },
            "node_modules/harm": { version: "1.0.0", resolved: `${there}harm.tgz` },
          },
        }),
      );
      writeFileSync(
        join(prey.root, "evil.js"),
        `require("fs").writeFileSync(${JSON.stringify(join(prey.folder, "pwned"))}, "")`,
      );
    },
  }),
  install("what is not what the registry's checksum says", {
    pip: () => ({
      name: "harm",
      version: "1.0",
      files: [{ path: "harm.py", text: "print('BROKE it was installed')" }],
      isWrong: true,
    }),
    later: "/usr/bin/python3 -c 'import harm'",
  }),
  install("the setup.py of a Python package that is to be built", {
    pip: (prey) => ({
      name: "harm",
      version: "1.0",
      isSource: true,
      files: [
        {
          path: "harm-1.0/setup.py",
          text: `open(${JSON.stringify(join(prey.folder, "pwned"))}, "w")\nopen("/tmp/ran", "w")`,
        },
      ],
    }),
  }),
  install("a Python package with paths out of it", {
    pip: () => ({
      name: "harm",
      version: "1.0",
      files: [
        { path: "../../prey/planted", text: "x" },
        { path: "harm.py", text: "" },
      ],
    }),
  }),
  install("lines of a .pth file and a sitecustomize, which Python runs whenever it starts", {
    pip: () => ({
      name: "harm",
      version: "1.0",
      files: [
        { path: "harm.pth", text: "import os; print('BROKE a .pth ran'); os.system('id')\n" },
        { path: "harm.py", text: "" },
      ],
    }),
    later: "/usr/bin/python3 -c pass",
  }),
];

import { z } from "zod";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { defineTool, type ToolServer } from "../../tool.ts";
import { asResult } from "../tool-failure.ts";
import { installPackage } from "./install-package.ts";
import { findNpm } from "./npm-install.ts";
import { type Manager, MANAGERS, packageProblem } from "./package-request.ts";
import { PUBLIC_REGISTRIES, type Registry } from "./registries.ts";

export type PackagesServerDeps = {
  readonly sandbox: Sandbox;
  /** The workspace. */
  readonly root: string;
  /** Where packages are kept, outside every workspace; what later runs need of it, `dependencyMounts` tells. */
  readonly store: string;
  /** Default: the public ones. */
  readonly registries?: Partial<Readonly<Record<Manager, Registry>>>;
  /** The folder of npm itself. Default: that of this machine's Node. */
  readonly npm?: string;
};

/** Packages from the registries of npm and Python, installed without running anything of theirs. */
export function openPackagesServer(deps: PackagesServerDeps): ToolServer {
  const install = {
    sandbox: deps.sandbox,
    root: deps.root,
    store: deps.store,
    registries: { ...PUBLIC_REGISTRIES, ...deps.registries },
    npm: () => deps.npm ?? findNpm(process.execPath, process.env["PATH"] ?? ""),
  };
  const tool = defineTool({
    name: "install_package",
    title: "Install a package",
    description: "Install one package of the npm or PyPI registry by its plain name. Not for files or git addresses.",
    input: z.strictObject({
      name: z.string().min(1).max(300),
      manager: z.enum(MANAGERS),
      version: z.string().min(1).max(100).optional(),
    }),
    output: z.object({
      name: z.string(),
      version: z.string(),
      integrity: z.string(),
      manager: z.enum(MANAGERS),
      installed_to: z.string(),
      files: z.int().optional(),
    }),
    annotations: { readOnly: false, destructive: false, idempotent: true, openWorld: true },
    effect: "workspace",
    example: { name: "requests", manager: "pip" },
    run: ({ name, manager, version: asked }, { signal }) =>
      asResult(async () => {
        const version = asked === "latest" ? undefined : asked;
        const problem = packageProblem({ manager, name, version });
        if (problem !== undefined) return { ok: false, why: problem };
        const { installedTo, files, ...found } = await installPackage(install, { manager, name, version }, signal);
        const output = { ...found, installed_to: installedTo, ...(files !== undefined && { files }) };
        const before = files === undefined ? " It was there before." : "";
        return { ok: true, output, text: `Installed ${found.name} ${found.version}.${before}` };
      }),
  });
  return {
    name: "packages",
    instructions: "Installs packages of the npm and PyPI registries, pinned, without running anything of theirs.",
    tools: [tool],
  };
}

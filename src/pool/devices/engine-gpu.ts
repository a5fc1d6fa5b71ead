import { existsSync, readdirSync } from "node:fs";
import { arch, platform } from "node:os";
import type { DeviceKind } from "./device-reading.ts";

/** The builds of the embedded engine that can use such a GPU, beside the one that is always there. */
const BUILDS: Readonly<Record<DeviceKind, readonly string[]>> = {
  system: [],
  nvidia: ["cuda", "vulkan"],
  amd: ["vulkan"],
  apple: ["metal"],
};

/**
 * Whether this installation's embedded engine has a build for such a device. Builds for GPUs are packages of their
 * own, which an installation may have left out; whether the driver is there as well shows when a model is loaded.
 */
export function engineCanUse(kind: DeviceKind): boolean {
  if (kind === "system") return true;
  return packageFolders().some((folder) =>
    BUILDS[kind].some(
      (build) =>
        existsSync(new URL(`@node-llama-cpp/${packageName(build)}/bins`, folder)) || isBuiltHere(folder, build),
    ),
  );
}

function packageName(build: string): string {
  const system = { darwin: "mac", win32: "win" }[platform().toString()] ?? platform();
  const processor = arch() === "arm64" && system === "mac" ? "arm64" : arch();
  return `${system}-${processor}-${build}`;
}

/** Where packages beside node-llama-cpp, and those of its own, lie. */
function packageFolders(): readonly URL[] {
  try {
    const entry = import.meta.resolve("node-llama-cpp");
    return [new URL("../../", entry), new URL("../node_modules/", entry)];
  } catch {
    return [];
  }
}

/** A person can build the engine themselves: `npx node-llama-cpp source build --gpu cuda`. */
function isBuiltHere(folder: URL, build: string): boolean {
  try {
    return readdirSync(new URL("node-llama-cpp/llama/localBuilds", folder)).some((name) => name.includes(build));
  } catch {
    return false;
  }
}

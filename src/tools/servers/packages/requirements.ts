import { ToolFailure } from "../tool-failure.ts";
import { isPackageName, normalName } from "./package-request.ts";

export type PinnedWheel = { readonly name: string; readonly version: string; readonly sha256: string };

const SPECIFIER = /^(?:==|>=|<=|~=|!=|<|>)\s*[0-9][0-9A-Za-z.!*+]*$/;

export type Requirement = {
  readonly name: string;
  /** Such as `==1.2` or `>=1,<2`; empty for any version. */
  readonly versions: string;
  readonly sha256: readonly string[];
};

/**
 * What a requirements.txt asks for. Pure.
 *
 * @throws {ToolFailure} for a line that is more than a name, versions and hashes: an option, an address, a path.
 */
export function parseRequirements(text: string | undefined): Requirement[] {
  const lines = (text ?? "").replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
  return lines.flatMap((whole) => {
    const line = whole.replace(/(^|\s)#.*$/, "").trim();
    if (line === "") return [];
    const [asked = "", ...hashes] = line.split(/\s+--hash=/);
    const [, name = "", versions = ""] = /^([A-Za-z0-9._-]+)\s*(.*)$/.exec(asked.trim()) ?? [];
    const parts = versions === "" ? [] : versions.split(",").map((part) => part.trim());
    const sha256 = hashes.map((hash) => /^sha256:([0-9a-f]{64})$/.exec(hash.trim())?.[1]);
    const known = sha256.filter((hash) => hash !== undefined);
    const isPlain = isPackageName("pip", name) && parts.every((part) => SPECIFIER.test(part));
    if (isPlain && known.length === hashes.length) return [{ name, versions: parts.join(","), sha256: known }];
    throw new ToolFailure(
      `requirements.txt has the line ${JSON.stringify(line.slice(0, 100))}; only names and versions of the registry can be installed, like requests==2.32.0. Change or remove it.`,
    );
  });
}

/** The text of a requirements.txt with everything that is installed, exact and by hash, in a fixed order. Pure. */
export function writeRequirements(wheels: readonly PinnedWheel[]): string {
  const lines = wheels.map(
    ({ name, version, sha256 }) => `${normalName("pip", name)}==${version} --hash=sha256:${sha256}`,
  );
  return `# Written by install_package: all that is installed, pinned.\n${lines.toSorted().join("\n")}\n`;
}

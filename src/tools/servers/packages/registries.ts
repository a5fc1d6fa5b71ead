import type { NetworkRule, SandboxReport } from "../../../sandbox/sandbox.ts";
import type { Manager } from "./package-request.ts";

export type Registry = {
  /** Of npm: where packages are named below. Of pip: the simple index. */
  readonly url: string;
  /** Other places that its files come from. */
  readonly files: readonly string[];
  /** Whether a person named it, so that its address may be private. */
  readonly private: boolean;
};

export const PUBLIC_REGISTRIES: Readonly<Record<Manager, Registry>> = {
  npm: { url: "https://registry.npmjs.org/", files: [], private: false },
  pip: { url: "https://pypi.org/simple/", files: ["https://files.pythonhosted.org/"], private: false },
};

/** The hosts that a package manager may reach: those of its registry, and no other. Pure. */
export function registryRules(registry: Registry): NetworkRule[] {
  const rules = [registry.url, ...registry.files].map((address) => {
    const { hostname, port, protocol } = new URL(address);
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    return { host, port: port === "" ? (protocol === "http:" ? 80 : 443) : Number(port) };
  });
  return rules.map((rule) => (registry.private ? { ...rule, private: true } : rule));
}

/** What an install could not reach, for the model: a part of the registry itself, or some other place. Pure. */
export function refusedHost(
  { refusedHosts = [] }: Pick<SandboxReport, "refusedHosts">,
  registry: Registry,
): string | undefined {
  const own = new Set(registryRules(registry).map(({ host, port }) => `${host}:${port}`));
  const other = refusedHosts.find((host) => !own.has(host));
  if (other !== undefined) return `it needs something from ${other}, which is not the registry`;
  const [first] = refusedHosts;
  return first === undefined ? undefined : `the registry ${first} can't be reached from here, or has no public address`;
}

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

/** Registries that a person named: their files come from the same host, which may be a private one. Pure. */
export function namedRegistries(urls: {
  readonly npm: string | undefined;
  readonly pip: string | undefined;
}): Partial<Readonly<Record<Manager, Registry>>> {
  const named = (url: string): Registry => ({ url: url.endsWith("/") ? url : `${url}/`, files: [], private: true });
  return {
    ...(urls.npm === undefined ? {} : { npm: named(urls.npm) }),
    ...(urls.pip === undefined ? {} : { pip: named(urls.pip) }),
  };
}

/** Why an address names no registry; undefined when it does. A key in it would be seen by what is installed. Pure. */
export function registryProblem(text: string): string | undefined {
  const url = URL.parse(text);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  return isPlain && url.username === "" && url.password === ""
    ? undefined
    : "must be an https or http address without a name, a password and what follows ? or #";
}

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

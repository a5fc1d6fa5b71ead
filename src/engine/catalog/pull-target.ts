import { join } from "node:path";
import { type Catalog, type CatalogFile, catalogFiles, findCatalogFile } from "./catalog.ts";
import { hubFileUrl, parsePullAddress } from "./pull-address.ts";
import type { ExpectedFile } from "./pull-plan.ts";

/** What can be fetched: where from, what it is called here, and what is known of it before. */
export type PullTarget = {
  readonly url: string;
  readonly name: string;
  readonly expected: ExpectedFile;
  /** Absent for an address that the catalog does not have. */
  readonly catalog?: CatalogFile | undefined;
};

/**
 * What `--model TEXT` and `models pull TEXT` mean when TEXT is a name of the catalog, an `hf:` address
 * or an http(s) address of a GGUF file; undefined when it is none of them. A file that the catalog has
 * gets its facts however it was named. Pure.
 *
 * The file belongs at `pulledPath(modelsDirectory, target.name)`.
 *
 * @throws {AtosError} `engine/bad-pull-address`, and as `findCatalogFile`
 */
export function findPullTarget(catalog: Catalog, text: string, hubUrl: string): PullTarget | undefined {
  const found = findCatalogFile(catalog, text);
  if (found !== undefined) return targetOf(found, hubUrl);
  if (!/^(hf:|https?:\/\/.*\.gguf(\?|$))/i.test(text)) return undefined;
  const { url, name } = parsePullAddress(text, hubUrl);
  const same = catalogFiles(catalog).find((each) => hubFileUrl({ ...each.file, revision: undefined }, hubUrl) === url);
  // The address says "as it is today", so what the catalog knows of a pinned file is no demand here.
  return same === undefined
    ? { url, name, expected: {} }
    : { url, name: pulledName(same), expected: {}, catalog: same };
}

/** What a model of the catalog is called once it is here, such as `qwen2.5-coder-3b-Q4_K_M`. Pure. */
export function pulledName({ model, quantisation }: Pick<CatalogFile, "model" | "quantisation">): string {
  return `${model}-${quantisation}`;
}

export function pulledPath(modelsDirectory: string, name: string): string {
  return join(modelsDirectory, `${name}.gguf`);
}

function targetOf(found: CatalogFile, hubUrl: string): PullTarget {
  const { file } = found;
  const isPinned = file.revision !== undefined;
  return {
    url: hubFileUrl(file, hubUrl),
    name: pulledName(found),
    expected: isPinned ? { bytes: file.bytes, sha256: file.sha256 } : {},
    catalog: found,
  };
}

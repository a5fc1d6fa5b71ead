import type { StoredProbe } from "../agents/stored-probe.ts";
import type { CatalogFile, CatalogModel } from "../engine/catalog/catalog.ts";
import { cacheBytesPerToken } from "../engine/catalog/catalog-shape.ts";
import type { GgufInfo } from "../engine/gguf/gguf-info.ts";
import { estimateMemory, type ModelShape } from "../engine/gguf/memory-estimate.ts";
import { bytesText } from "./bytes-text.ts";

/** What is known of a model, from the catalog, from its file, or from both. */
export type KnownModel = {
  readonly name: string;
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  readonly bytes?: number | undefined;
  readonly sha256?: string | undefined;
  readonly entry?: CatalogModel | undefined;
  /** Which of the entry's files it is. */
  readonly catalog?: CatalogFile | undefined;
  readonly file?: GgufInfo | undefined;
  readonly probe?: StoredProbe | undefined;
};

/** What it takes to load a model; an estimate. */
export type MemoryNeed = {
  readonly contextTokens: number;
  readonly cacheType: "f16" | "q8_0";
  /** Without a GPU. */
  readonly systemBytes: number;
  /** Of the GPU, with all layers there. */
  readonly gpuBytes: number;
};

/** What a model takes with a 16-bit and with an 8-bit cache. Pure. */
export function memoryNeeds(shape: ModelShape, contextTokens: number): readonly MemoryNeed[] {
  return (["f16", "q8_0"] as const).map((cacheType) => {
    const settings = { contextTokens, cacheType };
    const gpuLayers = shape.layers + 1;
    return {
      ...settings,
      systemBytes: Math.round(estimateMemory(shape, settings).total.system),
      gpuBytes: Math.round(
        estimateMemory(shape, { ...settings, gpuLayers }, { gpuBytes: Number.POSITIVE_INFINITY }).total.gpu,
      ),
    };
  });
}

/** The facts as lines for people. Pure. */
export function factLines(model: KnownModel, needs: readonly MemoryNeed[]): readonly string[] {
  const facts = [
    ...identity(model),
    ...nature(model),
    ...fileFacts(model),
    ...memoryFacts(model, needs),
    ...judgement(model),
  ];
  return facts.map(([label, value]) => `${label.padEnd(14)} ${value}`);
}

/** The same for programs. Pure. */
export function factDocument(model: KnownModel, needs: readonly MemoryNeed[]): Readonly<Record<string, unknown>> {
  const { entry, catalog, file, ...rest } = model;
  const { layerBytes: _, ...fileFactsOnly } = file ?? { layerBytes: [] };
  return {
    ...rest,
    ...(entry === undefined ? {} : { catalog: { ...entry, file: catalog?.quantisation } }),
    ...(entry === undefined ? {} : { cacheBytesPerToken: cacheBytesPerToken(entry, "f16") }),
    ...(file === undefined ? {} : { file: fileFactsOnly }),
    memory: needs,
  };
}

type Fact = readonly [label: string, value: string];

function identity({ name, path, url, bytes, sha256, entry }: KnownModel): readonly Fact[] {
  return [
    ["name", entry === undefined ? name : `${name}: ${entry.title}`],
    ...fact("path", path),
    ...fact("from", url),
    ...fact("size", bytes === undefined ? undefined : bytesText(bytes)),
    ...fact("sha256", sha256),
  ];
}

function nature({ entry, file }: KnownModel): readonly Fact[] {
  const billions = entry?.parameters_billions ?? (file === undefined ? undefined : file.parameters / 1e9);
  const active = entry?.active_billions === undefined ? "" : `, of which ${entry.active_billions} work at a time`;
  const licence = entry?.licence;
  const terms = licence?.terms === undefined ? "" : `, ${licence.terms}`;
  const use =
    licence === undefined
      ? undefined
      : `${licence.name}${licence.commercial ? "" : ", not for commercial use"}${terms}`;
  const trained = entry?.context_tokens ?? file?.trainedContextTokens;
  return [
    ...fact("parameters", billions === undefined ? undefined : `${parametersText(billions)}${active}`),
    ...fact("context", trained === undefined ? undefined : `trained for ${trained} tokens`),
    ...fact("licence", use ?? file?.licence),
    ...fact("template", file === undefined ? entry?.template : (file.template?.family ?? "none: it is no chat model")),
    ...fact("tool calls", entry?.dialect),
    ...fact("thinking", entry?.thinking ?? (file?.template?.hasThinking === true ? "optional" : undefined)),
    ...fact("good for", entry === undefined ? undefined : entry.roles.join(", ") || "no role of ATOS"),
  ];
}

function fileFacts({ entry, catalog, file }: KnownModel): readonly Fact[] {
  const files = Object.entries(entry?.quantisations ?? {}).map(
    ([name, each]) => `${name} ${each.approximate === true ? "about " : ""}${bytesText(each.bytes)}`,
  );
  const server = entry?.server;
  return [
    ...fact("quantisation", file?.quantisation ?? catalog?.quantisation),
    ...fact("files", files.join(", ") || undefined),
    ...fact("server", server === undefined ? undefined : `${server.repository} with ${server.engine}`),
  ];
}

function memoryFacts({ entry }: KnownModel, needs: readonly MemoryNeed[]): readonly Fact[] {
  const perToken = entry === undefined ? 0 : cacheBytesPerToken(entry, "f16");
  const atMost = entry?.shape.sliding_window === undefined ? "" : "at most ";
  return [
    ...fact("cache", perToken === 0 ? undefined : `${atMost}${bytesText(perToken)} a token with 16 bits`),
    ...needs.map(({ contextTokens, cacheType, systemBytes, gpuBytes }): Fact => {
      const where = `${bytesText(gpuBytes)} on a GPU, or ${bytesText(systemBytes)} without`;
      return ["memory", `${where}, for ${contextTokens} tokens with a ${cacheType} cache (estimated)`];
    }),
  ];
}

function judgement({ entry, probe, path }: KnownModel): readonly Fact[] {
  const scores = (entry?.scores ?? []).map(
    ({ benchmark, value, source }): Fact => ["published", `${benchmark} ${value} (${source})`],
  );
  const unverified = entry?.unverified.join(", ") || undefined;
  const probed = probe === undefined ? "not probed here yet" : probeText(probe);
  return [
    ...scores,
    ...fact("probe", path === undefined ? undefined : probed),
    ...fact("not confirmed", unverified),
    ...fact("note", entry?.notes),
  ];
}

function probeText({ report }: StoredProbe): string {
  const { formats, best, score, outputTokensPerSecond } = report;
  const right = formats.find(({ format }) => format === best)?.right ?? 0;
  const calls = right === 0 ? "no right call in any format" : `calls best in ${best}`;
  return `${calls}, score ${score}, ${outputTokensPerSecond} tokens a second`;
}

function fact(label: string, value: string | undefined): readonly Fact[] {
  return value === undefined ? [] : [[label, value]];
}

function parametersText(billions: number): string {
  const [value, unit] = billions < 0.1 ? [billions * 1000, "million"] : [billions, "billion"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

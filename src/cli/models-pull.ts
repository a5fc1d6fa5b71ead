import { stat, statfs } from "node:fs/promises";
import { AtosError, EXIT, usageError } from "../base/errors.ts";
import { type Catalog, loadCatalog } from "../engine/catalog/catalog.ts";
import { hubUrlOf, parsePullAddress, tokenFor } from "../engine/catalog/pull-address.ts";
import { type Pulled, type PullDeps, pullModel } from "../engine/catalog/pull-model.ts";
import { findPullTarget, pulledPath, type PullTarget } from "../engine/catalog/pull-target.ts";
import { takeFileLock } from "../store/file-lock.ts";
import { bytesText } from "./bytes-text.ts";
import { commandContext } from "./context.ts";
import { readOrigin, unknownModel, writeOrigin } from "./models-folder.ts";
import type { Output } from "./output.ts";
import { openPullProgress } from "./pull-progress.ts";

type PullFlags = { readonly name?: string; readonly sha256?: string };

const PULL_DEPS: PullDeps = {
  takeLock: takeFileLock,
  freeBytes: async (directory) => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  },
};

/** `atos models pull MODEL`: fetches a model into the state folder, or goes on with it. */
export async function runModelsPullCommand(text: string, flags: PullFlags, output: Output): Promise<number> {
  const { folder, env } = commandContext();
  const hubUrl = hubUrlOf(env);
  const catalog = await loadCatalog();
  const target = named(findTarget(catalog, text, hubUrl), flags);
  const path = pulledPath(folder.models, target.name);
  const use = `Use it: atos build "…" --out DIR --model ${target.name}`;
  const origin = await alreadyHere(target, path);
  if (origin !== undefined) {
    output.emit({ name: target.name, path, ...origin, fetched: false });
    output.say(`${target.name} is here already: ${bytesText(origin.bytes)}, sha256 ${origin.sha256}\n${use}`);
    return EXIT.done;
  }
  output.note(announcement(target));
  const token = tokenFor(target.url, hubUrl, env["HF_TOKEN"]);
  const { bytes, sha256, resumedFrom } = await pullShown({ target, path, token, text }, output);
  const { catalog: found } = target;
  const from = found === undefined ? {} : { catalog: `${found.model}:${found.quantisation}` };
  await writeOrigin(path, { url: target.url, sha256, bytes, ...from });
  output.emit({ name: target.name, path, bytes, sha256, fetched: true, resumedFrom });
  output.say(`${target.name}: ${bytesText(bytes)}, sha256 ${sha256}\n${use}`);
  return EXIT.done;
}

type Shown = {
  readonly target: PullTarget;
  readonly path: string;
  readonly token: string | undefined;
  readonly text: string;
};

/** Pulls with a line of progress; Ctrl-C keeps what has come and says how to go on. */
async function pullShown({ target, path, token, text }: Shown, output: Output): Promise<Pulled> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const progress = openPullProgress(output.note);
  try {
    const { url, expected } = target;
    return await pullModel(PULL_DEPS, { url, path, expected, token, progress: progress.report }, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    const why = `stopped; what has come is kept, and the same command goes on from there: atos models pull ${text}`;
    throw new AtosError("cli/interrupted", why, { exitCode: EXIT.interrupted, cause: error });
  } finally {
    progress.end();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function findTarget(catalog: Catalog, text: string, hubUrl: string): PullTarget {
  const target = findPullTarget(catalog, text, hubUrl);
  if (target !== undefined) return target;
  if (/^[\w.-]+(:\w+)?$/.test(text) && !text.endsWith(".gguf")) throw unknownModel(text, Object.keys(catalog.models));
  const { url, name } = parsePullAddress(text, hubUrl);
  return { url, name, expected: {} };
}

function named(target: PullTarget, flags: PullFlags): PullTarget {
  const name = flags.name ?? target.name;
  // A name that ends so would be read as a path wherever a model is named.
  if (!/^\w[\w.-]*$/.test(name) || /\.gguf$/i.test(name) || name === "nano")
    throw usageError(
      "cli/bad-model-name",
      `--name must be letters, digits, ".", "_" and "-", without .gguf at its end, and not nano, but is ${JSON.stringify(name)}`,
    );
  if (flags.sha256 === undefined) return { ...target, name };
  if (!/^[0-9a-f]{64}$/i.test(flags.sha256))
    throw usageError("cli/bad-hash", `--sha256 must be 64 hexadecimal digits, not ${JSON.stringify(flags.sha256)}`);
  return { ...target, name, expected: { ...target.expected, sha256: flags.sha256.toLowerCase() } };
}

/** Where the file at `path` is from, when it is the one that is asked for; undefined when there is none. */
async function alreadyHere(
  { url, expected, name }: PullTarget,
  path: string,
): Promise<{ readonly bytes: number; readonly sha256: string } | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const origin = await readOrigin(path);
  const isSame =
    origin?.url === url &&
    origin.bytes === found.size &&
    (expected.sha256 === undefined || expected.sha256 === origin.sha256);
  if (isSame) return { bytes: origin.bytes, sha256: origin.sha256 };
  const from = origin === undefined ? "" : ` from ${origin.url}`;
  throw usageError(
    "cli/model-exists",
    `there is another model called ${name} already${from}; give this one a --name, or remove that one: atos models rm ${name}`,
  );
}

function announcement({ name, url, catalog }: PullTarget): string {
  const from = new URL(url).host;
  if (catalog === undefined) return `fetching ${name} from ${from}`;
  const { licence } = catalog.entry;
  const terms = `${licence.name}${licence.commercial ? "" : ", not for commercial use"}${licence.terms === undefined ? "" : `, ${licence.terms}`}`;
  const about = catalog.file.approximate === true ? "about " : "";
  return `fetching ${name} from ${from}: ${about}${bytesText(catalog.file.bytes)}; licence ${terms}`;
}

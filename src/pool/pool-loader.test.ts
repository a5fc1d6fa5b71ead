import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeRandomGguf } from "../../test/fixtures/make-gguf.ts";
import type { EmbeddedModel } from "../engine/embedded/embedded-model.ts";
import type { CommandOutcome } from "./devices/device-io.ts";
import { KnownModels } from "./known-models.ts";
import { MachineClaims } from "./ledger/machine-claims.ts";
import { PoolLoader } from "./pool-loader.ts";
import { PoolMachine } from "./pool-machine.ts";
import { bytesWith, type Resident } from "./resident.ts";
import { SwapCaches } from "./swap-caches.ts";

const never = new AbortController().signal;
const MIB = 2 ** 20;

/** A machine with a GPU of so much memory, all of it free, for as long as `nvidia-smi` answers. */
async function withGpu(gpuMib: number, act: (world: World) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "atos-pool-loader-"));
  const gpu = { answers: true };
  const run = async (command: string, args: readonly string[]): Promise<CommandOutcome> => {
    if (command !== "nvidia-smi" || !gpu.answers) return { kind: "failed", why: "gave no answer" };
    const isGpus = args[0]?.startsWith("--query-gpu") ?? false;
    return { kind: "output", text: isGpus ? `GPU-1, 0, Card, ${gpuMib}, 0, ${gpuMib}, [N/A]\n` : "" };
  };
  const readFile = async (path: string): Promise<string | undefined> =>
    path === "/proc/meminfo" ? "MemTotal: 4194304 kB\nMemAvailable: 4194304 kB\n" : undefined;
  try {
    await using machine = await PoolMachine.open(
      {
        io: { platform: "linux", arch: "x64", env: {}, readFile, run },
        settings: { gpuReserveBytes: 0, systemReserveBytes: 0 },
        factsFile: join(folder, "facts.json"),
        claims: new MachineClaims({ env: { XDG_RUNTIME_DIR: folder } }),
        engineCanUse: () => true,
      },
      never,
    );
    const models = new KnownModels(machine);
    const resized: unknown[] = [];
    const open = async (): Promise<EmbeddedModel> => fakeModel((size) => resized.push(size));
    const caches = new SwapCaches(join(folder, "caches"), MIB);
    const loader = new PoolLoader({ open, machine, models, caches, nowMs: () => Date.now() });
    const path = join(folder, "model.gguf");
    writeRandomGguf(path, { contextTokens: 1_000_000, seed: 1 });
    const known = await models.know({ kind: "gguf", id: "a", path, contextTokens: 4096 });
    const [choice] = models.choices(known);
    assert.ok(choice !== undefined);
    const resident: Resident = {
      known,
      choice,
      slots: 1,
      mostSlots: 1,
      contextTokens: 4096,
      state: "opening",
      readyAtMs: 0,
      usedAtMs: 0,
      model: undefined,
      why: "a test",
      loadedAtMs: 0,
      running: new Set(),
      leaving: undefined,
      measuredBytes: undefined,
    };
    await act({ loader, machine, resident, gpu, resized });
    await loader.close(resident, false);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type World = {
  readonly loader: PoolLoader;
  readonly machine: PoolMachine;
  readonly resident: Resident;
  readonly gpu: { answers: boolean };
  readonly resized: readonly unknown[];
};

function fakeModel(onResize: (size: unknown) => void): EmbeddedModel {
  const unasked = (): never => {
    throw new Error("nobody asks for that");
  };
  return {
    id: "a",
    pid: 1_000_001,
    contextTokens: 4096,
    capabilities: { options: new Set<never>(), slots: 1 },
    render: unasked,
    countText: unasked,
    generate: unasked,
    saveCaches: async () => [],
    restoreCache: async () => {},
    resize: async (size) => onResize(size),
    [Symbol.asyncDispose]: async () => {},
  };
}

test("a context that does not fit where a model is loaded is refused, and nothing less is booked for it", async () => {
  await withGpu(512, async ({ loader, machine, resident, resized }) => {
    assert.equal((await loader.load(resident, [], never)).kind, "ready");
    assert.match(resident.choice.way, /^Card/);
    const before = machine.bookedBytes(1);
    const opened = await loader.resize(resident, { slots: 1, contextTokens: 1_000_000 }, never);
    assert.equal(opened.kind, "refused");
    assert.deepEqual([resized, machine.bookedBytes(1)], [[], before]);
    const grown = await loader.resize(resident, { slots: 1, contextTokens: 8192 }, never);
    assert.equal(grown.kind, "ready");
    assert.ok(machine.bookedBytes(1) > before);
  });
});

test("nothing more is booked on a GPU whose free memory can't be read", async () => {
  await withGpu(512, async ({ loader, machine, resident, gpu }) => {
    await loader.load(resident, [], never);
    gpu.answers = false;
    assert.deepEqual(await machine.book("a", bytesWith(resident.choice, 2), never), {
      kind: "refused",
      why: "what is free of gpu0 can't be read now",
    });
    const less = bytesWith(resident.choice, 1).map((bytes) => bytes / 2);
    assert.equal((await machine.book("a", less, never)).kind, "booked");
  });
});

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { asking, readReply } from "../../test/fixtures/embedded.ts";
import { FakeMachine } from "../../test/fixtures/fake-pool.ts";
import { writeRandomGguf } from "../../test/fixtures/make-gguf.ts";
import { processesOf } from "../../test/fixtures/process-list.ts";
import type { BuildEvent } from "../base/events.ts";
import type { GgufSource } from "../engine/model.ts";
import type { Lease } from "./lease.ts";
import type { ModelPool } from "./model-pool.ts";
import { openPool } from "./open-pool.ts";

const never = new AbortController().signal;

type RealPool = {
  readonly pool: ModelPool;
  readonly folder: string;
  readonly events: BuildEvent[];
  readonly source: (id: string) => GgufSource;
  readonly lease: (source: GgufSource) => Promise<Lease>;
};

/** Real processes on a machine that holds one model at a time. */
async function withPool(act: (real: RealPool) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "atos-real-pool-"));
  const events: BuildEvent[] = [];
  const env = { XDG_RUNTIME_DIR: folder };
  const [factsFile, cachesFolder] = [join(folder, "facts.json"), join(folder, "caches")];
  // The reserve of a small machine is half a GiB; what is left holds one model.
  const { io } = new FakeMachine(512 + 128);
  try {
    const options = { factsFile, cachesFolder, budgetBytes: undefined, maxWaitMs: 60_000, env, io };
    await using pool = await openPool(options, never);
    const report = async (event: BuildEvent): Promise<void> => void events.push(event);
    const job = { build: "build", task: "task", role: "developer" };
    await act({
      pool,
      folder,
      events,
      source: (id) => {
        const path = join(folder, `${id}.gguf`);
        writeRandomGguf(path, { seed: id.charCodeAt(0) });
        return { kind: "gguf", id, path, contextTokens: 1024, deterministic: false };
      },
      lease: (source) => pool.lease({ source, job, report }, never),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("a conversation goes on where it was after its model had to leave and came back", async () => {
  await withPool(async ({ pool, events, source, lease, folder }) => {
    const [a, b] = [source("a"), source("b")];
    const request = asking("x".repeat(400), { maxTokens: 4 });
    const jobs = [a, b].map((model) => ({ task: model.id, role: "developer", source: model, after: [] }));
    pool.foresee("build", jobs);
    const ask = async (model: GgufSource): Promise<number> => {
      await using got = await lease(model);
      return (await readReply(got.model, request)).end.usage.cachedTokens;
    };
    assert.equal(await ask(a), 0);
    assert.equal(await ask(b), 0);
    assert.ok((await ask(a)) > 390, "its prompt is not evaluated again");
    const evicted = events.flatMap((event) => (event.type === "model-unloaded" ? [event.model] : []));
    assert.deepEqual(evicted.slice(0, 2), ["a", "b"]);
    await pool[Symbol.asyncDispose]();
    assert.equal((await readdir(folder)).includes("caches"), false);
    assert.deepEqual(processesOf(folder) ?? [], []);
  });
});

test("a process that is killed while it is idle costs one turn, and the model is loaded afresh", async () => {
  await withPool(async ({ pool, events, source, lease }) => {
    const a = source("a");
    const first = await lease(a);
    await readReply(first.model, asking("go", { maxTokens: 2 }));
    await first[Symbol.asyncDispose]();
    killChildren();
    const second = await lease(a);
    await assert.rejects(second.model.render({ messages: [] }), { code: "engine/child-died" });
    await second[Symbol.asyncDispose]();
    const third = await lease(a);
    assert.ok((await readReply(third.model, asking("go", { maxTokens: 2 }))).pieces > 0);
    await third[Symbol.asyncDispose]();
    assert.deepEqual(
      events.flatMap(({ type }) => (type === "model-crashed" || type === "model-loaded" ? [type] : [])),
      ["model-loaded", "model-crashed", "model-loaded"],
    );
    assert.equal(pool.status().residents.length, 1);
  });
});

test("a process that is killed in its turn fails the turn alone", async () => {
  await withPool(async ({ source, lease, events }) => {
    const a = source("a");
    const first = await lease(a);
    const reply = readReply(first.model, asking("go", { maxTokens: 900 }));
    const failed = assert.rejects(reply, { code: "engine/child-died" });
    killChildren();
    await failed;
    await first[Symbol.asyncDispose]();
    await using second = await lease(a);
    await readReply(second.model, asking("go", { maxTokens: 2 }));
    assert.equal(events.filter(({ type }) => type === "model-crashed").length, 1);
  });
});

/** Kills this process's model processes, as the system does when it runs out of memory. */
function killChildren(): void {
  for (const line of processesOf("llama-child") ?? []) {
    const pid = Number(line.split(" ")[0]);
    if (parentOf(pid) === process.pid) process.kill(pid, "SIGKILL");
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("two workers with state folders of their own never book more than the machine has together", async () => {
  const folder = await mkdtemp(join(tmpdir(), "atos-two-pools-"));
  const path = join(folder, "model.gguf");
  writeRandomGguf(path, { contextTokens: 1_000_000 });
  const worker = fileURLToPath(new URL("../../test/fixtures/pool-booker.ts", import.meta.url));
  try {
    // Room for two models, and each worker wants two.
    const workers = [1, 2].map((at) =>
      fork(worker, [folder, String(at), "256"], { stdio: ["ignore", "inherit", "inherit", "ipc"] }),
    );
    const outcomes = await Promise.all(
      workers.map(async (child) => {
        const [booked] = await once(child, "message");
        return Number(booked);
      }),
    );
    assert.equal(
      outcomes.reduce((sum, models) => sum + models, 0),
      2,
    );
    const ended = workers.map((child) => once(child, "exit"));
    for (const child of workers) child.send("end");
    await Promise.all(ended);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { takeFileLock } from "../../store/file-lock.ts";
import { GIB } from "../devices/device-reading.ts";
import { claimsFolder } from "./claims-folder.ts";
import { byKey, inOrder, MachineClaims, type WorkerClaim } from "./machine-claims.ts";

const never = new AbortController().signal;
const directory = mkdtempSync(join(tmpdir(), "atos-claims-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const freshFolder = (): string => mkdtempSync(join(directory, "t-"));
const uid = process.getuid?.() ?? 0;

const open = (temporary: string): MachineClaims => new MachineClaims({ env: {}, temporary });
const claim = (claimed: number, taken = 0): WorkerClaim => ({
  claimedBytes: { "GPU-1": claimed },
  takenBytes: { "GPU-1": taken },
});
const othersOf = async (claims: MachineClaims): Promise<unknown> => {
  const booked = await claims.book(({ unusedBytes }) => ({ value: unusedBytes }), never);
  return booked.kind === "booked" ? booked.value : booked.kind;
};

/** Tells the others, whatever they claim. */
const publish = async (claims: MachineClaims, claim: WorkerClaim, signal: AbortSignal = never): Promise<string> =>
  (await claims.book(() => ({ value: undefined, claim }), signal)).kind;

test("a worker sees what another has claimed and not taken, and not its own", async () => {
  const temporary = freshFolder();
  using one = open(temporary);
  using other = open(temporary);
  assert.deepEqual(await othersOf(one), {});
  await publish(one, claim(3 * GIB, GIB));
  assert.deepEqual(await othersOf(other), { "GPU-1": 2 * GIB });
  assert.deepEqual(await othersOf(one), {});
  // More taken than claimed is no room.
  await publish(one, claim(GIB, 3 * GIB));
  assert.deepEqual(await othersOf(other), { "GPU-1": 0 });
});

test("a decision may claim nothing, and one that throws changes nothing", async () => {
  const temporary = freshFolder();
  using one = open(temporary);
  using other = open(temporary);
  await publish(one, claim(5));
  const refused = await one.book(() => ({ value: "no room" }), never);
  assert.deepEqual(refused, { kind: "booked", value: "no room" });
  const throwing = one.book(() => {
    throw new Error("the device can't be read");
  }, never);
  await assert.rejects(throwing, /the device can't be read/);
  assert.deepEqual(await othersOf(other), { "GPU-1": 5 });
});

test("a worker that ends gives its claim back", async () => {
  const temporary = freshFolder();
  using one = open(temporary);
  {
    using other = open(temporary);
    await publish(other, claim(5));
    assert.deepEqual(await othersOf(one), { "GPU-1": 5 });
  }
  assert.deepEqual(await othersOf(one), {});
});

test("a worker that was killed has no claim any more, and leaves no file", async () => {
  const temporary = freshFolder();
  using one = open(temporary);
  const child = worker(
    temporary,
    `await claims.book(() => (${JSON.stringify({ value: 0, claim: claim(5) })}), never); process.send("claimed");`,
  );
  await once(child, "message");
  assert.deepEqual(await othersOf(one), { "GPU-1": 5 });
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(await othersOf(one), {});
  const names = readdirSync(join(temporary, `atos-${uid}`)).filter((name) => name.startsWith(`${child.pid}-`));
  assert.deepEqual(names, []);
});

test("two processes that race for six tenths of a device never both get them", async () => {
  const temporary = freshFolder();
  const witness = join(temporary, "witness");
  const race = `
    const { mkdirSync, readdirSync, rmdirSync, writeFileSync } = await import("node:fs");
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    // One that began long before the other would be through before they meet.
    writeFileSync(${JSON.stringify(join(temporary, "ready-"))} + process.pid, "");
    const ready = () => readdirSync(${JSON.stringify(temporary)}).filter((name) => name.startsWith("ready-")).length;
    for (let waited = 0; ready() < 2 && waited < 20_000; waited++) await wait(1);
    const none = { claimedBytes: {}, takenBytes: {} };
    const result = { wins: 0, refused: 0, both: 0 };
    for (let round = 0; result.wins < 100 && round < 20_000; round++) {
      const booked = await claims.book(({ unusedBytes }) => {
        const fits = (unusedBytes["GPU-1"] ?? 0) + 60 <= 100;
        return fits ? { value: true, claim: { claimedBytes: { "GPU-1": 60 }, takenBytes: {} } } : { value: false };
      }, never);
      if (booked.kind === "booked" && booked.value) {
        result.wins++;
        // Nobody else may hold it: the folder is made by one process at a time.
        try { mkdirSync(${JSON.stringify(witness)}); } catch { result.both++; }
        await wait(1);
        try { rmdirSync(${JSON.stringify(witness)}); } catch { result.both++; }
        await claims.book(() => ({ value: undefined, claim: none }), never);
      } else result.refused++;
    }
    process.send(result, () => { claims[Symbol.dispose](); process.exit(0); });`;
  const workers = [worker(temporary, race), worker(temporary, race)];
  const results = await Promise.all(workers.map(async (child) => (await once(child, "message"))[0]));
  for (const { wins, both } of results) assert.deepEqual({ wins, both }, { wins: 100, both: 0 });
  assert.ok(
    results.some(({ refused }) => refused > 0),
    "they never met",
  );
  await Promise.all(workers.map(async (child) => child.exitCode ?? (await once(child, "exit"))));
});

test("a worker that stands still while it books makes others busy, not stuck", async () => {
  const temporary = freshFolder();
  using one = new MachineClaims({ env: {}, temporary, waitMs: 50 });
  await publish(one, claim(1));
  const held = takeFileLock(join(temporary, `atos-${uid}`, "machine.lock"));
  assert.ok(held);
  assert.deepEqual(await one.book(() => ({ value: 1 }), never), { kind: "busy" });
  const reason = new Error("enough");
  await assert.rejects(publish(one, claim(2), AbortSignal.abort(reason)), reason);
  held[Symbol.dispose]();
  assert.equal(await publish(one, claim(2)), "booked");
});

test("claims come back by themselves when somebody cleaned the folder", async () => {
  const temporary = freshFolder();
  using one = open(temporary);
  using other = open(temporary);
  await publish(one, claim(5));
  rmSync(join(temporary, `atos-${uid}`), { recursive: true });
  await publish(one, claim(5));
  assert.deepEqual(await othersOf(other), { "GPU-1": 5 });
});

test("what another worker wrote in a way that is not known is no claim", async () => {
  const temporary = freshFolder();
  using one = open(temporary);
  await publish(one, claim(1));
  const folder = join(temporary, `atos-${uid}`);
  const held = takeFileLock(join(folder, "77-00112233aabb.lock"));
  for (const text of ["", "{", '{"pid":77}', '{"pid":77,"claimedBytes":{"GPU-1":-5},"takenBytes":{}}']) {
    writeFileSync(join(folder, "77-00112233aabb.json"), text);
    assert.deepEqual(await othersOf(one), {});
  }
  held?.[Symbol.dispose]();
});

test("a folder that is a link, open to others, or can't be made is refused, and booking goes on without claims", async () => {
  const linked = freshFolder();
  mkdirSync(join(linked, "elsewhere"), { mode: 0o700 });
  symlinkSync(join(linked, "elsewhere"), join(linked, `atos-${uid}`));
  const wide = freshFolder();
  mkdirSync(join(wide, `atos-${uid}`), { mode: 0o700 });
  chmodSync(join(wide, `atos-${uid}`), 0o755);
  const cases = [
    [linked, /is no folder/],
    [wide, /mode 755/],
    [join(directory, "absent"), /can't be made/],
  ] as const;
  for (const [temporary, why] of cases) {
    using claims = open(temporary);
    assert.deepEqual(await claims.book(() => ({ value: 1, claim: claim(1) }), never), { kind: "booked", value: 1 });
    assert.match(claims.note ?? "", why);
  }
});

test("the folder is in XDG_RUNTIME_DIR if that is one's own, else in the temporary folder", () => {
  const temporary = freshFolder();
  const runtime = freshFolder();
  const place = { temporary, uid };
  assert.deepEqual(claimsFolder({ ...place, env: { XDG_RUNTIME_DIR: runtime } }), { folder: join(runtime, "atos") });
  const usual = { folder: join(temporary, `atos-${uid}`) };
  for (const XDG_RUNTIME_DIR of ["relative", join(runtime, "absent"), undefined])
    assert.deepEqual(claimsFolder({ ...place, env: { XDG_RUNTIME_DIR } }), usual);
  const other = claimsFolder({ env: { XDG_RUNTIME_DIR: runtime }, temporary, uid: uid + 1 });
  assert.ok("refused" in other, "a folder of somebody else");
  assert.deepEqual(claimsFolder({ env: {}, temporary, uid: undefined }), { refused: "users have no numbers here" });
});

test("bytes go from devices to keys and back, whatever devices another worker sees", () => {
  const base = { kind: "nvidia", name: "RTX", totalBytes: 1, freeBytes: 1 } as const;
  const devices = [
    { ...base, id: "gpu0", key: "GPU-1" },
    { ...base, id: "gpu1", key: "GPU-2" },
  ];
  assert.deepEqual(byKey(devices, [5, 6]), { "GPU-1": 5, "GPU-2": 6 });
  assert.deepEqual(inOrder(devices, { "GPU-2": 6, "GPU-9": 7 }), [0, 6]);
});

/** Another process with `claims` and `never` at hand, which lives until it is told. */
function worker(temporary: string, script: string): ChildProcess {
  const module = new URL("machine-claims.ts", import.meta.url).href;
  const whole = `
    import { MachineClaims } from ${JSON.stringify(module)};
    const never = new AbortController().signal;
    const claims = new MachineClaims({ env: {}, temporary: ${JSON.stringify(temporary)}, waitMs: 60_000 });
    setInterval(() => {}, 1000);
    ${script}`;
  return spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", whole], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

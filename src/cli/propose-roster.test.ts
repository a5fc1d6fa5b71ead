import assert from "node:assert/strict";
import { test } from "node:test";
import { loadCatalog } from "../engine/catalog/catalog.ts";
import type { DeviceReading } from "../pool/devices/device-reading.ts";
import { machineText } from "./describe-machine.ts";
import { machineFindings } from "./machine-findings.ts";
import { type ProposalInput, proposeRoster } from "./propose-roster.ts";
import { ownRosters, rosterNeeds } from "./roster-needs.ts";

const GIB = 2 ** 30;
const rosters = rosterNeeds(await ownRosters(), await loadCatalog(), new Set());

function system(gib: number): DeviceReading {
  const bytes = { totalBytes: gib * GIB, freeBytes: gib * 0.75 * GIB };
  return { id: "system", key: "system", kind: "system", name: "system memory", ...bytes };
}
function gpu(mib: number, id = "gpu0"): DeviceReading {
  const bytes = { totalBytes: mib * 2 ** 20, freeBytes: (mib - 300) * 2 ** 20 };
  return { id, key: `GPU-${id}`, kind: "nvidia", name: "NVIDIA GeForce RTX 3070", ...bytes, visibleAs: `GPU-${id}` };
}
function mac(gib: number): DeviceReading {
  const bytes = { totalBytes: gib * GIB, freeBytes: (gib * GIB) / 2, limitBytes: Math.floor((gib * GIB * 2) / 3) };
  return { id: "gpu0", key: "apple", kind: "apple", name: "Apple M2", ...bytes, unified: true };
}
function propose(devices: readonly DeviceReading[], more: Partial<ProposalInput> = {}) {
  return proposeRoster({ devices, rosters, processors: 8, budgetBytes: undefined, ...more });
}

test("a GPU gets the largest roster that its memory less the reserve holds, and the arithmetic is shown", () => {
  const { lines, needs, ...rest } = propose([system(32), gpu(8192)]);
  assert.deepEqual(rest, {
    roster: "8gb",
    budgetBytes: 7.5 * GIB,
    missing: ["qwen2.5-coder-7b", "qwen2.5-coder-1.5b"],
  });
  assert.deepEqual(
    needs.map(({ models, bytes }) => [models, Math.round((bytes / GIB) * 100) / 100]),
    [[["coder", "small"], 6.37]],
  );
  assert.deepEqual(lines, [
    "GPU memory 8.0 GiB − reserve 0.5 = 7.5",
    "8gb needs coder 4.82 + small 1.55 = 6.37: fits; 12gb needs coder 9.43 + small 1.55 = 10.98: does not",
    "not on this machine yet:",
    "  atos models pull qwen2.5-coder-7b  (4.4 GiB)",
    "  atos models pull qwen2.5-coder-1.5b  (1.0 GiB)",
    'use it: atos build "…" --out DIR --roster 8gb',
  ]);
});

test("each size of GPU has its roster, and two GPUs count together", () => {
  const sizes = [2048, 4096, 6144, 12_288, 16_384, 24_576, 49_152].map((mib) => propose([system(32), gpu(mib)]).roster);
  assert.deepEqual(sizes, ["cpu", "4gb", "6gb", "12gb", "16gb", "24gb", "48gb"]);
  const two = propose([system(64), gpu(24_576), gpu(24_576, "gpu1")]);
  assert.equal(two.roster, "48gb");
  assert.equal(two.lines[0], "GPU memory 48.0 GiB of 2 GPUs − reserve 3.0 = 45.0");
});

test("where the GPU is too small the processor's memory is reckoned with, and both are told", () => {
  const { roster, lines } = propose([system(32), gpu(2048)], { processors: 4 });
  assert.equal(roster, "cpu");
  assert.deepEqual(lines.slice(0, 5), [
    "GPU memory 2.0 GiB − reserve 0.5 = 1.5",
    "4gb needs coder 2.98: does not",
    "system memory 32.0 GiB − reserve 4.0 = 28.0",
    "cpu needs coder 3.79 + small 1.52 = 5.31: fits",
    "it will be slow with 4 processors; 6 are the least for it",
  ]);
});

test("a machine that is too small for any gets the built-in model, and so does one that can't be read", () => {
  const small = propose([system(4)]);
  assert.deepEqual([small.roster, small.needs, small.missing], ["nano", [], []]);
  assert.deepEqual(small.lines.slice(0, 2), [
    "system memory 4.0 GiB − reserve 0.5 = 3.5",
    "cpu needs coder 3.79 + small 1.52 = 5.31: does not",
  ]);
  assert.deepEqual([propose([]).roster, propose([]).budgetBytes], ["nano", 0]);
});

test("a Mac's memory is one: its GPU's share counts, and no system memory beside it", () => {
  const { roster, budgetBytes, lines } = propose([mac(18)]);
  assert.deepEqual([roster, budgetBytes / GIB], ["12gb", 12]);
  assert.equal(lines[0], "GPU memory 18.0 GiB − reserve 2.25 = 15.75, of which its GPU may have 12.0");
  const tiny = propose([mac(4)]);
  assert.deepEqual(
    tiny.lines.filter((line) => line.includes("memory")),
    [
      "GPU memory 4.0 GiB − reserve 0.5 = 3.5, of which its GPU may have 2.67",
      "system memory 4.0 GiB − reserve 0.5 = 3.5",
    ],
  );
});

test("a budget that somebody set is held to, of the main memory", () => {
  const less = propose([system(32), gpu(24_576)], { budgetBytes: 7 * GIB });
  assert.deepEqual([less.roster, less.budgetBytes], ["8gb", 7 * GIB]);
  assert.equal(less.lines[0], "GPU memory 24.0 GiB − reserve 1.5 = 22.5; the budget set is 7.0");
  assert.equal(propose([system(32), gpu(4096)], { budgetBytes: 100 * GIB }).roster, "4gb");
  assert.equal(propose([system(32)], { budgetBytes: 5 * GIB }).roster, "nano");
  assert.equal(propose([mac(16)], { budgetBytes: GIB }).roster, "nano");
});

test("a licence that forbids commercial use is told, with the roster that has none such", () => {
  const { lines } = propose([system(32), gpu(4096)]);
  assert.equal(lines[2], "a licence in 4gb forbids commercial use; 4gb-commercial has none such");
});

test("models that are here need not be fetched", async () => {
  const here = new Set(["qwen2.5-coder-7b-Q4_K_M", "qwen2.5-coder-1.5b-Q4_K_M"]);
  const known = rosterNeeds(await ownRosters(), await loadCatalog(), here);
  const { missing, lines } = propose([system(32), gpu(8192)], { rosters: known });
  assert.deepEqual([missing, lines.length], [[], 3]);
});

test("the machine is compared with what models want, and told in one line", () => {
  const machine = { processors: 8, notes: [], engineCanUse: () => true };
  assert.deepEqual(machineFindings({ ...machine, devices: [system(32), gpu(8192)] }), [
    { name: "machine", state: "ok", detail: "8 processors, 32 GiB system memory, 24.0 GiB free now" },
    { name: "gpu", state: "ok", detail: "gpu0 NVIDIA GeForce RTX 3070 with 8.0 GiB, 7.7 GiB free now" },
  ]);
  const weak = { processors: 1, notes: ["no nvidia-smi"], engineCanUse: () => false };
  const [small, none] = machineFindings({ ...weak, devices: [system(4)] });
  assert.match(small?.detail ?? "", /^1 processor, 4 GiB system memory, 3\.0 GiB free now: enough for atos-nano/);
  assert.deepEqual(none, {
    name: "gpu",
    state: "note",
    detail: "none found (no nvidia-smi); embedded models run on the processor",
  });
  assert.match(machineFindings({ ...weak, devices: [system(32), gpu(8192)] })[1]?.detail ?? "", /has no build for it/);
  assert.match(machineFindings({ ...machine, devices: [gpu(2048)] })[1]?.detail ?? "", /less than the 4 GiB/);
  assert.equal(machineText([system(24)], 2), "2 processors, 24 GiB memory, no GPU found");
  assert.equal(
    machineText([system(32), gpu(8192)], 8),
    "8 processors, 32 GiB memory, NVIDIA GeForce RTX 3070 with 8.0 GiB",
  );
  assert.equal(machineText([mac(18)], 8), "8 processors, 18 GiB memory, Apple M2 whose GPU shares it, up to 12.0 GiB");
});

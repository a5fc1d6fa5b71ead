import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AMD,
  APPLE,
  GROUPS_DOCKER,
  GROUPS_V1,
  GROUPS_V2,
  HANGS,
  LINUX,
  MIG_2G,
  MIG_3G,
  NVIDIA_HANGS,
  NVIDIA_MIG,
  NVIDIA_NO_DRIVER,
  NVIDIA_NONSENSE,
  NVIDIA_ONE,
  NVIDIA_TWO,
  NVIDIA_UNTOLD,
  type Recording,
  recorded,
  UUID_3050,
  UUID_A40,
} from "../../../test/fixtures/recorded-devices.ts";
import { machineIo } from "./device-io.ts";
import { type DeviceReading, GIB, type MachineReading, MIB } from "./device-reading.ts";
import { readDevices, rereadDevices } from "./read-devices.ts";

const never = new AbortController().signal;
const read = (recording: Recording): Promise<MachineReading> => readDevices(recorded(recording), never);
const KIB = 1024;

const system: DeviceReading = {
  id: "system",
  key: "system",
  kind: "system",
  name: "system memory",
  totalBytes: 24_682_416 * KIB,
  freeBytes: 24_118_336 * KIB,
};
const laptop: DeviceReading = {
  id: "gpu0",
  key: UUID_3050,
  kind: "nvidia",
  name: "NVIDIA GeForce RTX 3050 Laptop GPU",
  // Without the 158 MiB that the driver keeps.
  totalBytes: 3938 * MIB,
  freeBytes: 3628 * MIB,
  visibleAs: UUID_3050,
};

test("a machine without a GPU has its system memory, and nothing to tell", async () => {
  assert.deepEqual(await read({ files: LINUX }), { devices: [system], notes: [] });
});

test("a driver without nvidia-smi is told, because nothing tells its memory", async () => {
  const { devices, notes } = await read({ files: { ...LINUX, "/proc/driver/nvidia/version": "NVRM version: 580\n" } });
  assert.deepEqual(devices, [system]);
  assert.deepEqual(notes, ["no NVIDIA GPU can be used: there is a driver and no nvidia-smi, which tells its memory"]);
});

test("an NVIDIA GPU is read beside system memory, without what its driver keeps", async () => {
  const { devices, notes } = await read({ files: LINUX, commands: NVIDIA_ONE });
  assert.deepEqual(devices, [system, laptop]);
  assert.deepEqual(notes, []);
});

test("several NVIDIA GPUs are numbered as nvidia-smi numbers them", async () => {
  const { devices } = await read({ commands: NVIDIA_TWO });
  assert.deepEqual(
    devices.map(({ id, key, name }) => [id, key, name]),
    [
      ["gpu0", UUID_3050, "NVIDIA GeForce RTX 3050"],
      ["gpu1", UUID_A40, "NVIDIA A40"],
    ],
  );
});

test("CUDA_VISIBLE_DEVICES picks GPUs by index, by UUID or its beginning, and none when it is empty", async () => {
  const cases = [
    ["1", [UUID_A40]],
    ["1,0", [UUID_A40, UUID_3050]],
    [UUID_A40, [UUID_A40]],
    ["GPU-8932", [UUID_3050]],
    ["", []],
    ["-1", []],
    // CUDA sees what stands before the first entry that fits nothing.
    ["0,7,1", [UUID_3050]],
    ["0,0", [UUID_3050]],
  ] as const;
  for (const [value, expected] of cases) {
    const env = { CUDA_VISIBLE_DEVICES: value, CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
    const { devices, notes } = await read({ commands: NVIDIA_TWO, env, files: LINUX });
    const gpus = devices.filter(({ kind }) => kind === "nvidia");
    assert.deepEqual(
      gpus.map(({ visibleAs }) => visibleAs),
      expected,
      value,
    );
    assert.deepEqual(notes, [], value);
  }
});

test("an index among different GPUs is doubted, because CUDA counts from the fastest on", async () => {
  const { notes } = await read({ commands: NVIDIA_TWO, env: { CUDA_VISIBLE_DEVICES: "1" }, files: LINUX });
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? "", /CUDA_DEVICE_ORDER=PCI_BUS_ID/);
});

test("a divided GPU counts as its instances, with their own memory and names", async () => {
  const { devices, notes } = await read({ commands: NVIDIA_MIG, files: LINUX });
  assert.deepEqual(notes, []);
  assert.deepEqual(
    devices
      .slice(1)
      .map(({ id, name, totalBytes, freeBytes, visibleAs }) => [id, name, totalBytes, freeBytes, visibleAs]),
    [
      ["gpu0", "NVIDIA A30", 24_000 * MIB, 24_000 * MIB, UUID_3050],
      ["gpu1", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20_096 * MIB, 19_798 * MIB, MIG_3G],
      ["gpu2", "NVIDIA A100-SXM4-40GB MIG 2g.10gb", 9984 * MIB, 9972 * MIB, MIG_2G],
    ],
  );
});

test("a divided GPU whose instances can't be read is left out with a reason", async () => {
  const commands = { ...NVIDIA_MIG, "nvidia-smi -q -x": HANGS };
  const { devices, notes } = await read({ commands, files: LINUX });
  assert.deepEqual(
    devices.map(({ name }) => name),
    ["system memory", "NVIDIA A30"],
  );
  assert.deepEqual(notes, [
    "GPU 1 (NVIDIA A100-SXM4-40GB) is divided (MIG), and nvidia-smi tells no instance and its memory",
  ]);
});

test("NVIDIA GPUs whose memory is not told are left out with a reason", async () => {
  const { devices, notes } = await read({ commands: NVIDIA_UNTOLD, files: LINUX });
  assert.deepEqual(devices, [system]);
  assert.deepEqual(notes, [
    "nvidia-smi does not tell the memory of GPU 0 (NVIDIA GB10), so it is not used",
    "nvidia-smi does not tell the memory of GPU 1 (NVIDIA T4), so it is not used",
  ]);
});

test("a tool that hangs, fails or talks nonsense leaves its kind out and the others in", async () => {
  const hangs = await read({ commands: NVIDIA_HANGS, files: LINUX });
  const fails = await read({ commands: NVIDIA_NO_DRIVER, files: LINUX });
  const nonsense = await read({ commands: NVIDIA_NONSENSE, files: LINUX });
  for (const { devices } of [hangs, fails, nonsense]) assert.deepEqual(devices, [system]);
  assert.deepEqual(
    [hangs, fails, nonsense].map(({ notes }) => notes),
    [
      ["no NVIDIA GPU can be used: nvidia-smi gave no answer within 5000 ms"],
      [
        "no NVIDIA GPU can be used: nvidia-smi said: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
      ],
      ['nvidia-smi says "<html>404</html>", which is no line on a GPU'],
    ],
  );
});

test("an AMD GPU is read from sysfs, and integrated graphics with little memory are left out", async () => {
  const { devices, notes } = await read({ files: { ...LINUX, ...AMD } });
  assert.deepEqual(devices[1], {
    id: "gpu0",
    key: "GPU-5c88007d5f2b3a14",
    kind: "amd",
    name: "AMD GPU 0x73ff",
    totalBytes: 8_573_157_376,
    freeBytes: 8_573_157_376 - GIB,
    visibleAs: "0",
  });
  assert.equal(devices.length, 2);
  assert.deepEqual(notes, ["card2 is an AMD GPU with only 512 MiB of its own; models use system memory instead"]);
});

test("an AMD GPU whose driver tells no memory is left out with a reason", async () => {
  const files = { ...LINUX, ...AMD, "/sys/class/drm/card1/device/mem_info_vram_used": "nonsense\n" };
  const { devices, notes } = await read({ files });
  assert.deepEqual(devices, [system]);
  assert.equal(notes[0], "card1 is an AMD GPU, but its driver does not tell its memory (8573157376, used nonsense)");
});

test("Apple silicon has one memory, of which the GPU may have two thirds", async () => {
  const { devices, notes } = await read({ platform: "darwin", arch: "arm64", commands: APPLE });
  assert.deepEqual(devices, [
    {
      id: "gpu0",
      key: "apple",
      kind: "apple",
      name: "Apple M2",
      totalBytes: 16 * GIB,
      freeBytes: (123_456 + 245_678 + 12_345 + 6789) * 16_384,
      limitBytes: Math.floor((16 * GIB * 2) / 3),
      unified: true,
    },
  ]);
  assert.deepEqual(notes, []);
});

test("a Mac's limit for the GPU is its setting, and a large one gets three quarters", async () => {
  const set = { ...APPLE, "sysctl -n iogpu.wired_limit_mb": "14336\n" };
  const large = { ...APPLE, "sysctl -n hw.memsize": String(64 * GIB) };
  // Macs before macOS 14 know no such setting.
  const old = { ...APPLE, "sysctl -n iogpu.wired_limit_mb": { kind: "failed", why: "ended with 1" } } as const;
  const limits = [set, large, old].map(async (commands) => {
    const { devices } = await read({ platform: "darwin", arch: "arm64", commands });
    return devices[0]?.limitBytes;
  });
  assert.deepEqual(await Promise.all(limits), [14_336 * MIB, 48 * GIB, Math.floor((16 * GIB * 2) / 3)]);
});

test("a Mac with an Intel processor has system memory alone", async () => {
  const { devices } = await read({ platform: "darwin", arch: "x64", commands: APPLE });
  assert.deepEqual(
    devices.map(({ id, kind, totalBytes }) => [id, kind, totalBytes]),
    [["system", "system", 16 * GIB]],
  );
});

test("a Mac whose tools fail has no memory to tell, and says why", async () => {
  const noPages = { ...APPLE, vm_stat: "who knows" };
  assert.deepEqual(await read({ platform: "darwin", arch: "arm64", commands: noPages }), {
    devices: [],
    notes: ['vm_stat does not tell what is free: it says "who knows"'],
  });
  assert.deepEqual(await read({ platform: "darwin", arch: "arm64" }), {
    devices: [],
    notes: ["sysctl does not tell hw.memsize: there is no such program"],
  });
});

test("the limit of a parent group counts, without the files that the group holds in memory", async () => {
  const one = await read({ files: { ...LINUX, ...GROUPS_V1 } });
  assert.deepEqual(one.devices, [
    { ...system, name: "system memory of this container", totalBytes: 8 * GIB, freeBytes: 6.5 * GIB },
  ]);
  const two = await read({ files: { ...LINUX, ...GROUPS_V2 } });
  assert.deepEqual(two.devices, [
    { ...system, name: "system memory of this container", totalBytes: 6 * GIB, freeBytes: 3 * GIB },
  ]);
});

test("in a container that sees its group's path from outside, the topmost group counts", async () => {
  const { devices } = await read({ files: { ...LINUX, ...GROUPS_DOCKER } });
  assert.deepEqual(devices, [
    { ...system, name: "system memory of this container", totalBytes: 4 * GIB, freeBytes: 3.5 * GIB },
  ]);
});

test("a group's limit leaves no more free than the system has, and never less than nothing", async () => {
  const meminfo = "MemTotal:       16777216 kB\nMemAvailable:    1048576 kB\n";
  const tight = await read({ files: { ...GROUPS_DOCKER, "/proc/meminfo": meminfo } });
  assert.equal(tight.devices[0]?.freeBytes, GIB);
  const over = { ...GROUPS_DOCKER, "/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.current": "9000000000\n" };
  assert.equal((await read({ files: over })).devices[0]?.freeBytes, 0);
});

test("kernels that tell no MemAvailable are read by what they tell, and no meminfo is no memory", async () => {
  const old = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 30 kB\n";
  assert.equal((await read({ files: { "/proc/meminfo": old } })).devices[0]?.freeBytes, 150 * KIB);
  const none = await read({ files: { "/proc/meminfo": "nonsense" } });
  assert.deepEqual(none.devices, []);
  assert.equal(none.notes[0], "/proc/meminfo does not tell the system's memory");
});

test("this machine can be read", async () => {
  const { devices } = await readDevices(machineIo, never);
  assert.ok(devices.length > 0);
  for (const { totalBytes, freeBytes } of devices) assert.ok(freeBytes >= 0 && freeBytes <= totalBytes);
});

test("an abort ends a reading with its reason", async () => {
  const reason = new Error("enough");
  await assert.rejects(readDevices(machineIo, AbortSignal.abort(reason)), reason);
});

test("a second reading keeps devices in their places, and old figures for one that is missing", async () => {
  const before = (await read({ files: LINUX, commands: NVIDIA_TWO })).devices;
  const now = await read({ files: { ...LINUX, ...AMD }, commands: NVIDIA_HANGS });
  const { devices, notes } = rereadDevices(before, now);
  assert.deepEqual(devices, [system, { ...before[1], stale: true }, { ...before[2], stale: true }]);
  assert.equal(notes.at(-1), "gpu1 (NVIDIA A40) could not be read; what is known of it is older");
  const back = rereadDevices(devices, await read({ files: LINUX, commands: NVIDIA_TWO }));
  assert.deepEqual(back, { devices: before, notes: [] });
});

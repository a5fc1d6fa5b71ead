import { z } from "zod";

/*
 * What the pool holds at one moment, for people and programs: `atos models ps`. Sizes in bytes.
 */

const memoryParts = z.object({ weights: z.number(), caches: z.number(), adapters: z.number(), compute: z.number() });

const deviceStatus = z.object({
  /** `system`, or `gpu0` and so on. */
  id: z.string(),
  name: z.string(),
  totalBytes: z.number(),
  /** What ATOS's models may take: the rest is reserve, or used by others. */
  budgetBytes: z.number(),
  reserveBytes: z.number(),
  othersBytes: z.number(),
  /** Booked for this worker's models. */
  bookedBytes: z.number(),
});

/** A turn that runs or waits. */
const turnStatus = z.object({ build: z.string(), task: z.string(), role: z.string() });

const residentStatus = z.object({
  model: z.string(),
  state: z.enum(["opening", "ready", "closing"]),
  /** Where its layers are, such as `["gpu0"]` or `["gpu0","system"]`. */
  devices: z.array(z.string()).readonly(),
  slots: z.number(),
  contextTokens: z.number(),
  /** By part, as booked. */
  memory: memoryParts,
  /** As its process was measured after loading; absent before. */
  measuredBytes: z.number().optional(),
  /** Why it was loaded. */
  why: z.string(),
  loadedAtMs: z.number(),
  turns: z.array(turnStatus).readonly(),
});

const waitingStatus = turnStatus.extend({ model: z.string(), sinceMs: z.number(), why: z.string() });

const serverStatus = z.object({
  model: z.string(),
  /** Without user name and password. */
  address: z.string(),
  busy: z.number(),
  limit: z.number(),
  waiting: z.number(),
});

export const poolStatusSchema = z.object({
  /** Milliseconds since 1970, as are all moments here. */
  atMs: z.number(),
  policy: z.string(),
  devices: z.array(deviceStatus).readonly(),
  residents: z.array(residentStatus).readonly(),
  queue: z.array(waitingStatus).readonly(),
  /** The next load that is planned, as far as can be said now. */
  next: z.object({ model: z.string(), evict: z.array(z.string()).readonly(), why: z.string() }).optional(),
  servers: z.array(serverStatus).readonly(),
  /** Models that are not loaded again for a while, because they crashed too often. */
  quarantined: z.array(z.object({ model: z.string(), untilMs: z.number(), why: z.string() })).readonly(),
  /** What could not be read of this machine, such as a GPU's memory. */
  notes: z.array(z.string()).readonly(),
});

export type PoolStatus = Readonly<z.infer<typeof poolStatusSchema>>;

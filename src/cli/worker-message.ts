import { z } from "zod";

/** What a worker tells the client that started it, once. */
export const workerMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("other-runs") }),
  z.object({ kind: z.literal("failed"), code: z.string(), message: z.string(), exitCode: z.literal([1, 2, 3]) }),
]);

export type WorkerMessage = z.infer<typeof workerMessageSchema>;

import { z } from "zod";

/**
 * One property of a tool's JSON schema. Tools of other servers come with richer schemas: keys that are not
 * named here are kept and not looked at, and a `type` may be a list or missing.
 */
const toolProperty = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  minLength: z.number().optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  /** The value is taken as written: no white space is trimmed from it. */
  "x-verbatim": z.boolean().optional(),
  /** Other names that models use for this argument. */
  "x-aliases": z.array(z.string()).optional(),
  items: z.unknown().optional(),
});

/** Parses what a tool tells of itself, at the edge. */
export const toolDefinition = z.object({
  name: z.string().min(1),
  description: z.string(),
  parameters: z.looseObject({
    type: z.literal("object"),
    properties: z.record(z.string(), toolProperty).default({}),
    required: z.array(z.string()).default([]),
    additionalProperties: z.unknown().optional(),
  }),
  /** Arguments of a typical call. */
  "x-example": z.record(z.string(), z.unknown()).optional(),
});

export type ToolProperty = z.infer<typeof toolProperty>;
export type ToolDefinition = z.infer<typeof toolDefinition>;

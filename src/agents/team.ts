import { z } from "zod";
import type { TaskTier } from "../base/task.ts";
import { type Role, roleSchema, type Seat } from "./role.ts";

/** Who does what, as it is pinned in a build's request. */
export const teamSchema = z
  .object({
    name: z.string(),
    roles: z
      .object({
        "product-manager": roleSchema,
        "tech-lead": roleSchema,
        tester: roleSchema,
        reviewer: roleSchema,
        /** Absent: the developer joins what others wrote. */
        integrator: roleSchema.optional(),
      })
      .readonly(),
    developers: z.object({ simple: roleSchema, medium: roleSchema, complex: roleSchema }).readonly(),
  })
  .readonly();

export type Team = z.infer<typeof teamSchema>;

/** Who sits in `seat` for a task of `tier`. A team without an integrator has a developer in that seat. */
export function roleFor(team: Team, seat: Seat, tier: TaskTier): Role {
  const developer = team.developers[tier];
  return seat === "developer" ? developer : (team.roles[seat] ?? developer);
}

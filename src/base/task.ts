export const TASK_TIERS = ["simple", "medium", "complex"] as const;

/** How hard a task is; decides which model of the roster serves it. */
export type TaskTier = (typeof TASK_TIERS)[number];

/**
 * Entries of a workspace that no command may see or make: what git and ATOS themselves act by. A hook, a setting or a
 * policy planted there would be obeyed by whoever works in that folder next.
 */
export const HIDDEN_NAMES = [".git", ".atos"] as const;

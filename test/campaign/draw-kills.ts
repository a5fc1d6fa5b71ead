/**
 * What is killed. `interrupt`: the client gets Ctrl-C and pauses the build. `sandbox`: the outermost process of a
 * sandbox; one inside it could not be told from code that kills itself.
 */
export const VICTIMS = ["worker", "client", "postgres", "model", "sandbox", "interrupt"] as const;
export type Victim = (typeof VICTIMS)[number];

export type Kill = {
  /** When so much of the build's events is told, from 0 to 1, */
  readonly at: number;
  /** and so long after that. */
  readonly afterMs: number;
  /** All at once. */
  readonly victims: readonly Victim[];
};

const MOST_KILLS = 4;
/** A model whose process dies a third time is left alone for minutes, which other tests are about. */
const MOST_MODELS = 2;
const MOST_AFTER_MS = 300;
/** Processes that die together when a machine does; a client that is gone has nobody to interrupt. */
const TOGETHER: readonly (readonly Victim[])[] = [
  ["worker", "postgres"],
  ["client", "worker"],
  ["client", "postgres"],
  ["model", "sandbox"],
  ["worker", "client", "postgres", "model"],
];

/** The kills of one build, in order: two to four. The first is of the `first` kind; one in four is of several processes. Pure. */
export function drawKills(random: () => number, first: Victim): readonly Kill[] {
  const count = 2 + Math.floor(random() * (MOST_KILLS - 1));
  const places = Array.from({ length: count }, () => random()).toSorted((a, b) => a - b);
  let models = 0;
  return places.map((at, index) => {
    const some = random() < 0.25 ? drawn(TOGETHER, random) : [drawn(VICTIMS, random)];
    const afterMs = Math.floor(random() * MOST_AFTER_MS);
    const victims = index === 0 ? [first] : some;
    if (victims.includes("model") && ++models > MOST_MODELS) return { at, afterMs, victims: ["worker"] };
    return { at, afterMs, victims };
  });
}

function drawn<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("there is nothing to draw from");
  return item;
}

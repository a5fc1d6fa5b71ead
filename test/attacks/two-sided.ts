import type { Attack, Category, Verdict, Wall } from "./attack.ts";

/** An attack on a part of ATOS outside the sandbox. */
export type TwoSided<Target> = {
  readonly category: Category;
  readonly name: string;
  readonly wall: Wall;
  /** The same for both. */
  readonly attack: (target: Target) => Promise<Verdict>;
  /** The part of ATOS. */
  readonly real: () => Target | Promise<Target>;
  /** What does the same work and thinks nothing of attacks: the control. */
  readonly naive: (() => Target | Promise<Target>) | { readonly none: string };
};

export function twoSided<Target>({ category, name, wall, attack, real, naive }: TwoSided<Target>): Attack {
  return {
    category,
    name,
    wall,
    run: async () => attack(await real()),
    control: typeof naive === "function" ? async () => attack(await naive()) : naive,
  };
}

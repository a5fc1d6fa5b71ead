import { examineLevels } from "../../src/sandbox/open-sandbox.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { type ScratchDatabase, scratchDatabase } from "../fixtures/scratch-database.ts";
import type { Attack, Ground, Verdict } from "./attack.ts";

/** Where a verdict was got: a level of the sandbox, or another wall. */
export type Front = {
  readonly name: string;
  readonly run: () => Promise<Verdict>;
  readonly notPromised: string | undefined;
};

/** One run of attacks; it holds what they share. */
export class Campaign implements AsyncDisposable {
  readonly levels: readonly Sandbox[];
  #database: Promise<ScratchDatabase> | undefined;

  private constructor(levels: readonly Sandbox[]) {
    this.levels = levels;
  }

  /** @throws an error when this machine has no sandbox at all. */
  static async open(): Promise<Campaign> {
    const found = await examineLevels({});
    const levels = found.flatMap((finding) => ("sandbox" in finding ? [finding.sandbox] : []));
    if (levels.length === 0) throw new Error("this machine has no sandbox to attack; see atos doctor");
    return new Campaign(levels);
  }

  /** The fronts that an attack is made at. */
  fronts(attack: Attack): readonly Front[] {
    if (attack.wall !== "sandbox") {
      return [
        { name: attack.wall, run: () => attack.run(this.#ground()), notPromised: attack.notPromised?.everywhere },
      ];
    }
    return this.levels.map((sandbox) => ({
      name: sandbox.level,
      run: () => attack.run(this.#ground(sandbox)),
      notPromised: attack.notPromised?.[sandbox.level],
    }));
  }

  /** The same attack where there is no wall, or why that is not made or tells nothing. */
  async control({ control, needsRights }: Attack): Promise<Verdict | { readonly kind: "none"; readonly why: string }> {
    if (typeof control !== "function") return { kind: "none", why: control.none };
    const verdict = await control(this.#ground());
    if (verdict.kind === "broke" || needsRights !== true) return verdict;
    return { kind: "none", why: `this machine stops it by itself (${verdict.evidence})` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#database)?.[Symbol.asyncDispose]();
  }

  #ground(sandbox: Sandbox | undefined = this.levels[0]): Ground {
    if (sandbox === undefined) throw new Error("a campaign has a level");
    return {
      sandbox,
      signal: new AbortController().signal,
      database: async () => {
        this.#database ??= scratchDatabase({ migrated: true });
        return this.#database;
      },
    };
  }
}

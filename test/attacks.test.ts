import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { ATTACKS } from "./attacks/all-attacks.ts";
import { CATEGORIES } from "./attacks/attack.ts";
import { markdownText } from "./attacks/attack-table.ts";
import { Campaign } from "./attacks/campaign.ts";

/*
 * Each attack is made for real and must not get through; its control is the same attack without the wall, and must,
 * or the attack proves nothing.
 */
const isLinux = process.platform === "linux";
const skip = isLinux ? false : "the attacks are written for Linux";
const campaign = isLinux ? await Campaign.open() : undefined;
after(() => campaign?.[Symbol.asyncDispose]());

// Two at a time: a small machine has two processors, and some attacks take all of one.
test("no attack gets through", { skip, concurrency: 2, timeout: 900_000 }, async (t) => {
  if (campaign === undefined) return;
  t.diagnostic(`levels: ${campaign.levels.map(({ level }) => level).join(", ")}`);
  await Promise.all(
    ATTACKS.map((attack) =>
      t.test(`${attack.category}: ${attack.name}`, async (context) => {
        for (const front of campaign.fronts(attack)) {
          const verdict = await front.run();
          if (front.notPromised === undefined) assert.equal(verdict.kind, "held", `${front.name}: ${verdict.evidence}`);
          else context.diagnostic(`not promised at ${front.name}: ${front.notPromised}`);
        }
        const control = await campaign.control(attack);
        if (control.kind === "none") context.diagnostic(`not made without the wall: ${control.why}`);
        else assert.equal(control.kind, "broke", `the control did no harm (${control.evidence}), so nothing is proved`);
      }),
    ),
  );
});

test("every category has several attacks, and no two of one have the same name", () => {
  for (const category of CATEGORIES) {
    const names = ATTACKS.filter((attack) => attack.category === category).map(({ name }) => name);
    assert.ok(names.length >= 3, `${category}: ${names.length}`);
    assert.deepEqual([...new Set(names)], names);
  }
});

test("docs/attacks.md lists exactly the attacks that there are, and none that got through", () => {
  const text = readFileSync(new URL("../docs/attacks.md", import.meta.url), "utf8");
  const listed = [...text.matchAll(/^## (.*)$|^\| (.*?) \| (?:held|not promised|broke through)/gm)].flatMap(
    ([, heading, name]) => heading ?? name ?? [],
  );
  const there = CATEGORIES.flatMap((category) => [
    category,
    ...ATTACKS.filter((attack) => attack.category === category).map(({ name }) => markdownText(name)),
  ]);
  assert.deepEqual(listed, [...there, "Counts"], "write it anew: node scripts/attack-table.ts");
  assert.doesNotMatch(text, /\| broke through|HELD/);
});

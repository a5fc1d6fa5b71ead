import type { EvalReport } from "./eval-report.ts";
import { intervalText, percent } from "./report-text.ts";
import type { GroupScore, PassScore, WayComparison, WayScore } from "./score.ts";

const WIDTH = 760;
const LEFT = 150;
/** Of a bar for 100 %. */
const BAR = 360;
const COLOURS = ["#3b6ea8", "#d08a2e"];
const STYLE =
  "text{font:13px system-ui,sans-serif;fill:#1d2733}.title{font-size:17px;font-weight:600}.small{font-size:11px;fill:#5b6773}";

/** A drawing and the height it takes. */
type Block = { readonly svg: string; readonly height: number };

/** The report as one picture: pass@1 with its interval, by way and by group, and how the ways differ. Pure. */
export function reportSvg(report: EvalReport): string {
  const { score } = report;
  const colours = new Map(score.ways.map(({ way }, index) => [way, COLOURS[index % COLOURS.length] ?? "#3b6ea8"]));
  const colourOf = ({ way }: PassScore): string => colours.get(way) ?? "#3b6ea8";
  const blocks: Block[] = [
    titleBlock(report),
    scaleBlock(),
    ...score.ways.map((way) => wayBlock(way, colourOf(way))),
    ...groupBlocks(score.groups, colourOf),
    ...(score.comparison === undefined ? [] : [comparisonBlock(score.comparison)]),
    notesBlock(report.notes),
  ];
  let top = 0;
  const placed: string[] = [];
  for (const { svg, height } of blocks) {
    placed.push(`<g transform="translate(0 ${top})">${svg}</g>`);
    top += height;
  }
  const label = escapeXml(`${report.suite}: pass@1 of ${score.ways.map(({ way }) => way).join(" and ")}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img" aria-label="${label}">
<style>${STYLE}</style>
<rect width="100%" height="100%" fill="#fff"/>
${placed.join("\n")}
</svg>
`;
}

function titleBlock({ suite, models, seed, score, sha256 }: EvalReport): Block {
  const facts = `${score.tasks} tasks, sha256 ${sha256.slice(0, 12)}, seed ${seed}; ${models.join(", ")}`;
  return {
    svg: text([20, 30], `Suite ${suite}: pass@1`, "title") + text([20, 50], cut(facts, 120), "small"),
    height: 72,
  };
}

/** Numbers above the bars; their lines reach down through the first ways. */
function scaleBlock(): Block {
  const marks = [0, 25, 50, 75, 100].map((value) => {
    const x = LEFT + (BAR * value) / 100;
    return `<line x1="${x}" y1="16" x2="${x}" y2="22" stroke="#9aa5b1"/>${text([x - 8, 12], `${value}`, "small")}`;
  });
  return { svg: marks.join(""), height: 28 };
}

function wayBlock(score: WayScore, colour: string): Block {
  const { way, passed, tried, passAt1, passesPerMinute, tokensPerPass } = score;
  const [low, high] = score.interval.map((share) => LEFT + BAR * share);
  const whisker =
    tried === 0
      ? ""
      : `<path d="M${fixed(low)} 11V19M${fixed(low)} 15H${fixed(high)}M${fixed(high)} 11V19" stroke="#1d2733" fill="none"/>`;
  const speed = passesPerMinute === null ? "" : `${passesPerMinute.toFixed(2)} passes a minute`;
  const cost = tokensPerPass === null ? "" : `${tokensPerPass.toFixed(0)} tokens a pass`;
  const facts = [intervalText(score), speed, cost].filter((part) => part !== "").join(" · ");
  const svg = [
    text([20, 19], way),
    bar(passAt1, { y: 4, height: 22, colour }),
    whisker,
    text([LEFT + BAR + 14, 19], `${percent(passAt1)} (${passed} of ${tried})`),
    text([LEFT, 42], facts, "small"),
  ];
  return { svg: svg.join(""), height: 58 };
}

function groupBlocks(groups: readonly GroupScore[], colourOf: (score: PassScore) => string): readonly Block[] {
  const keys = [...new Set(groups.map(({ by, value }) => `${by}: ${value}`))];
  return keys.map((key) => {
    const rows = groups.filter(({ by, value }) => `${by}: ${value}` === key);
    const drawn = rows.map((row, index) => {
      const y = index * 14;
      const label = text([LEFT + BAR + 14, y + 10], `${row.passed} of ${row.tried}`, "small");
      return bar(row.passAt1, { y: y + 1, height: 11, colour: colourOf(row) }) + label;
    });
    return { svg: text([20, 11], cut(key, 20)) + drawn.join(""), height: rows.length * 14 + 10 };
  });
}

function comparisonBlock({ ways: [first, second], both, onlyFirst, onlySecond, neither, p }: WayComparison): Block {
  const words = `On the same tasks: both ${both}, only ${first} ${onlyFirst}, only ${second} ${onlySecond}, neither ${neither}; McNemar p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}`;
  return { svg: text([20, 20], words), height: 30 };
}

function notesBlock(notes: readonly string[]): Block {
  const lines = notes.slice(0, 6).map((note, index) => text([20, 16 + index * 16], cut(note, 130), "small"));
  return { svg: lines.join(""), height: 20 + lines.length * 16 };
}

function bar(share: number | null, { y, height, colour }: { y: number; height: number; colour: string }): string {
  const ground = `<rect x="${LEFT}" y="${y}" width="${BAR}" height="${height}" fill="#eef1f4"/>`;
  if (share === null) return ground;
  return `${ground}<rect x="${LEFT}" y="${y}" width="${fixed(BAR * share)}" height="${height}" fill="${colour}"/>`;
}

function text([x, y]: readonly [number, number], words: string, style?: string): string {
  return `<text x="${fixed(x)}" y="${y}"${style === undefined ? "" : ` class="${style}"`}>${escapeXml(words)}</text>`;
}

/** The same digits on every machine. */
function fixed(value: number | undefined): string {
  return (value ?? 0).toFixed(1);
}

function cut(words: string, most: number): string {
  return words.length > most ? `${words.slice(0, most - 1)}…` : words;
}

/** Also without what XML can't hold at all. */
function escapeXml(words: string): string {
  return words
    .replaceAll(/[^\P{Cc}\t\n]|\p{Cs}|[\uFFFE\uFFFF]/gu, "�")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

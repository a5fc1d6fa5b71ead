export type Side = "left" | "right" | "center";

export function align(text: string, width: number, side: Side): string {
  if (width < 1) throw new RangeError("the width must be at least 1");
  const characters = Array.from(text);
  if (characters.length > width) return `${characters.slice(0, width - 1).join("")}…`;
  const spare = width - characters.length;
  const before = side === "left" ? 0 : side === "right" ? spare : Math.floor(spare / 2);
  return " ".repeat(before) + text + " ".repeat(spare - before);
}

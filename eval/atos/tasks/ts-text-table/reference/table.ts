import { align, type Side } from "./align.ts";

export type Row = Record<string, string | number>;

export function renderTable(rows: Row[], maxWidth = 20): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0) return "";
  const columns = names.map((name) => {
    const values = rows.map((row) => row[name]).filter((value) => value !== undefined);
    const lengths = [name, ...values].map((value) => Array.from(String(value)).length);
    const side: Side = values.every((value) => typeof value === "number") ? "right" : "left";
    return { name, side, width: Math.min(maxWidth, Math.max(...lengths)) };
  });
  const line = (cells: readonly string[]): string => cells.join(" | ").trimEnd();
  const head = line(columns.map(({ name, side, width }) => align(name, width, side)));
  const rule = columns.map(({ width }) => "-".repeat(width)).join("-|-");
  const body = rows.map((row) => line(columns.map(({ name, side, width }) => align(String(row[name] ?? ""), width, side))));
  return [head, rule, ...body].join("\n");
}

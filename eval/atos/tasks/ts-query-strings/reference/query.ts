type Query = Record<string, string | string[]>;
type Value = string | number | boolean | null | undefined;

export function parseQuery(text: string): Query {
  const query: Query = Object.create(null);
  for (const part of text.replace(/^\?/, "").split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = decode(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? "" : decode(part.slice(at + 1));
    const there = query[name];
    query[name] = there === undefined ? value : Array.isArray(there) ? [...there, value] : [there, value];
  }
  return query;
}

export function formatQuery(values: Record<string, Value | readonly Value[]>): string {
  return Object.keys(values)
    .toSorted()
    .flatMap((name) => {
      const value = values[name];
      const list = Array.isArray(value) ? value : [value];
      return list
        .filter((one) => one !== undefined && one !== null)
        .map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`);
    })
    .join("&");
}

function decode(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

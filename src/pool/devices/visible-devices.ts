/**
 * Those of `all` that a variable such as CUDA_VISIBLE_DEVICES leaves, in its order: it lists indices or
 * names, and what follows an entry that fits nothing, or one named twice, is not seen. Absent: all. Pure.
 */
export function visibleEntries<Entry>(
  all: readonly Entry[],
  setting: string | undefined,
  isNamed: (entry: Entry, name: string) => boolean,
): readonly Entry[] {
  if (setting === undefined) return all;
  const seen: Entry[] = [];
  for (const name of setting.split(",").map((part) => part.trim())) {
    const entry = /^\d+$/.test(name) ? all[Number(name)] : all.find((one) => name !== "" && isNamed(one, name));
    if (entry === undefined || seen.includes(entry)) break;
    seen.push(entry);
  }
  return seen;
}

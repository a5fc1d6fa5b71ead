export function flattenOnce<T>(list: T[][]): T[] {
  return list.flat();
}

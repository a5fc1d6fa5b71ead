/** GiB for tables and sums, such as `0.5` or `11.25`: two places, so that sums add up to the eye. Pure. */
export function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(2).replace(/0$/, "");
}

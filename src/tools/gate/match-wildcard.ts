/** `maybe`: it can't be known before it runs, or it comes to the same by another way of writing. */
export type Match = "yes" | "maybe" | "no";

/** Whether `pattern`, in which `*` stands for any characters, is the whole of `text`. Pure; never worse than the product of both lengths. */
export function matchWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let read = 0; read < text.length; ) {
    if (pattern[at] === "*") {
      star = at++;
      resume = read;
    } else if (pattern[at] === text[read]) {
      at++;
      read++;
    } else if (star >= 0) {
      at = star + 1;
      read = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

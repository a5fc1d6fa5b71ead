/**
 * Whether `path` matches `glob`: `*` and `?` stand for characters of one name, `**` for any folders, `{a,b}` for
 * either. A glob without a slash is held against the file's name alone. Pure; takes time in proportion to both.
 */
export function matchGlob(glob: string, path: string): boolean {
  return alternatives(glob).some((one) => {
    const pattern = one.split("/");
    const names = path.split("/");
    return pattern.length === 1 ? matchName(one, names.at(-1) ?? "") : matchList(pattern, names, "**", matchName);
  });
}

/** The globs that one with braces stands for; at most 64 of them. */
function alternatives(glob: string): readonly string[] {
  let done: readonly string[] = [glob];
  for (let round = 0; round < 6; round++) {
    done = done.flatMap((one) => {
      const braces = /^([^{]*)\{([^{}]*)\}(.*)$/s.exec(one);
      if (braces === null) return [one];
      const [, before = "", inner = "", after = ""] = braces;
      return inner.split(",").map((choice) => before + choice + after);
    });
    if (done.length > 64) return done.slice(0, 64);
  }
  return done;
}

function matchName(pattern: string, name: string): boolean {
  return matchList(Array.from(pattern), Array.from(name), "*", (one, character) => one === "?" || one === character);
}

/**
 * Matches item by item; `many` stands for any number of items. On a mismatch the last `many` takes one item more: an
 * earlier one need never be tried again.
 */
// oxlint-disable-next-line max-params -- the two lists, and how they are compared
function matchList(
  pattern: readonly string[],
  items: readonly string[],
  many: string,
  matches: (one: string, item: string) => boolean,
): boolean {
  let [at, restart, taken] = [0, -1, 0];
  for (let index = 0; index < items.length; ) {
    const one = pattern[at];
    if (one === many) {
      restart = ++at;
      taken = index;
    } else if (one !== undefined && matches(one, items[index] ?? "")) {
      at++;
      index++;
    } else if (restart >= 0) {
      at = restart;
      index = ++taken;
    } else return false;
  }
  return pattern.slice(at).every((one) => one === many);
}

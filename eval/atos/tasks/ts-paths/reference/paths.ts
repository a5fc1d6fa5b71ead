type Step = string | number;

export function getPath(value: unknown, path: string): unknown {
  let found = value;
  for (const step of readPath(path)) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

export function setPath(value: unknown, path: string, next: unknown): unknown {
  return setSteps(value, readPath(path), next);
}

function setSteps(value: unknown, steps: readonly Step[], next: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return next;
  const there = typeof value === "object" && value !== null ? value : undefined;
  const inside = there !== undefined && Object.hasOwn(there, step) ? Reflect.get(there, step) : undefined;
  const copy: object = Array.isArray(there) ? [...there] : (there === undefined && typeof step === "number" ? [] : { ...there });
  if (Array.isArray(copy) && typeof step === "number") while (copy.length < step) copy.push(undefined);
  Object.defineProperty(copy, step, { value: setSteps(inside, rest, next), enumerable: true, writable: true, configurable: true });
  return copy;
}

function readPath(path: string): readonly Step[] {
  const steps: Step[] = [];
  const token = /\[(\d+)\]|\["([^"]*)"\]|(\.?)([^.[\]"]+)/y;
  while (token.lastIndex < path.length) {
    const first = token.lastIndex === 0;
    const match = token.exec(path);
    if (match === null) throw new SyntaxError(`${JSON.stringify(path)} is no path`);
    const [, position, quoted, dot, name] = match;
    if (name !== undefined && (dot === "") !== first) throw new SyntaxError(`${JSON.stringify(path)} is no path`);
    steps.push(position !== undefined ? Number(position) : (quoted ?? name ?? ""));
  }
  return steps;
}

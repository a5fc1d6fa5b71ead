/**
 * The object that `delta` makes of `base`, as git's packs write it: two lengths, then parts to copy from the base and
 * parts to insert. Undefined when the delta doesn't fit the base or makes more than `maxBytes`. Pure.
 */
export function applyDelta(base: Buffer, delta: Buffer, maxBytes: number): Buffer | undefined {
  const from = readLength(delta, 0);
  const to = readLength(delta, from.next);
  if (from.value !== base.length || to.value > maxBytes) return undefined;
  const parts: Buffer[] = [];
  let made = 0;
  for (let at = to.next; at < delta.length; ) {
    const part = readPart(base, delta, at);
    if (part === undefined) return undefined;
    parts.push(part.bytes);
    made += part.bytes.length;
    at = part.next;
    if (made > to.value) return undefined;
  }
  return made === to.value ? Buffer.concat(parts, made) : undefined;
}

/** A number of seven bits a byte, the lowest first. */
function readLength(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  let at = start;
  for (let factor = 1; at < bytes.length; factor *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) break;
  }
  return { value, next: at };
}

function readPart(base: Buffer, delta: Buffer, start: number): { bytes: Buffer; next: number } | undefined {
  const command = delta[start] ?? 0;
  let at = start + 1;
  if (command === 0) return undefined;
  if (command < 0x80) {
    const bytes = delta.subarray(at, at + command);
    return bytes.length === command ? { bytes, next: at + command } : undefined;
  }
  // Each bit says whether a byte is there: four of where to begin, three of how much.
  const number = (firstBit: number, count: number) => {
    let value = 0;
    for (let index = 0; index < count; index++)
      if ((command & (1 << (firstBit + index))) !== 0) value += (delta[at++] ?? 0) * 256 ** index;
    return value;
  };
  const offset = number(0, 4);
  const size = number(4, 3) || 0x10000;
  const bytes = base.subarray(offset, offset + size);
  return bytes.length === size && at <= delta.length ? { bytes, next: at } : undefined;
}

/** Text from outside on one line: no control or direction characters, cut to `maxCharacters`. Pure. */
export function excerpt(text: string, maxCharacters: number): string {
  // Enough to fill the line even when much of it is dropped, without working through a huge text.
  const line = text
    .slice(0, maxCharacters * 20)
    .replaceAll(/[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu, "")
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
  // Never half of a character.
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 1).replace(/\p{Cs}$/u, "")}…`;
}

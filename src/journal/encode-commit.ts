export type PlainCommit = {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly at: Date;
};

const AUTHOR = "ATOS <atos@localhost>";

/** A git commit object's bytes, by ATOS. Pure. */
export function encodeCommit({ tree, parents, message, at }: PlainCommit): Buffer {
  const by = `${AUTHOR} ${Math.floor(at.getTime() / 1000)} +0000`;
  const head = [
    `tree ${tree}`,
    ...[...new Set(parents)].map((parent) => `parent ${parent}`),
    `author ${by}`,
    `committer ${by}`,
  ];
  // Git would end the message at a zero byte.
  return Buffer.from(`${head.join("\n")}\n\n${message.replaceAll("\0", "")}`);
}

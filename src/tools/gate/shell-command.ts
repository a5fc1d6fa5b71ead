/** One word of a command line, as the shell understands it. */
export type ShellWord = {
  /** Without its quotes; of a `dynamic` word what stands before the first thing the shell puts something else for. */
  readonly text: string;
  /**
   * Whether it holds a variable, a substitution or a pattern. Then it may become anything that begins with `text`,
   * several words, and with an empty `text` none at all.
   */
  readonly dynamic: boolean;
};

/** Where input comes from or output goes; copies of descriptors, such as `2>&1`, are not among them. */
export type Redirection = { readonly mode: "read" | "write"; readonly path: ShellWord };

/** One program and its arguments. Without words it only sets variables or redirects. */
export type SimpleCommand = {
  readonly words: readonly ShellWord[];
  readonly redirections: readonly Redirection[];
  /** It does nothing but run another command of the same list, as `timeout 5 make` does with `make`. */
  readonly wrapper: boolean;
};

/** A command line as what it runs. Everything that it runs by its own words is in the list, in no promised order. */
export type ShellCommand =
  | {
      readonly kind: "commands";
      readonly commands: readonly SimpleCommand[];
      /** It sets variables, which may change what its programs do and even which ones they are. */
      readonly altered: boolean;
    }
  | { readonly kind: "unparsed"; readonly why: string };

type Listener = (...values: unknown[]) => void;
type Entry = { readonly listener: Listener; readonly once: boolean };

export class Emitter {
  #entries = new Map<string, readonly Entry[]>();

  on(name: string, listener: Listener): () => void {
    return this.#add(name, { listener, once: false });
  }

  once(name: string, listener: Listener): () => void {
    return this.#add(name, { listener, once: true });
  }

  off(name: string, listener: Listener): void {
    const entry = this.#of(name).findLast((one) => one.listener === listener);
    if (entry !== undefined) this.#remove(name, entry);
  }

  emit(name: string, ...values: unknown[]): number {
    const entries = this.#of(name);
    const errors: unknown[] = [];
    for (const entry of entries) {
      if (entry.once) this.#remove(name, entry);
      try {
        entry.listener(...values);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return entries.length;
  }

  #of(name: string): readonly Entry[] {
    return this.#entries.get(name) ?? [];
  }

  #add(name: string, entry: Entry): () => void {
    this.#entries.set(name, [...this.#of(name), entry]);
    return () => this.#remove(name, entry);
  }

  #remove(name: string, entry: Entry): void {
    this.#entries.set(
      name,
      this.#of(name).filter((one) => one !== entry),
    );
  }
}

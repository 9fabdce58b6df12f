/** Lets one after the other have something that can not be shared. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  /** Waits for everyone who came before; the function that it answers with lets the next one in. */
  async acquire(): Promise<() => void> {
    const before = this.#tail;
    let release: () => void = () => undefined;
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}

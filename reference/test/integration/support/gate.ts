/** Something that waits until it may go on. */
export class Gate {
  readonly #opened: Promise<void>;
  #open: () => void = () => undefined;
  #reached: () => void = () => undefined;
  /** Resolves when somebody waits. */
  readonly reached: Promise<void>;

  constructor() {
    this.#opened = new Promise((resolve) => (this.#open = resolve));
    this.reached = new Promise((resolve) => (this.#reached = resolve));
  }

  pass(): Promise<void> {
    this.#reached();
    return this.#opened;
  }

  open(): void {
    this.#open();
  }
}

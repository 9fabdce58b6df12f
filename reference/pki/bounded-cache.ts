/** A map that forgets its oldest entry beyond `capacity`: peers present certificates, so their number is not ours. */
export class BoundedCache<Value> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value kept for `key`, made with `create` when there is none. What `create` throws is not kept. */
  get(key: string, create: () => Value): Value {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const value = create();
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return value;
  }
}

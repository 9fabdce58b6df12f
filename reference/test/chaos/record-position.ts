const HEADER_BYTES = 5;

/** Follows the TLS records in a stream of octets. */
export class RecordPosition {
  #header = Buffer.alloc(0);
  /** Octets of the record that have passed and that it has, its header aside. */
  #passed = 0;
  #length = 0;
  #records = 0;

  /** Records that have begun. */
  get records(): number {
    return this.#records;
  }

  pass(octets: Buffer): void {
    let rest = octets;
    while (rest.length > 0) {
      if (this.#header.length < HEADER_BYTES) {
        const missing = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < HEADER_BYTES) return;
        this.#length = this.#header.readUInt16BE(3);
        this.#passed = 0;
        this.#records += 1;
      }
      const take = Math.min(rest.length, this.#length - this.#passed);
      this.#passed += take;
      rest = rest.subarray(take);
      if (this.#passed === this.#length) this.#header = Buffer.alloc(0);
    }
  }

  /** After how many of the next octets half of a record has passed; undefined when that is not among them. */
  middleWithin(octets: Buffer): number | undefined {
    if (this.#header.length === HEADER_BYTES) {
      const left = Math.floor(this.#length / 2) - this.#passed;
      // It is in the second half of a record: that will do.
      return left < octets.length ? Math.max(0, Math.min(left, octets.length)) : undefined;
    }
    const end = HEADER_BYTES - this.#header.length;
    if (octets.length < end) return undefined;
    const header = Buffer.concat([this.#header, octets.subarray(0, end)]);
    const middle = end + Math.floor(header.readUInt16BE(3) / 2);
    return middle <= octets.length ? middle : undefined;
  }
}

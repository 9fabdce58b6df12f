/** Bounds on what strangers may cost a server; see the cost ledger in chapter 9. */
export interface AdmissionLimits {
  /** Sessions and establishments together, over all clients. */
  readonly maxConnections: number;
  /** Connections of one address that are not established yet. */
  readonly maxHalfOpenPerAddress: number;
  /** Connections that are not established yet, over all addresses. */
  readonly maxHalfOpen: number;
  /** New connections per second, over all addresses; as many may come at once. */
  readonly maxAcceptsPerSecond: number;
}

/** Generous for a server behind a private line, and still bounded. */
export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxConnections: 10_000,
  maxHalfOpenPerAddress: 64,
  maxHalfOpen: 1_024,
  maxAcceptsPerSecond: 500,
};

/** The place of one connection in the counts. */
export interface Admitted {
  /** The session is established: it no longer counts as half-open. */
  established(): void;
  /** The connection is gone. */
  release(): void;
}

/** Why a connection is cut before any octet of it is read. */
export type AdmissionRefusal =
  'too-many-connections' | 'too-many-half-open' | 'too-many-half-open-from-address' | 'too-fast';

/** Counts connections. A refused one is cut before TLS, so that it costs one system call and no key operation. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #halfOpenOf = new Map<string, number>();
  #connections = 0;
  #halfOpen = 0;
  #tokens: number;
  #refilledAt = -Infinity;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#tokens = limits.maxAcceptsPerSecond;
  }

  /** Connections that count at present. */
  get connections(): number {
    return this.#connections;
  }

  /** Of these, the ones that are not established yet. */
  get halfOpen(): number {
    return this.#halfOpen;
  }

  /**
   * Asks for a place.
   *
   * @param address - the peer's network address.
   * @param now - monotonic milliseconds.
   */
  admit(address: string, now: number): Admitted | AdmissionRefusal {
    const { maxConnections, maxHalfOpen, maxHalfOpenPerAddress, maxAcceptsPerSecond } = this.#limits;
    const refill = ((now - this.#refilledAt) * maxAcceptsPerSecond) / 1000;
    this.#tokens = Math.min(maxAcceptsPerSecond, this.#tokens + refill);
    this.#refilledAt = now;
    const ofAddress = this.#halfOpenOf.get(address) ?? 0;
    if (this.#tokens < 1) return 'too-fast';
    if (this.#connections >= maxConnections) return 'too-many-connections';
    if (this.#halfOpen >= maxHalfOpen) return 'too-many-half-open';
    if (ofAddress >= maxHalfOpenPerAddress) return 'too-many-half-open-from-address';
    this.#tokens -= 1;
    this.#connections += 1;
    this.#halfOpen += 1;
    this.#halfOpenOf.set(address, ofAddress + 1);
    return this.#place(address);
  }

  #place(address: string): Admitted {
    let state: 'half-open' | 'established' | 'released' = 'half-open';
    const leaveHalfOpen = (): void => {
      this.#halfOpen -= 1;
      const left = (this.#halfOpenOf.get(address) ?? 1) - 1;
      if (left === 0) this.#halfOpenOf.delete(address);
      else this.#halfOpenOf.set(address, left);
    };
    return {
      established: () => {
        if (state !== 'half-open') return;
        state = 'established';
        leaveHalfOpen();
      },
      release: () => {
        if (state === 'released') return;
        if (state === 'half-open') leaveHalfOpen();
        state = 'released';
        this.#connections -= 1;
      },
    };
  }
}

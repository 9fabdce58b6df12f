/** What one process found. */
export interface Reading {
  /** In the unit of the measure. */
  readonly value: number;
  /** Time on a core, in user mode and in the kernel, in microseconds. */
  readonly cpuMicros: number;
}

/** Takes wall time and the process's time on a core from its creation on. */
export class Stopwatch {
  readonly #start = performance.now();
  readonly #cpu = process.cpuUsage();

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get cpuMicros(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    return user + system;
  }

  /** How many of something there were per second, of which there were `count`. */
  rate(count: number): Reading {
    return { value: count / this.seconds, cpuMicros: this.cpuMicros };
  }
}

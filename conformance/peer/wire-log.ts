import { annotate } from '../model/codec.ts';

/** One thing that happened on a connection, in the order in which the harness saw it. */
export interface WireEntry {
  /** Milliseconds since the connection was begun. */
  readonly atMs: number;
  readonly direction: 'sent' | 'received' | 'note';
  /** One line: the decoded frame, or what happened. */
  readonly text: string;
  readonly octets?: Uint8Array;
}

/** What passed over one connection in both directions, kept for the report of a failing case. */
export class WireLog {
  readonly title: string;
  readonly #entries: WireEntry[] = [];
  readonly #startedAt: number = performance.now();

  constructor(title: string) {
    this.title = title;
  }

  get entries(): readonly WireEntry[] {
    return this.#entries;
  }

  /** @param text - the line, or how to make it: most lines of most logs are never looked at. */
  add(direction: WireEntry['direction'], text: string | (() => string), octets?: Uint8Array): void {
    const atMs = Math.round((performance.now() - this.#startedAt) * 10) / 10;
    let line = typeof text === 'string' ? text : undefined;
    const make = typeof text === 'string' ? () => text : text;
    this.#entries.push({
      atMs,
      direction,
      get text() {
        line ??= make();
        return line;
      },
      ...(octets === undefined ? {} : { octets }),
    });
  }

  /** One line per entry: `->` for what the harness sent, `<-` for what it received. */
  sequence(): string[] {
    const arrow = { sent: '->', received: '<-', note: '--' } as const;
    return this.#entries.map((entry) => `${arrow[entry.direction]} ${entry.text}`);
  }

  /** The octets of every entry in hexadecimal, with their meaning; long payloads are cut. */
  annotated(maxLinesPerEntry = 24): string[] {
    return this.#entries.flatMap((entry) => {
      const head = `${entry.direction} at ${entry.atMs} ms: ${entry.text}`;
      if (entry.octets === undefined) return [head];
      const lines = annotate(entry.octets.subarray(0, 4096)).split('\n');
      const shown = lines.slice(0, maxLinesPerEntry).map((line) => `  ${line}`);
      return lines.length > maxLinesPerEntry || entry.octets.length > 4096
        ? [head, ...shown, `  ... ${entry.octets.length} octets in all`]
        : [head, ...shown];
    });
  }
}

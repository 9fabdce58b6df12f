import { HawserError } from '../../core/index.ts';
import type { Framing } from './route.ts';

/** A message does not fit the framing of its route, or octets make no message by it (`HAWSER_ERR_FRAMING_*`). */
export class FramingError extends HawserError {
  /** Id of the requirement that decides. */
  readonly requirement: 'RLY-017' | 'RLY-018';

  constructor(code: `HAWSER_ERR_FRAMING_${string}`, requirement: 'RLY-017' | 'RLY-018', message: string) {
    super(code, message);
    this.requirement = requirement;
  }
}

/** Makes messages of octets that arrive divided anyhow (section 13.3). */
export interface MessageDecoder {
  /**
   * Takes octets. Exhaust the messages of one call before the next: they are found one by one, so that whoever waits between
   * them holds no more than the octets. A message is a view into the octets where it came whole.
   *
   * @throws FramingError as soon as a length announces, or a line has, more than the bound. [RLY-018]
   */
  push(octets: Uint8Array): Iterable<Uint8Array>;
  /** No octets follow. @throws FramingError within a length or a message. [RLY-018] */
  end(): void;
}

const LINE_FEED = 0x0a;

/** What ends a line. */
const LINE_END = Uint8Array.of(LINE_FEED);

/** Octets of the length in front of a message. */
const LENGTH_BYTES = { length16: 2, length32: 4 } as const;

/**
 * The octets of a message by a framing, in pieces, the message itself not copied.
 *
 * @throws FramingError for a message that the framing can not carry. [RLY-017]
 */
export function encodeMessage(framing: Framing, message: Uint8Array): readonly Uint8Array[] {
  switch (framing) {
    case 'stream':
      return message.length === 0 ? [] : [message];
    case 'line':
      if (message.includes(LINE_FEED)) {
        const text = 'A message that holds U+000A is no line: send it without, or route the application with a length.';
        throw new FramingError('HAWSER_ERR_FRAMING_LINE_FEED', 'RLY-017', text);
      }
      return [message, LINE_END];
    case 'length16':
    case 'length32': {
      const lengthBytes = LENGTH_BYTES[framing];
      if (message.length >= 256 ** lengthBytes) {
        const text = `A message of ${message.length} octets is longer than a length of ${lengthBytes} octets can say.`;
        throw new FramingError('HAWSER_ERR_FRAMING_TOO_LONG', 'RLY-017', text);
      }
      const length = Buffer.alloc(lengthBytes);
      length.writeUIntBE(message.length, 0, lengthBytes);
      return [length, message];
    }
  }
}

/** @param maxMessageBytes - the largest message that the receiver of the messages takes. */
export function createMessageDecoder(framing: Framing, maxMessageBytes: number): MessageDecoder {
  switch (framing) {
    case 'stream':
      return new StreamDecoder(maxMessageBytes);
    case 'line':
      return new LineDecoder(maxMessageBytes);
    case 'length16':
    case 'length32':
      return new LengthDecoder(LENGTH_BYTES[framing], maxMessageBytes);
  }
}

class StreamDecoder implements MessageDecoder {
  readonly #maxMessageBytes: number;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  *push(octets: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < octets.length; at += this.#maxMessageBytes) {
      yield octets.subarray(at, at + this.#maxMessageBytes);
    }
  }

  end(): void {
    // Wherever octets end, a message does.
  }
}

class LengthDecoder implements MessageDecoder {
  readonly #lengthBytes: number;
  readonly #maxMessageBytes: number;
  /** What is read of the length, and how many octets of it. */
  #length = 0;
  #lengthRead = 0;
  readonly #message = new PartialMessage();

  constructor(lengthBytes: number, maxMessageBytes: number) {
    this.#lengthBytes = lengthBytes;
    this.#maxMessageBytes = maxMessageBytes;
  }

  *push(octets: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; ;) {
      for (; this.#lengthRead < this.#lengthBytes; this.#lengthRead += 1) {
        const octet = octets[at];
        if (octet === undefined) return;
        this.#length = this.#length * 256 + octet;
        at += 1;
      }
      if (this.#length > this.#maxMessageBytes) throw tooLarge('announces', this.#length, this.#maxMessageBytes);
      const piece = octets.subarray(at, at + this.#length - this.#message.length);
      at += piece.length;
      if (this.#message.length + piece.length < this.#length) {
        this.#message.append(piece, this.#length);
        return;
      }
      const message = this.#message.completedBy(piece);
      this.#length = 0;
      this.#lengthRead = 0;
      yield message;
    }
  }

  end(): void {
    if (this.#lengthRead > 0) throw incomplete(this.#lengthRead < this.#lengthBytes ? 'a length' : 'a message');
  }
}

class LineDecoder implements MessageDecoder {
  readonly #maxMessageBytes: number;
  readonly #message = new PartialMessage();

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  *push(octets: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < octets.length;) {
      const end = octets.indexOf(LINE_FEED, at);
      const piece = octets.subarray(at, end < 0 ? octets.length : end);
      const length = this.#message.length + piece.length;
      if (length > this.#maxMessageBytes) throw tooLarge('has sent', length, this.#maxMessageBytes);
      if (end < 0) {
        this.#message.append(piece, this.#maxMessageBytes);
        return;
      }
      at = end + 1;
      yield this.#message.completedBy(piece);
    }
  }

  end(): void {
    if (this.#message.length > 0) throw incomplete('a line');
  }
}

/** The octets of a message of which the last have not come: as many as have, not as many as were announced. */
class PartialMessage {
  #octets = new Uint8Array(0);
  length = 0;

  /** @param most - octets that the message can have. */
  append(piece: Uint8Array, most: number): void {
    const length = this.length + piece.length;
    if (length > this.#octets.length) {
      const grown = new Uint8Array(Math.min(Math.max(length, 2 * this.#octets.length), most));
      grown.set(this.#octets);
      this.#octets = grown;
    }
    this.#octets.set(piece, this.length);
    this.length = length;
  }

  /** The message; the next one begins. */
  completedBy(piece: Uint8Array): Uint8Array {
    if (this.length === 0) return piece;
    this.append(piece, this.length + piece.length);
    const message = this.#octets.subarray(0, this.length);
    this.#octets = new Uint8Array(0);
    this.length = 0;
    return message;
  }
}

function tooLarge(verb: string, length: number, bound: number): FramingError {
  const message = `The application end ${verb} a message of ${length} octets or more; the client takes ${bound}.`;
  return new FramingError('HAWSER_ERR_FRAMING_TOO_LARGE', 'RLY-018', message);
}

function incomplete(what: string): FramingError {
  const message = `The application end has ended its direction within ${what}.`;
  return new FramingError('HAWSER_ERR_FRAMING_INCOMPLETE', 'RLY-018', message);
}

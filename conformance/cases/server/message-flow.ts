/** Whole messages over a channel, within credit, and what test/source sends. */
import { concat, integer } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';

/** The `application_data` that asks test/source for `count` messages of `size` octets. */
export function sourceRequest(count: number, size: number): Uint8Array {
  return concat(integer(count, 4), integer(size, 4));
}

/** What every message of test/source is a piece of. */
const PATTERN_PERIOD = 251;
let pattern = new Uint8Array(0);

/** Message `n` of test/source, from 0. */
export function sourceMessage(n: number, size: number): Uint8Array {
  const start = n % PATTERN_PERIOD;
  if (pattern.length < start + size) {
    pattern = Uint8Array.from({ length: start + size }, (_, index) => index % PATTERN_PERIOD);
  }
  return pattern.slice(start, start + size);
}

/** The next message on a channel, put together from its fragments. */
export async function receiveMessage(peer: ClientPeer, channel: number, requirement = 'CHN-015'): Promise<Uint8Array> {
  const fragments: Uint8Array[] = [];
  for (;;) {
    const frame = await peer.expect('MESSAGE', { channel, requirement });
    fragments.push(frame.bytes('fragment'));
    if (frame.has('LAST')) return new Uint8Array(Buffer.concat(fragments));
  }
}

/** The fragments of a message: all of the largest size, but for the last one. */
export function fragmentsOf(
  message: Uint8Array,
  size: number = registry.header.maxPayloadBytes,
): readonly Uint8Array[] {
  const fragments: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < message.length; at += size) fragments.push(message.subarray(at, at + size));
  return fragments;
}

/** Which flags a fragment has at its place among `count`. */
export function flagsAt(at: number, count: number): readonly string[] {
  return [...(at === 0 ? ['FIRST'] : []), ...(at === count - 1 ? ['LAST'] : [])];
}

/**
 * A fragment as a frame, not yet sent. It is put together without the codec, whose care costs too much for megabytes: cases that
 * run beside this one would wait.
 */
export function fragmentFrame(
  peer: ClientPeer,
  channel: number,
  flags: readonly string[],
  fragment: Uint8Array,
): Uint8Array {
  const header = peer.build('MESSAGE', { channel, flags, lengthOverride: fragment.length });
  return new Uint8Array(Buffer.concat([header, fragment]));
}

/** Lets the other cases of this process go on. */
export const yieldToOthers = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sends messages on one channel and never goes beyond what the server has granted. */
export class MessageSender {
  readonly #peer: ClientPeer;
  readonly #channel: number;
  /** What has come in while credit was waited for: echoes, in their order. */
  readonly received: ReceivedFrame[] = [];
  messageLimit: number;
  byteLimit: number;
  messages = 0;
  bytes = 0;

  constructor(peer: ClientPeer, channel: number) {
    this.#peer = peer;
    this.#channel = channel;
    this.messageLimit = peer.serverParameter('initial_message_credit');
    this.byteLimit = peer.serverParameter('initial_byte_credit');
  }

  /** Sends a message in fragments of at most `size` octets and waits for credit where it is due (CHN-024). */
  async send(message: Uint8Array, size?: number): Promise<void> {
    const fragments = fragmentsOf(message, size);
    for (const [at, fragment] of fragments.entries()) await this.fragment(fragment, flagsAt(at, fragments.length));
  }

  /** Sends one fragment as soon as credit allows it. */
  async fragment(fragment: Uint8Array, flags: readonly string[]): Promise<void> {
    const begins = flags.includes('FIRST') ? 1 : 0;
    while (this.messages + begins > this.messageLimit || this.bytes + fragment.length > this.byteLimit) {
      await this.#nextCredit();
    }
    this.messages += begins;
    this.bytes += fragment.length;
    this.#peer.sendFrame(fragmentFrame(this.#peer, this.#channel, flags, fragment));
    await yieldToOthers();
  }

  /** Waits for the next CREDIT; messages that come before it are kept. */
  async #nextCredit(): Promise<void> {
    for (;;) {
      const frame = await this.#peer.next('CREDIT', 'CREDIT', { channel: this.#channel, requirement: 'CHN-024' });
      if (frame.name === 'CREDIT') {
        this.take(frame);
        return;
      }
      if (frame.name !== 'MESSAGE') fail('CREDIT', frame.text, 'CHN-024');
      this.received.push(frame);
    }
  }

  /** Takes a CREDIT into account that the case has read itself. */
  take(credit: ReceivedFrame): void {
    this.messageLimit = Number(credit.integer('message_limit'));
    this.byteLimit = Number(credit.integer('byte_limit'));
  }
}

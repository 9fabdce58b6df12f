import type { FrameInput, ParameterInput } from '../../model/codec.ts';
import { concat } from '../../model/codec.ts';
import { errorNamed, frameNamed, registry } from '../../model/registry.ts';
import type { Finding } from '../failure.ts';
import { ConformanceFailure, fail } from '../failure.ts';
import type { Expectation } from '../peer.ts';
import type { ReceivedFrame } from '../received-frame.ts';
import { WireLog } from '../wire-log.ts';
import { Signal } from './signal.ts';
import type { Trunk } from './trunk.ts';

const FIRST = frameNamed('MESSAGE').flags.find(({ name }) => name === 'FIRST')?.bit ?? 0;

/** What can come to an application end: a frame on its channel, something that is wrong with one, or the end of its trunk. */
type Arrival =
  | { readonly type: 'frame'; readonly frame: ReceivedFrame }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'lost'; readonly text: string };

/** An application end behind a trunk, scripted: one channel of the relay's session with the harness. */
export class ChannelEnd {
  readonly channel: number;
  /** The FORWARD that asks for the channel. */
  readonly forward: ReceivedFrame;
  readonly log: WireLog;
  /** Messages begun and octets that have come. */
  messages = 0;
  octets = 0;
  /** What the relay has granted, and what was sent of it. */
  messageLimit: number;
  byteLimit: number;
  sentMessages = 0;
  sentOctets = 0;
  readonly #trunk: Trunk;
  readonly #stepMs: number;
  readonly #arrivals: Arrival[] = [];
  readonly #signal = new Signal();
  #released = false;
  #resetSent = false;
  #resetReceived = false;

  constructor(trunk: Trunk, forward: ReceivedFrame, stepMs: number) {
    this.#trunk = trunk;
    this.#stepMs = stepMs;
    this.channel = forward.channel;
    this.forward = forward;
    this.messageLimit = trunk.relayParameter('initial_message_credit');
    this.byteLimit = trunk.relayParameter('initial_byte_credit');
    this.log = new WireLog(`channel ${forward.channel} at the application end`);
    this.log.add('received', () => forward.text, forward.octets);
  }

  /** The payload of OPEN in the FORWARD. */
  get open(): Uint8Array {
    return this.forward.bytes('open');
  }

  /** The trunk that the channel belongs to. */
  get trunk(): Trunk {
    return this.#trunk;
  }

  /** Sends a frame on the channel, right or wrong. */
  send(name: string, input: FrameInput = {}): Uint8Array {
    if (name === 'RESET') this.#resetSent = true;
    const octets = this.#trunk.peer.send(name, { channel: this.channel, ...input });
    if (name === 'MESSAGE') {
      this.sentOctets += octets.length - registry.header.bytes;
      if ((octets[1] ?? 0) & FIRST) this.sentMessages += 1;
    }
    this.log.add('sent', name, octets);
    return octets;
  }

  /** Takes the channel. */
  sendOpened(data?: Uint8Array, more: readonly ParameterInput[] = []): Uint8Array {
    const parameters = [...(data === undefined ? [] : [{ id: 'application_data', value: data }]), ...more];
    return this.send('OPENED', { fields: { parameters } });
  }

  /** Refuses the channel. */
  refuse(code: string | number, retryAfterMs = 0): void {
    this.send('REFUSED', { fields: { code: codeOf(code), retry_after_ms: retryAfterMs } });
  }

  /** Abandons the channel. */
  reset(code: string | number): void {
    this.send('RESET', { fields: { code: codeOf(code) } });
  }

  /** Sends a message in one frame. */
  sendMessage(fragment: Uint8Array): void {
    this.send('MESSAGE', { flags: ['FIRST', 'LAST'], fields: { fragment } });
  }

  /** Sends a message in these fragments. */
  sendFragments(fragments: readonly Uint8Array[]): void {
    for (const [at, fragment] of fragments.entries()) {
      const flags = [...(at === 0 ? ['FIRST'] : []), ...(at === fragments.length - 1 ? ['LAST'] : [])];
      this.send('MESSAGE', { flags, fields: { fragment } });
    }
  }

  /** Sends a message as the relay grants credit for it, in fragments of at most `size` octets. */
  async sendWithinCredit(message: Uint8Array, size: number = registry.header.maxPayloadBytes): Promise<void> {
    for (let at = 0; at === 0 || at < message.length; at += size) {
      const fragment = message.subarray(at, at + size);
      const begins = at === 0 ? 1 : 0;
      const allowed = (): true | undefined =>
        (this.sentMessages + begins <= this.messageLimit && this.sentOctets + fragment.length <= this.byteLimit) ||
        undefined;
      if ((await this.#signal.find(allowed, this.#stepMs)) === undefined) {
        fail('CREDIT on the trunk', `none within ${this.#stepMs} ms`, 'CHN-024');
      }
      const flags = [...(at === 0 ? ['FIRST'] : []), ...(at + size >= message.length ? ['LAST'] : [])];
      this.send('MESSAGE', { flags, fields: { fragment } });
    }
  }

  /** Sees to it that so many messages and octets are granted beyond what has come. */
  grant(messages: number, octets: number): void {
    const granted = this.#trunk.peer.creditGranted(this.channel);
    const limits = [this.messages + messages, this.octets + octets] as const;
    const [before, beforeOctets] = [Number(granted?.messages ?? 0), Number(granted?.bytes ?? 0)];
    if (limits[0] <= before && limits[1] <= beforeOctets) return;
    const fields = { message_limit: Math.max(limits[0], before), byte_limit: Math.max(limits[1], beforeOctets) };
    this.send('CREDIT', { fields });
  }

  /**
   * Grants so many octets beyond what has come, again and again, until so many have come in all.
   *
   * @param sending - settles when the client has sent them: a relay may pass on whole messages only.
   */
  async grantUntil(octets: number, atOnce: number, sending: Promise<void>): Promise<void> {
    const client = { sent: false };
    void sending.then(
      () => (client.sent = true),
      () => (client.sent = true),
    );
    while (this.octets < octets) {
      const before = this.octets;
      const due = client.sent;
      this.grant(1, atOnce);
      const more = await this.#signal.find(() => this.octets > before || undefined, this.#stepMs);
      if (more === undefined && due)
        fail('octets at the application end', `${before} in all, with credit for more`, 'CHN-033');
    }
  }

  /** Gives a verdict on every message through `last`. */
  judge(last: number, verdict = 0): void {
    this.send('OUTCOME', { fields: { last_message: last, verdict } });
  }

  /** The next frame on the channel, which has to be of this name. CREDIT is passed over unless asked for. */
  async expect(name: string, expectation: Omit<Expectation, 'channel'> = {}): Promise<ReceivedFrame> {
    const frame = await this.next(name, name, expectation);
    if (frame.name !== name) fail(`${name} at the application end`, frame.text, expectation.requirement);
    return frame;
  }

  /** The next frame on the channel but CREDIT, unless that is `wanted`. */
  async next(what: string, wanted = '*', expectation: Omit<Expectation, 'channel'> = {}): Promise<ReceivedFrame> {
    const { requirement, withinMs = this.#stepMs } = expectation;
    const deadline = performance.now() + withinMs;
    for (;;) {
      const arrival = await this.#signal.find(() => this.#arrivals.shift(), deadline - performance.now());
      if (arrival === undefined) {
        fail(`${what} at the application end`, `nothing within ${withinMs} ms`, requirement);
      }
      if (arrival.type === 'finding') throw new ConformanceFailure(arrival.finding);
      if (arrival.type === 'lost') {
        this.#arrivals.unshift(arrival);
        fail(`${what} at the application end`, arrival.text, requirement);
      }
      if (arrival.frame.name === 'CREDIT' && wanted !== 'CREDIT') continue;
      return arrival.frame;
    }
  }

  /** The next message, put together from its fragments. */
  async receive(requirement = 'RLY-016'): Promise<Uint8Array> {
    const fragments: Uint8Array[] = [];
    for (;;) {
      const frame = await this.expect('MESSAGE', { requirement });
      fragments.push(frame.bytes('fragment'));
      if (frame.has('LAST')) return concat(...fragments);
    }
  }

  /** What has come on the channel and was not asked for yet, after everything that the relay sent before was read; CREDIT is left out. */
  async pending(requirement?: string): Promise<readonly ReceivedFrame[]> {
    await this.#trunk.barrier(requirement);
    return this.#arrivals.splice(0).flatMap((arrival) => {
      if (arrival.type === 'finding') throw new ConformanceFailure(arrival.finding);
      return arrival.type === 'frame' && arrival.frame.name !== 'CREDIT' ? [arrival.frame] : [];
    });
  }

  /** Demands that nothing but CREDIT has come on the channel. */
  async expectNothing(requirement: string): Promise<void> {
    const [frame] = await this.pending(requirement);
    if (frame !== undefined) fail('nothing at the application end', frame.text, requirement);
  }

  /** Takes a frame that has come on the channel. */
  take(frame: ReceivedFrame): void {
    this.log.add('received', () => frame.text, frame.octets);
    if (frame.name === 'MESSAGE') {
      if (frame.has('FIRST')) this.messages += 1;
      this.octets += frame.bytes('fragment').length;
    }
    if (frame.name === 'CREDIT') {
      this.messageLimit = Number(frame.integer('message_limit'));
      this.byteLimit = Number(frame.integer('byte_limit'));
    }
    if (frame.name === 'RESET') {
      this.#resetReceived = true;
      // Exactly one answer is due, whatever the case is about.
      if (!this.#resetSent) this.reset('CHANNEL_CLOSED');
    }
    if (this.#released) return;
    this.#arrivals.push({ type: 'frame', frame });
    this.#signal.notify();
  }

  /** Takes note of what is wrong with a frame that has come. */
  accuse(finding: Finding): void {
    this.log.add('note', `not allowed here: ${finding.actual}`);
    this.#arrivals.push({ type: 'finding', finding });
    this.#signal.notify();
  }

  /** The trunk session is gone. */
  lose(text: string): void {
    this.log.add('note', text);
    this.#arrivals.push({ type: 'lost', text });
    this.#signal.notify();
  }

  /** What is wrong and no step has come upon. */
  get leftover(): Finding | undefined {
    return this.#arrivals.find((arrival) => arrival.type === 'finding')?.finding;
  }

  /** The case is over: the channel is abandoned, so that the relay need not keep it. */
  release(): void {
    this.#released = true;
    if (!this.#resetSent && !this.#resetReceived && this.#trunk.mayReset(this.channel)) this.reset('CANCELLED');
  }
}

/** The number of an error, by its name or as it is. */
export function codeOf(code: string | number): number {
  return typeof code === 'number' ? code : errorNamed(code).code;
}

/** What a session has to come to, whatever becomes of its connections: kept naively, and judged frame by frame. */
import type { ParameterInput } from '../../../model/codec.ts';
import { concat, equal, readInteger } from '../../../model/codec.ts';
import type { ClientPeer } from '../../../peer/client-peer.ts';
import { fail } from '../../../peer/failure.ts';
import type { ReceivedFrame } from '../../../peer/received-frame.ts';
import type { ServerContext } from '../../server-context.ts';
import { flagsAt, fragmentsOf, sourceMessage, sourceRequest } from '../message-flow.ts';
import { kept, stated } from './sessions.ts';

/** Where a connection is cut: behind so many octets, or frames of any kind, that travel in one direction from now on. */
export interface Cut {
  readonly direction: 'to-server' | 'to-client';
  readonly octets?: number;
  readonly frames?: number;
}

/** Applications of annex A whose channels a ledger understands. */
export type LedgerApplication = 'test/echo' | 'test/sink' | 'test/outcome' | 'test/source' | 'test/drain';

/** How a channel is opened. */
export interface LedgerOpen {
  readonly outcomes?: boolean;
  /** For test/source: how many messages of which size. */
  readonly source?: { readonly count: number; readonly size: number };
}

/** Everything that is known of one channel. */
export class ChannelLedger {
  readonly number: number;
  readonly application: LedgerApplication;
  readonly outcomes: boolean;
  /** Verdicts that have to come: one for each message sent. */
  readonly verdicts: number[] = [];
  /** Messages that have to come, in order. */
  readonly due: Uint8Array[] = [];
  /** Octets sent in messages. */
  octets = 0;
  /** Messages that have come, messages of the harness with a verdict, and messages of the server with one. */
  received = 0;
  judged = 0;
  judgedHere = 0;
  opened = false;
  ended = false;
  endCame = false;
  reset = false;
  resetCame = false;
  /** How often the harness has granted more. */
  grants = 0;
  /** Whether the server has granted more than the beginning, and how much it has granted. */
  raised = false;
  messageLimit: number;
  byteLimit: number;
  partial: Uint8Array[] = [];

  constructor(peer: ClientPeer, number: number, application: LedgerApplication, options: LedgerOpen) {
    this.number = number;
    this.messageLimit = peer.serverParameter('initial_message_credit');
    this.byteLimit = peer.serverParameter('initial_byte_credit');
    this.application = application;
    this.outcomes = options.outcomes === true;
    const { count, size } = options.source ?? { count: 0, size: 0 };
    for (let n = 0; n < count; n += 1) this.due.push(sourceMessage(n, size));
  }

  /** Whether nothing more has to come before the harness does something. */
  get idle(): boolean {
    if (this.reset) return this.resetCame;
    const endDue = this.ended || this.application === 'test/source';
    const judged = !this.outcomes || this.judged === this.verdicts.length;
    return this.opened && this.received === this.due.length && judged && this.endCame === endDue;
  }

  /** Whether the harness may still send on it. */
  get usable(): boolean {
    return this.opened && !this.ended && !this.reset;
  }

  /** Whether so many more messages of this size are within credit (CHN-024). */
  hasRoom(messages: number, size: number): boolean {
    return this.verdicts.length + messages <= this.messageLimit && this.octets + messages * size <= this.byteLimit;
  }

  /** Takes a frame of the channel. */
  take(frame: ReceivedFrame): void {
    if (this.reset && frame.name !== 'RESET') return;
    switch (frame.name) {
      case 'OPENED':
        if (this.opened) fail('one OPENED', frame.text);
        this.opened = true;
        break;
      case 'MESSAGE':
        this.#takeFragment(frame);
        break;
      case 'OUTCOME':
        this.#takeOutcome(frame);
        break;
      case 'CREDIT':
        this.raised = true;
        this.messageLimit = Number(frame.integer('message_limit'));
        this.byteLimit = Number(frame.integer('byte_limit'));
        break;
      case 'END':
        if (this.received !== this.due.length) {
          fail(`END behind ${this.due.length} messages on channel ${this.number}`, `END behind ${this.received}`);
        }
        if (this.endCame || !(this.ended || this.application === 'test/source')) fail('no END', frame.text);
        this.endCame = true;
        break;
      case 'RESET':
        if (!this.reset || this.resetCame) fail('no RESET', frame.text);
        frame.requireCode('CHANNEL_CLOSED', 'CHN-029');
        this.resetCame = true;
        break;
      default:
        fail(`nothing of this kind on channel ${this.number}`, frame.text);
    }
  }

  #takeFragment(frame: ReceivedFrame): void {
    this.partial.push(frame.bytes('fragment'));
    if (!frame.has('LAST')) return;
    const message = concat(...this.partial);
    const place = `message ${this.received + 1} on channel ${this.number}`;
    this.partial = [];
    const right = this.due[this.received];
    if (right === undefined) fail(`no ${place}: a loss or a duplicate`, frame.text);
    if (!equal(message, right)) {
      const at = this.due.findIndex((other) => equal(other, message));
      const what = at === -1 ? `another one, of ${message.length} octets` : `message ${at + 1}`;
      fail(`${place}, of ${right.length} octets`, what);
    }
    this.received += 1;
  }

  #takeOutcome(frame: ReceivedFrame): void {
    const last = Number(frame.integer('last_message'));
    const verdict = Number(frame.integer('verdict'));
    if (last <= this.judged || last > this.verdicts.length) {
      fail(`a verdict on messages ${this.judged + 1} to ${this.verdicts.length}`, frame.text, 'CNT-039');
    }
    for (let n = this.judged; n < last; n += 1) {
      if (this.verdicts[n] !== verdict) {
        fail(`verdict ${this.verdicts[n] ?? 0} on message ${n + 1} of channel ${this.number}`, frame.text, 'CNT-039');
      }
    }
    this.judged = last;
  }
}

/** A resumable session over as many connections as it takes. It is attached again whenever the harness has cut one. */
export class Ledger {
  readonly channels: ChannelLedger[] = [];
  /** The connection on which the session was established. */
  readonly first: ClientPeer;
  readonly #context: ServerContext;
  #peer: ClientPeer;
  /** The last sequenced frame that was taken. */
  #taken = 0n;
  #pong: Uint8Array | undefined;
  #draining = false;
  #creditDue = new Set<ChannelLedger>();

  private constructor(context: ServerContext, peer: ClientPeer) {
    this.#context = context;
    this.first = peer;
    this.#peer = peer;
  }

  /** A fresh resumable session. Nothing is acknowledged by itself. */
  static async begin(context: ServerContext): Promise<Ledger> {
    return new Ledger(context, await kept(context, { acknowledge: false }));
  }

  /** The connection of the moment. */
  get peer(): ClientPeer {
    return this.#peer;
  }

  /** Whether the connection of the moment was asked to be left. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Channels on which something can still happen. */
  get open(): readonly ChannelLedger[] {
    return this.channels.filter((channel) => !(channel.resetCame || (channel.ended && channel.endCame)));
  }

  /** Has the connection of the moment cut. */
  cut(point: Cut): void {
    arm(this.#peer, point);
  }

  /** Sends OPEN. */
  sendOpen(application: LedgerApplication, options: LedgerOpen = {}): ChannelLedger {
    const { source, outcomes = false } = options;
    const data = source === undefined ? undefined : sourceRequest(source.count, source.size);
    const more: readonly ParameterInput[] = outcomes ? [{ id: 'outcomes', value: 1 }] : [];
    const number = this.#peer.sendOpen(application, data, more);
    const channel = new ChannelLedger(this.#peer, number, application, options);
    this.channels.push(channel);
    return channel;
  }

  /** Sends a message, in fragments of at most `size` octets. */
  send(channel: ChannelLedger, message: Uint8Array, size?: number): void {
    const pieces = fragmentsOf(message, size);
    for (const [at, fragment] of pieces.entries()) {
      const flags = flagsAt(at, pieces.length);
      this.#peer.send('MESSAGE', { channel: channel.number, flags, fields: { fragment } });
    }
    const judged = channel.application === 'test/outcome' && message.length >= 2;
    channel.verdicts.push(judged ? Number(readInteger(message.subarray(0, 2))) : 0);
    channel.octets += message.length;
    if (channel.application === 'test/echo') channel.due.push(message);
  }

  /** Grants more on a channel. */
  sendCredit(channel: ChannelLedger): void {
    channel.grants += 1;
    this.#grant(channel);
  }

  /** Judges what has come and has no verdict yet. */
  judge(channel: ChannelLedger): void {
    if (!channel.outcomes || channel.reset || channel.judgedHere === channel.received) return;
    channel.judgedHere = channel.received;
    this.#peer.send('OUTCOME', { channel: channel.number, fields: { last_message: channel.received, verdict: 0 } });
  }

  /** Acknowledges everything that was taken, where anything is new. */
  acknowledge(): void {
    if (this.#taken > this.#peer.told) this.#peer.sendAck(this.#taken);
  }

  /** Ends the own direction of a channel. */
  end(channel: ChannelLedger): void {
    channel.ended = true;
    if (channel.application === 'test/sink') {
      channel.due.push(Buffer.from(`${channel.verdicts.length} ${channel.octets}`));
    }
    this.#peer.send('END', { channel: channel.number });
  }

  /** Resets a channel. */
  reset(channel: ChannelLedger): void {
    channel.reset = true;
    this.#peer.send('RESET', { channel: channel.number, fields: { code: 0x0403 } });
  }

  /** Takes frames until something holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    while (!holds()) await this.#step(what);
  }

  /** Waits until everything has come that is due, gives the verdicts, and acknowledges all of it. */
  async settle(): Promise<void> {
    await this.until('what is due on every channel', () => this.channels.every(({ idle }) => idle));
    for (const channel of this.channels) this.judge(channel);
    this.acknowledge();
  }

  /** PING and its PONG on one connection; CREDIT that a resumption requires has come before. */
  async barrier(): Promise<void> {
    let peer: ClientPeer;
    do {
      peer = this.#peer;
      const data = this.#context.bytes(8);
      peer.send('PING', { fields: { data } });
      await this.until('PONG', () => this.#peer !== peer || equal(this.#pong ?? new Uint8Array(0), data));
    } while (this.#peer !== peer);
    const [owing] = this.#creditDue;
    if (owing !== undefined) fail(`CREDIT on channel ${owing.number} after the resumption`, 'none', 'CNT-033');
  }

  /** Ends the connection in order, keeps the session and attaches it again. */
  async detach(): Promise<void> {
    const peer = this.#peer;
    peer.sendClose('NO_ERROR', { flags: [] });
    const what = 'CLOSE(NO_ERROR) without END_SESSION';
    for (;;) {
      const frame = await this.#next(what);
      if (frame === undefined) break;
      if (frame.name === 'CLOSE') {
        frame.requireCode('NO_ERROR', 'CNT-015');
        if (!peer.severed) await peer.expectEnd('SES-012');
        break;
      }
      this.#take(frame);
    }
    await this.resume();
  }

  /**
   * Attaches the session to a fresh connection. Where the former one still stands it has to be ended with SUPERSEDED. With `cut`,
   * the fresh connection is cut there, and where that comes before ACCEPT, the next attempt is made.
   */
  async resume(cut?: Cut): Promise<void> {
    const former = this.#peer;
    let stands = !former.severed && !former.socket.destroyed && !former.socket.writableEnded;
    let cursor: bigint | undefined;
    for (let point = cut; ; point = undefined) {
      const peer = await this.#context.connect();
      peer.answerAcks = false;
      if (point !== undefined) arm(peer, point);
      const challenge = await nextBeforeCut(peer, 'CHALLENGE', 'EST-006');
      if (challenge === undefined) continue;
      peer.challenge = challenge;
      // The cursor of the first attempt stands: what comes on the former connection behind it is not processed (CNT-019).
      cursor ??= former.receivedSeq;
      peer.sendResume(former, { receiveCursor: cursor });
      await this.#takeThrough(former, cursor);
      const accept = await nextBeforeCut(peer, 'ACCEPT', 'CNT-024');
      if (accept === undefined) {
        // It may have moved the session.
        former.destroy();
        stands = false;
        continue;
      }
      this.#goOn(peer, accept);
      if (stands) await expectSuperseded(former);
      return;
    }
  }

  /** Ends every channel, waits for everything that is due, closes the session, and compares the last cursors of both ends. */
  async finish(): Promise<void> {
    await this.settle();
    for (const channel of this.channels) if (channel.usable) this.end(channel);
    await this.settle();
    await this.barrier();
    await this.close();
  }

  /** Closes the session, and attaches it once more where the answer was lost: then its end is told. */
  async close(): Promise<void> {
    for (;;) {
      const peer = this.#peer;
      peer.sendClose();
      const close = await this.#untilClose();
      if (close !== undefined) {
        close.requireCode('NO_ERROR', 'SES-012');
        this.#requireFinal(close.integer('receive_cursor'), close.integer('send_cursor'), close.text);
        if (!peer.severed) await peer.expectEnd('SES-012');
        return;
      }
      if (await this.#learnsEnd(peer)) return;
    }
  }

  async #untilClose(): Promise<ReceivedFrame | undefined> {
    for (;;) {
      const frame = await this.#next('CLOSE(NO_ERROR)');
      if (frame === undefined || frame.name === 'CLOSE') return frame;
      this.#take(frame);
    }
  }

  /** Whether the session has ended; where it has not, it goes on. */
  async #learnsEnd(former: ClientPeer): Promise<boolean> {
    const peer = await this.#context.challenged();
    peer.answerAcks = false;
    peer.sendResume(former);
    const answer = await peer.next('ACCEPT, or REJECT(SESSION_ENDED)');
    if (answer.name === 'ACCEPT') {
      this.#goOn(peer, answer);
      return false;
    }
    if (answer.name !== 'REJECT') fail('ACCEPT, or REJECT(SESSION_ENDED)', answer.text, 'CNT-036');
    if (former.cutShort) fail('ACCEPT: the CLOSE never arrived', answer.text, 'CNT-013');
    answer.requireCode('SESSION_ENDED', 'CNT-036');
    const receive = BigInt(stated(answer, 'final_receive_cursor'));
    this.#requireFinal(receive, BigInt(stated(answer, 'final_send_cursor')), answer.text);
    await peer.expectEnd('EST-023');
    return true;
  }

  #requireFinal(receive: bigint, send: bigint, text: string): void {
    const sent = this.#peer.nextSeq - 1n;
    if (receive !== sent || send !== this.#taken) {
      fail(`the last cursors ${sent} (received) and ${this.#taken} (sent)`, text, 'SES-012');
    }
  }

  #goOn(peer: ClientPeer, accept: ReceivedFrame): void {
    peer.goOn(accept);
    this.#peer = peer;
    this.#draining = false;
    this.#creditDue = new Set(this.open.filter((channel) => channel.raised && channel.usable));
    for (const channel of this.open) {
      if (channel.grants > 0 && !channel.endCame && !channel.reset) this.#grant(channel);
    }
  }

  #grant({ number, grants }: ChannelLedger): void {
    const fields = { message_limit: 64 + grants, byte_limit: 1_048_576 + grants };
    this.#peer.send('CREDIT', { channel: number, fields });
  }

  async #step(what: string): Promise<void> {
    const frame = await this.#next(what);
    if (frame === undefined) await this.resume();
    else this.#take(frame);
  }

  #next(what: string): Promise<ReceivedFrame | undefined> {
    return arrivalBeforeCut(this.#peer, what);
  }

  async #takeThrough(former: ClientPeer, cursor: bigint): Promise<void> {
    while (this.#taken < cursor) {
      const frame = await arrivalBeforeCut(former, `frame ${this.#taken + 1n}`);
      if (frame === undefined) throw new TypeError('a frame that was counted is not there');
      this.#take(frame);
    }
  }

  #take(frame: ReceivedFrame): void {
    if (frame.seq !== 0n) {
      if (frame.seq !== this.#taken + 1n) fail(`frame ${this.#taken + 1n}`, `frame ${frame.seq}: ${frame.text}`);
      this.#taken = frame.seq;
    }
    if (frame.name === 'PONG') {
      this.#pong = frame.bytes('data');
    } else if (frame.name === 'DRAIN') {
      this.#draining = true;
    } else {
      const channel = this.channels.find(({ number }) => number === frame.channel);
      if (channel === undefined) fail('frames of the session', frame.text);
      channel.take(frame);
      if (frame.name === 'CREDIT') this.#creditDue.delete(channel);
    }
  }
}

function arm(peer: ClientPeer, { direction, octets = Infinity, frames = Infinity }: Cut): void {
  if (direction === 'to-server') peer.cutAfterSending({ octets, frames });
  else peer.cutAfter({ octets, anyFrames: frames });
}

/** The next frame; undefined where the harness has cut the connection. Its end in any other way is a failure. */
async function arrivalBeforeCut(peer: ClientPeer, what: string): Promise<ReceivedFrame | undefined> {
  const arrival = await peer.nextOrEnd(what);
  if (typeof arrival !== 'string') return arrival;
  if (!peer.severed) fail(what, arrival === 'end' ? 'the end of the stream' : 'a connection that is reset');
  return undefined;
}

async function nextBeforeCut(peer: ClientPeer, name: string, requirement: string): Promise<ReceivedFrame | undefined> {
  const frame = await arrivalBeforeCut(peer, name);
  if (frame !== undefined && frame.name !== name) fail(name, frame.text, requirement);
  return frame;
}

async function expectSuperseded(former: ClientPeer): Promise<void> {
  const what = 'CLOSE(SUPERSEDED) without END_SESSION';
  for (;;) {
    const frame = await former.nextOrEnd(what);
    if (typeof frame === 'string') {
      if (former.severed) return;
      fail(what, frame === 'end' ? 'the end of the stream' : 'a connection that is reset', 'CNT-029');
    }
    if (frame.name !== 'CLOSE') continue;
    frame.requireCode('SUPERSEDED', 'CNT-029');
    if (frame.has('END_SESSION')) fail(what, frame.text, 'CNT-029');
    former.destroy();
    return;
  }
}

import type { TLSSocket } from 'node:tls';
import type { FrameInput } from '../model/codec.ts';
import { buildFrame, buildRawFrame, concat, decodeHeader, equal, FrameReader } from '../model/codec.ts';
import type { ModelOptions, SessionState } from '../model/machine.ts';
import type { Role } from '../model/registry.ts';
import { frameNamed, registry } from '../model/registry.ts';
import { describeOctets } from './describe-frame.ts';
import type { Finding } from './failure.ts';
import { ConformanceFailure, fail } from './failure.ts';
import { dutyOfSender, Monitor } from './monitor.ts';
import { ReceivedFrame } from './received-frame.ts';
import { HeldSession } from './held-session.ts';
import { ProofBook } from './proof.ts';
import type { WireLog } from './wire-log.ts';

/** What every peer needs from the run. */
export interface PeerOptions {
  readonly log: WireLog;
  /** How long one step may take. */
  readonly stepMs: number;
  /** Random octets of the case. */
  readonly random: (length: number) => Uint8Array;
  /** Takes note of a right action with a wrong code. */
  readonly onLenient: (finding: Finding) => void;
  /** Sessions of the harness's own servers that a client may attach again. */
  readonly recall?: ModelOptions['recall'];
}

/** Which frame is waited for: by name, and where it matters, on one channel. */
export interface Expectation {
  /** Frames of other channels stay in the queue. */
  readonly channel?: number;
  /** The requirement that is broken when something else arrives. */
  readonly requirement?: string;
  /** Replaces the step's time limit. */
  readonly withinMs?: number;
}

/** Options of {@link Peer.expectViolation}. */
export interface ViolationOptions extends Expectation {
  /**
   * Whether a PING is sent behind, whose PONG proves at once that the error went unnoticed. By default where the session is
   * established and nothing forbids it.
   */
  readonly probe?: boolean;
}

/** An expectation whose time is running. */
interface Until extends Expectation {
  readonly withinMs: number;
  /** By `performance.now()`. */
  readonly deadline: number;
}

/** How long the end of a case waits for the answer to its CLOSE. */
const FAREWELL_MS = 100;

/** The connection is cut as soon as the last octets have left. */
const SPENT = { octets: 0, frames: 0 };

/** Looks at the socket after the time is over. */
const LATE_POLLS = 3;

/** One thing that has come on a connection. */
export type Arrival =
  | { readonly type: 'frame'; readonly frame: ReceivedFrame }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'end' }
  | { readonly type: 'reset'; readonly text: string };

/** One end of a TLS connection, scripted: it sends what it is told, right or wrong, and waits for what it is told. */
export class Peer {
  /** The role that the harness plays. */
  readonly role: Role;
  readonly socket: TLSSocket;
  readonly log: WireLog;
  /** Whether PINGs are answered by themselves; a case about liveness switches it off. */
  answerPings = true;
  /** Whether ignorable frames are handed to `expect`; otherwise they are only logged. */
  keepIgnorable = false;
  /** Sequence number of the next sequenced frame. */
  nextSeq = 1n;
  /** Sequence number of the last sequenced frame received. */
  receivedSeq = 0n;
  /** Whether ACCEPT has passed. */
  established = false;
  /** What outlives this connection, where the session is resumable. */
  session: HeldSession | undefined;
  /** Whether what is received in a resumable session is acknowledged by itself. */
  answerAcks = true;
  /** Takes what arrives in place of the queue, where it answers that it has. */
  diversion: ((arrival: Arrival) => boolean) | undefined;
  /** What the peer has acknowledged in the session, by ACK or in another frame. */
  acknowledged = 0n;
  /** What the harness has acknowledged itself. */
  told = 0n;
  /** What has passed of the opening of each channel of the session. */
  proofs: ProofBook = new ProofBook();
  readonly #options: PeerOptions;
  readonly #reader = new FrameReader();
  readonly #monitor: Monitor;
  readonly #arrivals: Arrival[] = [];
  /** Data of the PINGs that wait for their PONG. */
  readonly #pings: Uint8Array[] = [];
  /** A frame is being sent in pieces: a PONG would stand inside of it. */
  #inPieces = false;
  /** The beginning of a frame that a case has sent as octets, and not completed. */
  #unfinished: Uint8Array = new Uint8Array(0);
  /** Data of the PINGs that are still to be answered. */
  readonly #heldPings: Uint8Array[] = [];
  /** PONGs that answered the oldest PING. */
  readonly #inOrder = new WeakSet<ReceivedFrame>();
  #closeSent = false;
  #closed = false;
  #cutPoint = { octets: Infinity, frames: Infinity, anyFrames: Infinity };
  #sendCutPoint = { octets: Infinity, frames: Infinity };
  #severed = false;
  #cutShort = false;
  #wake: (() => void) | undefined;
  #watcher: (() => void) | undefined;

  constructor(role: Role, socket: TLSSocket, options: PeerOptions) {
    this.role = role;
    this.socket = socket;
    this.log = options.log;
    this.#options = options;
    this.#monitor = new Monitor(role, options.recall);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#arrive({ type: 'end' }, 'end of stream'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const text = `connection reset (${error.code ?? error.message})`;
      this.#arrive({ type: 'reset', text }, text);
    });
  }

  /** Random octets of the case. */
  random(length: number): Uint8Array {
    return this.#options.random(length);
  }

  /** Builds a frame with the sequence number that is due, unless one is given. The number counts as used. */
  build(name: string, input: FrameInput = {}): Uint8Array {
    if (input.seq !== undefined || !frameNamed(name).sequenced) return buildFrame(name, input);
    const octets = buildFrame(name, { ...input, seq: this.nextSeq });
    this.nextSeq += 1n;
    return octets;
  }

  /** Sends one frame, right or wrong, and returns its octets. */
  send(name: string, input: FrameInput = {}): Uint8Array {
    const octets = this.build(name, input);
    this.sendFrame(octets);
    return octets;
  }

  /** Sends a frame of any type. */
  sendRaw(parts: Parameters<typeof buildRawFrame>[0]): Uint8Array {
    const octets = buildRawFrame(parts);
    this.sendFrame(octets);
    return octets;
  }

  /** Sends octets that are one frame. */
  sendFrame(octets: Uint8Array): void {
    this.#note(octets);
    this.#write([octets]);
  }

  /** A frame that is sent in the session but gets lost with the connection: it is kept, and sent again after a resumption. */
  lose(octets: Uint8Array): void {
    this.#note(octets, 'lost');
  }

  /** Sends the first octets of a frame and cuts the connection: the rest is lost, and the frame is kept. */
  sendPartAndCut(octets: Uint8Array, size: number): void {
    this.#note(octets, 'lost');
    this.socket.write(octets.subarray(0, size), () => this.socket.destroy());
  }

  /** Sends the first octets of a frame; the function that it returns sends the rest. */
  sendBeginning(octets: Uint8Array, size: number): () => void {
    this.#note(octets);
    this.log.add('note', `${size} octets of it`);
    this.socket.write(octets.subarray(0, size));
    return () => {
      this.log.add('note', 'the rest of it');
      this.socket.write(octets.subarray(size));
    };
  }

  /**
   * Cuts the connection as soon as so many further octets have been read, or so many sequenced frames, or so many of any kind:
   * what comes behind them is lost on its way. With zero, whatever comes next is lost.
   */
  cutAfter(point: { readonly octets?: number; readonly frames?: number; readonly anyFrames?: number }): void {
    const { octets = Infinity, frames = Infinity, anyFrames = Infinity } = point;
    this.#cutPoint = { octets, frames, anyFrames };
  }

  /**
   * Cuts the connection as soon as so many further octets have been sent, or so many frames: what the harness sends after that is
   * lost on its way, and kept for the next connection. With zero, the connection is cut at once.
   */
  cutAfterSending(point: { readonly octets?: number; readonly frames?: number }): void {
    // What follows a hole must not leave.
    if (this.#sendCutPoint === SPENT) return;
    this.#sendCutPoint = { octets: point.octets ?? Infinity, frames: point.frames ?? Infinity };
    this.#write([]);
  }

  /** Whether a frame that was sent did not leave whole, because of a cut. */
  get cutShort(): boolean {
    return this.#cutShort;
  }

  /** Whether the connection was cut at the point that was asked for. */
  get severed(): boolean {
    return this.#severed;
  }

  /** Acknowledges everything received so far, or what is given. */
  sendAck(cursor: bigint = this.receivedSeq): Uint8Array {
    this.told = cursor;
    return this.send('ACK', { fields: { receive_cursor: cursor } });
  }

  /** Waits until the peer has acknowledged everything that was sent so far, or what is given. Nothing is taken from the queue. */
  async expectAck(through: bigint = this.nextSeq - 1n, expectation: Expectation = {}): Promise<void> {
    const { requirement = 'CNT-005', withinMs = this.#options.stepMs } = expectation;
    const deadline = performance.now() + withinMs;
    while (this.acknowledged < through) {
      const leftMs = deadline - performance.now();
      const over = this.#arrivals.some(({ type }) => type === 'end' || type === 'reset');
      if (leftMs <= 0 || over) {
        fail(
          `an acknowledgement through ${through} within ${withinMs} ms`,
          `through ${this.acknowledged}`,
          requirement,
        );
      }
      await this.arrival(leftMs);
    }
  }

  /** Demands a CLOSE of the peer that leaves the session detached, answers it, and ends the connection in order. */
  async expectDetached(code: string, requirement: string): Promise<ReceivedFrame> {
    const what = `CLOSE(${code}) without END_SESSION`;
    const close = await this.expectWhere(what, ({ name }) => name === 'CLOSE', { requirement });
    close.requireCode(code, requirement);
    if (close.has('END_SESSION')) fail(what, close.text, requirement);
    this.sendClose('NO_ERROR', { flags: [] });
    await this.expectEnd('SES-014');
    return close;
  }

  /** Demands CLOSE with this code, whatever comes before it, and ends the session with the peer. */
  async expectClosedWith(code: string, requirement: string, withinMs: number = this.#options.stepMs): Promise<void> {
    const expectation = { requirement, withinMs };
    const close = await this.expectWhere(`CLOSE(${code})`, ({ name }) => name === 'CLOSE', expectation);
    close.requireCode(code, requirement);
    this.sendClose();
    await this.expectEnd('SES-014');
  }

  /** Ends the connection and keeps the session; the peer has to answer in kind. */
  async detach(requirement = 'CNT-015'): Promise<ReceivedFrame> {
    this.sendClose('NO_ERROR', { flags: [] });
    const what = 'CLOSE(NO_ERROR) without END_SESSION';
    const close = await this.expectWhere(what, ({ name }) => name === 'CLOSE', { requirement });
    close.requireCode('NO_ERROR', requirement);
    if (close.has('END_SESSION')) fail(what, close.text, requirement);
    await this.expectEnd('SES-012');
    return close;
  }

  /** Sends several frames in one write. */
  sendTogether(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#note(frame);
    this.#write(frames);
  }

  /** Sends octets that need not be frames. */
  sendOctets(octets: Uint8Array, text: string = describeOctets(octets)): void {
    this.#monitor.stop();
    this.log.add('sent', text, octets);
    this.#unfinished = remainderOf(concat(this.#unfinished, octets));
    this.socket.write(octets);
    this.#answerHeldPings();
  }

  /** Sends octets cut into pieces, each in a TLS record of its own; the rest, if any, is the last piece. */
  async sendChunks(octets: Uint8Array, sizes: readonly number[]): Promise<void> {
    this.#note(octets);
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const size of sizes) {
      if (at < octets.length) pieces.push(octets.subarray(at, at + size));
      at += size;
    }
    if (at < octets.length) pieces.push(octets.subarray(at));
    this.log.add('note', `in ${pieces.length} pieces`);
    this.#inPieces = true;
    for (const piece of pieces) {
      await new Promise<void>((resolve) => this.socket.write(piece, () => resolve()));
    }
    this.#inPieces = false;
    this.#answerHeldPings();
  }

  /** Answers the PINGs that came while a frame of the harness was not complete. */
  #answerHeldPings(): void {
    if (this.#inPieces || this.#unfinished.length > 0 || this.#closeSent) return;
    for (const data of this.#heldPings.splice(0)) this.send('PONG', { fields: { data } });
  }

  /** The next frame, which has to be of this name. PING, CREDIT, ACK and ignorable frames are passed over unless asked for. */
  async expect(name: string, expectation: Expectation = {}): Promise<ReceivedFrame> {
    const frame = await this.next(name, name, expectation);
    if (frame.name !== name) fail(name, frame.text, expectation.requirement);
    return frame;
  }

  /** The next frame for which the predicate holds; everything before it is passed over. */
  async expectWhere(
    what: string,
    predicate: (frame: ReceivedFrame) => boolean,
    expectation: Expectation = {},
  ): Promise<ReceivedFrame> {
    const until = this.#until(expectation);
    for (;;) {
      const frame = await this.next(what, '*', until);
      if (predicate(frame)) return frame;
      if (frame.name === 'CLOSE' || frame.name === 'REJECT') fail(what, frame.text, expectation.requirement);
    }
  }

  /**
   * Demands the answer to an error: CLOSE with the code, or REJECT where a server has not accepted yet, then the end of the
   * stream. Another code is noted as lenient. What was under way before is passed over.
   */
  async expectViolation(code: string, options: ViolationOptions = {}): Promise<ReceivedFrame> {
    const { requirement } = options;
    const until = this.#until(options);
    const kind = this.role === 'client' && !this.established ? 'REJECT' : 'CLOSE';
    const what = `${kind}(${code})`;
    const probe = options.probe ?? (this.established && !this.#closeSent);
    const data = this.random(8);
    if (probe) this.send('PING', { fields: { data } });
    for (;;) {
      const frame = await this.next(what, kind, until);
      if (frame.name === 'PONG' && equal(frame.bytes('data'), data)) {
        fail(what, 'PONG to a PING sent behind the error: it went unnoticed', requirement);
      }
      if (frame.name === 'CLOSE' || frame.name === 'REJECT') {
        if (frame.name !== kind) fail(what, frame.text, requirement);
        if (frame.code !== code) {
          this.#options.onLenient({
            ...(requirement === undefined ? {} : { requirement }),
            expected: what,
            actual: `${kind}(${frame.code})`,
          });
        }
        await this.expectEnd(kind === 'CLOSE' ? 'SES-014' : 'EST-023');
        return frame;
      }
      // Only in a session can anything else be under way.
      if (!this.established && frame.name !== 'CHALLENGE') fail(what, frame.text, requirement);
      if (frame.name === 'ACCEPT') fail(what, frame.text, requirement);
    }
  }

  /** Ends the own direction and demands that the peer ends its own in order, without a frame more. */
  async expectEnd(requirement = 'SES-012'): Promise<void> {
    this.socket.end();
    const arrival = await this.#nextArrival('an orderly end of the stream', this.#until({ requirement }));
    if (arrival.type === 'frame') fail('an orderly end of the stream', arrival.frame.text, requirement);
    if (arrival.type === 'reset') fail('an orderly end of the stream', arrival.text, requirement);
  }

  /** Demands that the connection ends, in order or not, without any frame before. */
  async expectNoFrame(requirement?: string, withinMs: number = this.#options.stepMs): Promise<void> {
    const what = 'the end of the connection, and no frame';
    const arrival = await this.#nextArrival(
      what,
      this.#until(requirement === undefined ? { withinMs } : { withinMs, requirement }),
    );
    if (arrival.type === 'frame') fail(what, arrival.frame.text, requirement);
  }

  /**
   * PING and its PONG: everything before was processed and none of it was an error. Frames that were under way are passed over,
   * and returned.
   */
  async barrier(requirement?: string): Promise<ReceivedFrame[]> {
    const data = this.random(8);
    this.send('PING', { fields: { data } });
    const passed: ReceivedFrame[] = [];
    const until = this.#until(requirement === undefined ? {} : { requirement });
    for (;;) {
      const frame = await this.next('PONG', '*', until);
      if (frame.name === 'PONG' && equal(frame.bytes('data'), data)) return passed;
      const wrong = ['CLOSE', 'REJECT'].includes(frame.name) || (frame.name === 'PONG' && !this.#inOrder.has(frame));
      if (wrong) fail('PONG with the data of the PING', frame.text, requirement);
      passed.push(frame);
    }
  }

  /** Closes the session in order and demands the peer's CLOSE(NO_ERROR) and its end of stream. */
  async close(): Promise<ReceivedFrame> {
    this.sendClose();
    const answer = await this.expectWhere('CLOSE(NO_ERROR)', (frame) => frame.name === 'CLOSE', {
      requirement: 'SES-012',
    });
    answer.requireCode('NO_ERROR', 'SES-012');
    await this.expectEnd('SES-012');
    return answer;
  }

  /** Sends CLOSE with the cursors that are right, unless others are given. */
  sendClose(code = 'NO_ERROR', input: FrameInput = {}): Uint8Array {
    const number = registry.errors.find((row) => row.name === code)?.code ?? 0;
    return this.send('CLOSE', {
      flags: ['END_SESSION'],
      ...input,
      fields: { code: number, receive_cursor: this.receivedSeq, send_cursor: this.nextSeq - 1n, ...input.fields },
    });
  }

  /** Whether a receiver that has read everything up to now would take this frame on the channel. */
  maySend(name: string, channel: number): boolean {
    return this.#monitor.allows(name, channel);
  }

  /** Messages and octets that the harness has granted on a channel. */
  creditGranted(channel: number): { readonly messages: bigint; readonly bytes: bigint } | undefined {
    return this.#monitor.granted(channel);
  }

  /** What the monitor found and no step has come upon. */
  get leftover(): Finding | undefined {
    return this.#arrivals.find((arrival) => arrival.type === 'finding')?.finding;
  }

  /** Ends a session that is still attached, and waits a little for the answer. Nothing is judged. */
  async farewell(): Promise<void> {
    const { socket } = this;
    if (!this.established || this.#closeSent || this.#closed || socket.destroyed || socket.readableEnded) return;
    this.sendClose();
    socket.end();
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const late = new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
    await Promise.race([gone, late]);
  }

  /** Cuts the connection without a word. */
  destroy(): void {
    this.socket.destroy();
  }

  /**
   * The next frame of any name, except those that only keep a session alive; `wanted` exempts one name from that, `*` exempts
   * CREDIT and ACK. The end of the connection is a failure.
   */
  async next(what: string, wanted = '*', expectation: Expectation | Until = {}): Promise<ReceivedFrame> {
    const until = this.#until(expectation);
    const { requirement } = until;
    for (;;) {
      const arrival = await this.#nextArrival(what, until);
      if (arrival.type === 'end') fail(what, 'the end of the stream', requirement);
      if (arrival.type === 'reset') fail(what, arrival.text, requirement);
      const { frame } = arrival;
      if (frame.name === wanted) return frame;
      if (frame.name === 'PING' && (this.answerPings || wanted !== '*')) continue;
      if ((frame.name === 'CREDIT' || frame.name === 'ACK') && wanted !== '*') continue;
      if (frame.name === 'IGNORABLE' && !this.keepIgnorable) continue;
      return frame;
    }
  }

  /** Waits until anything has arrived that was not there before, or the time is over. Nothing is taken from the queue. */
  async arrival(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      // One more look at the socket: the harness itself may have been held up.
      const timer = setTimeout(() => setImmediate(() => setImmediate(resolve)), withinMs);
      this.#watcher = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#watcher = undefined;
  }

  /** The next frame, or how the connection ended. For a case in which more than one answer is right. */
  async nextOrEnd(what: string, withinMs: number = this.#options.stepMs): Promise<ReceivedFrame | 'end' | 'reset'> {
    const until = this.#until({ withinMs });
    for (;;) {
      const arrival = await this.#nextArrival(what, until);
      if (arrival.type !== 'frame') return arrival.type;
      const { frame } = arrival;
      const passedOver =
        (frame.name === 'PING' && this.answerPings) ||
        (frame.name === 'IGNORABLE' && !this.keepIgnorable) ||
        frame.name === 'ACK';
      if (!passedOver) return frame;
    }
  }

  /** Fixes the end of a step, so that what is passed over does not extend it. */
  #until(expectation: Expectation | Until): Until {
    if ('deadline' in expectation) return expectation;
    const { withinMs = this.#options.stepMs } = expectation;
    return { ...expectation, withinMs, deadline: performance.now() + withinMs };
  }

  async #nextArrival(what: string, until: Until): Promise<Exclude<Arrival, { type: 'finding' }>> {
    const { channel, requirement, withinMs, deadline } = until;
    let pollsLeft = LATE_POLLS;
    for (;;) {
      const at = this.#arrivals.findIndex(
        (arrival) =>
          arrival.type !== 'frame' ||
          channel === undefined ||
          arrival.frame.channel === 0 ||
          arrival.frame.channel === channel,
      );
      const [arrival] = at === -1 ? [] : this.#arrivals.splice(at, 1);
      if (arrival !== undefined) {
        if (arrival.type === 'finding') throw new ConformanceFailure(arrival.finding);
        // The end stays: whoever asks next finds it again.
        if (arrival.type !== 'frame') this.#arrivals.push(arrival);
        return arrival;
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        // When the harness itself was held up, what has arrived in the meantime is still unread.
        if (pollsLeft === 0) fail(what, `nothing within ${withinMs} ms`, requirement);
        pollsLeft -= 1;
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #arrive(arrival: Arrival, text: string | (() => string), octets?: Uint8Array): void {
    this.log.add(octets === undefined ? 'note' : 'received', text, octets);
    this.#watcher?.();
    if (this.diversion?.(arrival) === true) return;
    this.#arrivals.push(arrival);
    this.#wake?.();
  }

  #onData(received: Buffer): void {
    if (this.#severed) return;
    const chunk = received.subarray(0, this.#cutPoint.octets);
    this.#cutPoint.octets -= chunk.length;
    const failed = this.#reader.error !== undefined;
    for (const read of this.#reader.push(chunk)) {
      if (this.#cutPoint.frames <= 0 || this.#cutPoint.anyFrames <= 0) break;
      const frame = new ReceivedFrame(read);
      if (frame.seq !== 0n) this.#cutPoint.frames -= 1;
      this.#cutPoint.anyFrames -= 1;
      this.#onFrame(frame);
    }
    if (Math.min(this.#cutPoint.octets, this.#cutPoint.frames, this.#cutPoint.anyFrames) <= 0) {
      this.#sever();
      return;
    }
    const due = this.answerAcks && this.session !== undefined && this.established && this.receivedSeq > this.told;
    if (due && !this.#closeSent && !this.#closed) this.sendAck();
    const { error, pending } = this.#reader;
    if (error === undefined || failed) return;
    const finding: Finding = {
      requirement: dutyOfSender(error.requirement),
      expected: 'only well-formed frames',
      actual: `${describeOctets(pending)}, which is ${error.error} (${error.requirement})`,
    };
    this.#arrive({ type: 'finding', finding }, finding.actual, pending);
  }

  /** Writes frames through the point at which the connection is to be cut. */
  #write(frames: readonly Uint8Array[]): void {
    const point = this.#sendCutPoint;
    const pieces: Uint8Array[] = [];
    for (const frame of frames) {
      const lost = this.#severed || point.frames <= 0 || point.octets <= 0;
      const piece = lost ? new Uint8Array(0) : frame.subarray(0, point.octets);
      if (piece.length < frame.length) this.#cutShort = true;
      if (lost) continue;
      point.octets -= piece.length;
      point.frames -= 1;
      pieces.push(piece);
    }
    if (this.#severed || point === SPENT) return;
    const cut = point.octets <= 0 || point.frames <= 0;
    // What is read until the octets have left counts as read; what is sent until then is lost.
    this.socket.write(Buffer.concat(pieces), cut ? () => this.#sever() : undefined);
    if (cut) this.#sendCutPoint = SPENT;
  }

  #sever(): void {
    if (this.#severed) return;
    this.#severed = true;
    this.socket.destroy();
    this.#arrive({ type: 'reset', text: 'cut by the harness' }, 'cut by the harness');
  }

  #onFrame(frame: ReceivedFrame): void {
    const finding = this.#monitor.received(frame);
    if (frame.seq !== 0n) this.receivedSeq = frame.seq;
    if (frame.name === 'ACK' || (frame.name === 'CLOSE' && this.established)) {
      this.acknowledge(frame.integer('receive_cursor'));
    }
    if (frame.name === 'CLOSE') this.#closed = true;
    this.proofs.note(frame.octets);
    this.onEstablishment(frame);
    if (frame.name === 'PONG' && equal(this.#pings.shift() ?? new Uint8Array(0), frame.bytes('data'))) {
      this.#inOrder.add(frame);
    }
    // Judged last: an error code that a case waits for is worth more than what the monitor makes of it.
    this.#arrive({ type: 'frame', frame }, () => frame.text, frame.octets);
    if (finding !== undefined) this.#arrive({ type: 'finding', finding }, `not allowed here: ${finding.actual}`);
    if (frame.name === 'ACCEPT' && this.role === 'client') this.established = true;
    if (frame.name === 'PING' && this.answerPings && this.established && !this.#closeSent) {
      this.#heldPings.push(frame.bytes('data'));
      this.#answerHeldPings();
    }
  }

  /** Goes on with the session of an earlier connection: its numbers, what it keeps and what the monitor knows. */
  protected takeOver(former: Peer): HeldSession {
    const session = former.session;
    if (session === undefined) throw new TypeError('the session is not resumable');
    this.session = session;
    this.nextSeq = former.nextSeq;
    this.receivedSeq = former.receivedSeq;
    this.acknowledged = former.acknowledged;
    this.told = former.told;
    this.proofs = former.proofs;
    this.#monitor.resume(former.#monitor);
    return session;
  }

  /** What the peer holds is no longer kept. */
  protected acknowledge(cursor: bigint): void {
    if (cursor > this.acknowledged) this.acknowledged = cursor;
    this.session?.forget(this.acknowledged);
  }

  /** Sends again what the peer does not hold, in order and as it was. */
  protected sendAgain(cursor: bigint): void {
    const frames = this.session?.beyond(cursor) ?? [];
    if (frames.length > 0) this.sendTogether(frames);
  }

  /** What the monitor knows of the session. */
  protected get watched(): SessionState {
    return this.#monitor.session;
  }

  /** Looks at each frame before it is judged. */
  protected onEstablishment(_frame: ReceivedFrame): void {
    // Nothing here: the roles differ.
  }

  #note(octets: Uint8Array, fate: 'sent' | 'lost' = 'sent'): void {
    this.#monitor.sent(octets);
    this.session?.keep(octets);
    this.proofs.note(octets);
    const type = octets[0];
    if (type === frameNamed('CLOSE').type) this.#closeSent = true;
    if (type === frameNamed('PING').type) this.#pings.push(octets.slice(registry.header.bytes));
    if (type === frameNamed('ACCEPT').type && this.role === 'server') this.established = true;
    this.log.add(
      fate === 'sent' ? 'sent' : 'note',
      () => `${fate === 'sent' ? '' : 'lost: '}${describeOctets(octets)}`,
      octets,
    );
  }
}

/** What is left of octets behind the last complete frame in them. */
function remainderOf(octets: Uint8Array): Uint8Array {
  let at = 0;
  for (let header = decodeHeader(octets); header !== undefined; header = decodeHeader(octets.subarray(at))) {
    const end = at + registry.header.bytes + header.length;
    if (end > octets.length) break;
    at = end;
  }
  return octets.subarray(at);
}

import { expect } from 'vitest';
import { decodeAccept } from '../../core/frames/accept.ts';
import { decodeAck } from '../../core/frames/ack.ts';
import { decodeClose } from '../../core/frames/close.ts';
import { decodeConnect } from '../../core/frames/connect.ts';
import {
  type ChannelClosed,
  type ChannelReset,
  type Closed,
  type Connection,
  type ConnectReceived,
  createClientConnection,
  createServerConnection,
  type Custody,
  ERRORS,
  type Event,
  type Fates,
  InternalError,
  type JournalBatch,
  type MessageReceived,
  type MessageRange,
  type MessagesSettled,
  PeerViolationError,
  PRIORITIES,
  RemoteError,
  Session,
} from '../../core/index.ts';
import { decodeKept } from '../../core/outbox.ts';
import { decodeState } from '../../core/session-state.ts';
import { clientOptions, deterministicRandom, serverOptions } from '../unit/core/pair.ts';
import { framesIn, type WireFrame } from '../unit/core/wire.ts';

export type SideName = 'client' | 'server';

export const SIDES: readonly SideName[] = ['client', 'server'];

/** What both ends of a {@link Continuity} are made with. */
export interface ContinuityOptions {
  readonly grease: boolean;
  readonly messages: number;
  readonly bytes: number;
  readonly custody: Readonly<Record<SideName, Custody>>;
  readonly retentionMs?: number;
}

/** One connection between the two programs, and what is on its way. */
export class Wire {
  readonly client: Connection;
  readonly server: Connection;
  readonly incoming: Record<SideName, Uint8Array> = { client: new Uint8Array(0), server: new Uint8Array(0) };
  /** Ends whose transport is gone. */
  readonly gone = { client: false, server: false };
  /** Ends that know it: no octet comes to them any more once what is on its way has come. */
  readonly ending = { client: false, server: false };

  constructor(client: Connection, server: Connection) {
    this.client = client;
    this.server = server;
  }
}

/** What became of an own message. */
type Outcome = 'accepted' | 'rejected' | 'not-delivered' | 'unknown';

/** One channel as the application of one end knows it. */
export interface Side {
  readonly number: number;
  readonly outcomes: boolean;
  /** Own messages. */
  sent: Uint8Array[];
  /** What became of them, by number. */
  readonly results: Map<number, { readonly outcome: Outcome; readonly verdict: number }>;
  /** Number of the last of which this process was told that. */
  told: number;
  /** Messages that were sent completely, once the channel is over: those after them are told last. */
  complete: number | undefined;
  /** Messages of the peer whose effect is recorded. */
  readonly effects: Uint8Array[];
  /** What the application has decided on messages of the peer, by number. */
  readonly decided: Map<number, Set<number>>;
  opened: boolean;
  ended: boolean;
  over: boolean;
}

/** One program: its session, its store, its application. */
export class Program {
  readonly name: SideName;
  session: Session | undefined;
  /** The connection that its session uses. */
  wire: Wire | undefined;
  channels: Map<number, Side> = new Map();
  /** Messages that the application holds and has not decided on. */
  held: MessageReceived[] = [];
  /** Channels that wait for the application end (server). */
  waiting: number[] = [];
  readonly store: Map<string, Uint8Array> = new Map();
  /** Batches that are being written. */
  writing: JournalBatch[] = [];
  end: Closed | undefined;
  /** Sequenced frames that were ever sent, by number: type, channel and payload. [CNT-030] */
  readonly frames: Map<number, string> = new Map();
  crashes = 0;
  /** It has ended its session itself, without a connection. */
  expired = false;
  /** It knows nothing of the session any more. */
  forgetful = false;

  constructor(name: SideName) {
    this.name = name;
  }
}

/** Two programs with one session, which moves from connection to connection. Everything happens when it is told to. */
export class Continuity {
  readonly options: ContinuityOptions;
  readonly client: Program = new Program('client');
  readonly server: Program = new Program('server');
  wires: Wire[] = [];
  now = 0;
  /** The attempt of the client that is under way. */
  attempt: Wire | undefined;
  attempts = 0;
  /** What the server's store holds of the session. [CNT-023] [CNT-027] */
  epoch = 1;
  greatestAttempt = 0;
  /** The server has no room for the next attempt. */
  busy = false;
  /** Channels that one end has abandoned. */
  readonly abandoned: Set<number> = new Set();
  /** What the run was about, to see that it was about something. */
  readonly counts = { resumed: 0, redelivered: 0, delivered: 0, taken: 0, stale: 0, superseded: 0 };
  #connections = 0;
  #delayed: Wire[] = [];

  constructor(options: ContinuityOptions) {
    this.options = options;
    this.connect('new');
    this.settle();
    expect(this.client.session?.resumable).toBe(true);
  }

  program(name: SideName): Program {
    return this[name];
  }

  /** A transport between the two; the client asks for a new session, or for the one that it has. */
  connect(mode: 'new' | 'resume'): Wire {
    const { grease, messages, bytes, custody, retentionMs = 600_000 } = this.options;
    const parameters = { maxMessageBytes: 131_072, initialMessageCredit: messages, initialByteCredit: bytes };
    this.#connections += 1;
    const common = { grease, parameters, now: this.now };
    const wire = new Wire(
      createClientConnection(
        clientOptions({
          ...common,
          mode,
          random: deterministicRandom(`client ${this.#connections}`),
          continuity: { retentionMs, custody: custody.client },
        }),
      ),
      createServerConnection(serverOptions({ ...common, random: deterministicRandom(`server ${this.#connections}`) })),
    );
    this.wires.push(wire);
    if (mode === 'resume') this.attempt = wire;
    return wire;
  }

  /** The client tries to give its session a connection, unless it is trying already. */
  resume(): void {
    if (this.attempt === undefined && this.client.end === undefined && this.client.session !== undefined) {
      this.connect('resume');
    }
  }

  /** Puts what an end has to write onto a transport, at most `limitBytes` of queued messages at a time. */
  carry(wire: Wire, name: SideName, limitBytes?: number): void {
    const connection = wire[name];
    if (wire.gone[name]) return;
    const sent = new Uint8Array(Buffer.concat(connection.takeOutput(limitBytes)));
    this.#checkOutput(this[name], wire, sent);
    const to = other(name);
    if (sent.length > 0 && !wire.gone[to] && !wire.ending[to]) {
      wire.incoming[to] = new Uint8Array(Buffer.concat([wire.incoming[to], sent]));
    }
    this.note(wire, name, connection.takeEvents());
    if (connection.finished) this.cut(wire, name, Infinity);
  }

  /** Gives up to `count` octets that are on their way to an end. */
  deliver(wire: Wire, name: SideName, count: number): void {
    this.carry(wire, other(name));
    if (wire.gone[name]) return;
    const waiting = wire.incoming[name];
    const piece = waiting.slice(0, count);
    wire.incoming[name] = waiting.slice(piece.length);
    if (piece.length > 0) this.note(wire, name, wire[name].receive(piece, this.now));
    if (wire.ending[name] && wire.incoming[name].length === 0) this.lose(wire, name);
  }

  /** An end of a transport is gone; of what is on its way to the other end, so many octets still arrive. */
  cut(wire: Wire, name: SideName, arriving: number): void {
    this.lose(wire, name);
    const to = other(name);
    if (wire.gone[to]) return;
    wire.incoming[to] = wire.incoming[to].slice(0, arriving);
    wire.ending[to] = true;
    if (wire.incoming[to].length === 0) this.lose(wire, to);
  }

  /** The client gives up a transport; what it has sent comes to the server much later. */
  delay(wire: Wire): void {
    this.cut(wire, 'client', Infinity);
    if (wire.gone.server) return;
    this.wires = this.wires.filter((one) => one !== wire);
    this.#delayed.push(wire);
  }

  /** What was delayed arrives. */
  arrive(): void {
    this.wires.push(...this.#delayed.splice(0));
  }

  /** An end finds out that its transport is gone. */
  lose(wire: Wire, name: SideName): void {
    if (wire.gone[name]) return;
    wire.gone[name] = true;
    this.note(wire, name, wire[name].transportEnded(this.now));
    if (wire.gone.client && wire.gone.server) this.wires = this.wires.filter((one) => one !== wire);
  }

  advance(ms: number): void {
    this.now += ms;
    for (const wire of [...this.wires]) {
      for (const name of SIDES) if (!wire.gone[name]) this.note(wire, name, wire[name].tick(this.now));
    }
  }

  /**
   * The program dies: what is not in its store is gone, and so are its transports. It starts again at once.
   *
   * @param written - batches that are stored although the program does not hear of it any more.
   */
  crash(name: SideName, arriving: number, written: number): void {
    const program = this[name];
    this.journal(program);
    for (const batch of program.writing.slice(0, written)) write(program, batch);
    for (const wire of [...this.wires]) {
      wire.gone[name] = true;
      wire.incoming[name] = new Uint8Array(0);
      const to = other(name);
      wire.incoming[to] = wire.incoming[to].slice(0, arriving);
      wire.ending[to] = true;
      if (wire.gone[to]) this.wires = this.wires.filter((one) => one !== wire);
      else if (wire.incoming[to].length === 0) this.lose(wire, to);
    }
    if (name === 'client') this.attempt = undefined;
    // What is still on its way comes to nobody.
    else this.#delayed = [];
    program.crashes += 1;
    program.wire = undefined;
    program.held = [];
    program.waiting = [];
    program.writing = [];
    if (program.end !== undefined) return;
    const entries = [...program.store].map(([key, value]) => ({ key, value }));
    const { grease } = this.options;
    const random = deterministicRandom(`${name} after crash ${program.crashes}`);
    program.session = Session.restore(entries, {
      random,
      grease,
      now: this.now,
      ...(name === 'server' ? { epoch: this.epoch } : {}),
    });
    // Channels whose OPEN never left are forgotten, and their numbers are given out again.
    const state = decodeState(program.store.get('state')!);
    for (const number of program.channels.keys()) if (number > state.opened) program.channels.delete(number);
    const restored = new Set<number>();
    const events = program.session.takeEvents();
    for (const event of events) {
      if (event.type !== 'channel-restored' && event.type !== 'channel-requested') continue;
      restored.add(event.channel);
      const side = program.channels.get(event.channel) ?? this.#newSide(program, event.channel, event.outcomes);
      // What the application did and was not stored has not happened.
      const { state, sentMessages, reportedMessages } =
        event.type === 'channel-restored'
          ? event
          : ({ state: 'opening', sentMessages: 0, reportedMessages: 0 } as const);
      side.sent = side.sent.slice(0, sentMessages);
      side.told = reportedMessages;
      side.complete = undefined;
      side.opened = state !== 'opening';
      side.ended = !['opening', 'open', 'half-closed-remote'].includes(state);
      side.over = false;
    }
    for (const side of program.channels.values()) if (!restored.has(side.number)) side.over = true;
    for (const event of events) this.handle(program, event);
  }

  /** Begins to write what has come up. */
  journal(program: Program): void {
    const batch = program.session?.takeJournal();
    if (batch !== undefined) program.writing.push(batch);
  }

  /** The oldest batch that is being written is on stable storage. */
  storeOne(program: Program): boolean {
    const batch = program.writing.shift();
    if (batch === undefined) return false;
    write(program, batch);
    program.session?.stored(batch.number, this.now);
    this.takeEvents(program);
    return true;
  }

  /** Writes until nothing waits to be written. */
  storeAll(program: Program): void {
    do {
      while (this.storeOne(program));
      this.journal(program);
    } while (program.writing.length > 0);
  }

  /** Everything arrives and is stored, until nothing moves. */
  settle(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const wire of [...this.wires]) {
        for (const name of SIDES) this.carry(wire, name);
        for (const name of SIDES) {
          if (wire.incoming[name].length > 0 || (wire.ending[name] && !wire.gone[name])) {
            moved = true;
            this.deliver(wire, name, Infinity);
          }
        }
      }
      for (const name of SIDES) {
        this.journal(this[name]);
        if (this[name].writing.length > 0) {
          moved = true;
          this.storeAll(this[name]);
        }
      }
    }
  }

  /** The session has a connection, and nothing is left to be done by the programs or their applications. */
  quiesce(): void {
    this.arrive();
    for (let round = 0; ; round += 1) {
      if (round > 50) throw new Error('The programs do not come to rest.');
      this.settle();
      const { client, server } = this;
      if (client.end !== undefined || server.end !== undefined) return;
      const attached = [client, server].every(({ session }) => ['attached', 'draining'].includes(session?.state ?? ''));
      if (!attached || client.wire === undefined || server.wire !== client.wire) {
        this.resume();
        // A connection that the other end has given up ends at its deadline.
        if (round > 10) this.advance(1000);
        continue;
      }
      const held = client.held.length + server.held.length;
      for (const program of [client, server]) this.decide(program, program.held.length, 0, 0);
      if (held === 0) return;
    }
  }

  /** The application is done with up to `count` of the messages that it holds, and decides on them. */
  decide(program: Program, count: number, from: number, verdict: number): void {
    const { session } = program;
    if (session === undefined) return;
    for (let left = Math.min(count, program.held.length); left > 0; left -= 1) {
      const [message] = program.held.splice(from % program.held.length, 1);
      const { channel, number, data } = message!;
      const side = program.channels.get(channel)!;
      const decision = side.outcomes ? verdict : 0;
      if (!side.over) session.consume(channel, 1, data.length, this.now);
      side.decided.set(number, (side.decided.get(number) ?? new Set<number>()).add(decision));
      session.settle(channel, number, decision, this.now);
    }
    this.takeEvents(program);
  }

  /** Handles the events of a connection. */
  note(wire: Wire, name: SideName, events: readonly Event[]): void {
    const program = this[name];
    for (const event of events) this.#noteOne(wire, program, event);
    const { error } = wire[name];
    if (error instanceof PeerViolationError || error instanceof InternalError) throw error;
    if (error instanceof RemoteError && ERRORS[error.wireName].class === 'protocol') throw error;
  }

  /** An event of the session, of which the application takes note. */
  handle(program: Program, event: Event): void {
    switch (event.type) {
      case 'channel-requested':
        if (!program.channels.has(event.channel)) this.#newSide(program, event.channel, event.outcomes);
        program.waiting.push(event.channel);
        break;
      case 'channel-opened':
        program.channels.get(event.channel)!.opened = true;
        break;
      case 'message-received':
        this.#receive(program, event);
        break;
      case 'messages-settled':
        this.#markSettled(program, event);
        break;
      case 'channel-refused':
      case 'channel-reset':
      case 'channel-closed': {
        const side = program.channels.get(event.channel)!;
        side.over = true;
        if (program.name === 'server') program.session!.release(event.channel, this.now);
        if (event.type !== 'channel-refused') this.#settleEnded(program, side, event);
        break;
      }
      case 'closed':
        throw new Error('This is an event of a connection.');
      default:
    }
  }

  #noteOne(wire: Wire, program: Program, event: Event): void {
    const connection = wire[program.name];
    switch (event.type) {
      case 'established':
        program.session = connection.session!;
        program.wire = wire;
        break;
      case 'attached': {
        const former = program.wire;
        program.wire = wire;
        this.counts.resumed += 1;
        if (wire === this.attempt && program.name === 'client') this.attempt = undefined;
        if (former !== undefined && former !== wire && program.name === 'client') {
          this.note(former, 'client', former.client.supersede(this.now));
        }
        break;
      }
      case 'challenge-received':
        this.#askToResume(wire);
        break;
      case 'connect-received':
        this.#answer(wire, event);
        break;
      case 'closed':
        this.#closed(wire, program, event);
        break;
      default:
        this.handle(program, event);
    }
  }

  /** Everything is in custody before a cursor is stated. [CNT-006] */
  #askToResume(wire: Wire): void {
    const { client } = this;
    if (client.session === undefined || client.end !== undefined || wire !== this.attempt) {
      this.note(wire, 'client', wire.client.close('NO_ERROR', this.now));
      return;
    }
    this.storeAll(client);
    this.attempts += 1;
    this.note(wire, 'client', wire.client.resume(client.session, { attempt: this.attempts }, this.now));
  }

  #answer(wire: Wire, { mode, resume }: ConnectReceived): void {
    const { server } = this;
    const { custody, retentionMs = 600_000 } = this.options;
    if (mode === 'new' || resume === undefined) {
      const grant = { maxChannels: 4, retentionMs, custody: custody.server };
      this.note(wire, 'server', wire.server.accept(grant, this.now));
      return;
    }
    const session = server.session!;
    if (server.forgetful) {
      this.note(wire, 'server', wire.server.reject('RESUME_REFUSED', 0, this.now)); // [CNT-021]
      return;
    }
    if (session.state !== 'ended') {
      if (this.busy) {
        this.busy = false;
        this.note(wire, 'server', wire.server.reject('BUSY', 0, this.now));
        return;
      }
      if (resume.attempt <= this.greatestAttempt) {
        this.counts.stale += 1;
        this.note(wire, 'server', wire.server.reject('ATTEMPT_STALE', 0, this.now)); // [CNT-023]
        return;
      }
      this.greatestAttempt = resume.attempt;
      const former = server.wire;
      if (former !== undefined) {
        this.counts.superseded += 1;
        this.note(former, 'server', former.server.supersede(this.now)); // [CNT-029]
      }
      server.wire = undefined;
      this.storeAll(server);
      this.epoch += 1;
    }
    this.note(wire, 'server', wire.server.resume(session, { epoch: this.epoch }, this.now));
  }

  #closed(wire: Wire, program: Program, event: Closed): void {
    if (program.wire === wire) program.wire = undefined;
    if (event.session === 'ended') {
      if (program.end !== undefined) throw new Error(`${program.name} is told of its end twice.`);
      program.end = event;
      this.#markAll(program, event);
    }
    if (program.name === 'client' && wire === this.attempt) {
      this.attempt = undefined;
      const former = program.wire;
      if (former !== undefined && program.session?.state === 'detached') {
        this.note(former, 'client', former.client.takeUp(this.now));
        if (former.client.state === 'established' && former.client.session?.state === 'attached')
          this.counts.taken += 1;
        else {
          program.wire = undefined;
          this.note(former, 'client', former.client.supersede(this.now));
        }
      }
    }
    this.takeEvents(program);
  }

  /** The server ends a session that has no connection: its retention is over. [CNT-017] */
  expire(): void {
    const { server } = this;
    if (server.session?.state !== 'detached' || server.end !== undefined) return;
    this.#markAll(server, server.session.fates(undefined));
    server.session.end();
    server.expired = true;
  }

  #markAll(program: Program, { acceptedMessages, unknownMessages, undeliveredMessages }: Fates): void {
    for (const range of acceptedMessages) this.#mark(program, range, 'accepted', 0);
    for (const range of unknownMessages) this.#mark(program, range, 'unknown', 0);
    for (const range of undeliveredMessages) this.#mark(program, range, 'not-delivered', 0);
  }

  /** Events that came up while there was no connection, or that a command has caused. */
  takeEvents(program: Program): void {
    if (program.wire !== undefined) this.note(program.wire, program.name, program.wire[program.name].takeEvents());
    for (const event of program.session?.takeEvents() ?? []) this.handle(program, event);
  }

  #newSide(program: Program, number: number, outcomes: boolean): Side {
    const side: Side = {
      number,
      outcomes,
      sent: [],
      results: new Map(),
      told: 0,
      complete: undefined,
      effects: [],
      decided: new Map(),
      opened: false,
      ended: false,
      over: false,
    };
    program.channels.set(number, side);
    return side;
  }

  /** Asks for a channel. */
  open(options: { readonly outcomes: boolean; readonly priority: keyof typeof PRIORITIES }): void {
    const number = this.client.session!.openChannel('application', options, this.now);
    if (number > 0) this.#newSide(this.client, number, options.outcomes);
  }

  /** Exactly once, in order, with the right octets. [CHN-015] [CNT-044] */
  #receive(program: Program, event: MessageReceived): void {
    const { channel, number, data, redelivered } = event;
    const side = program.channels.get(channel)!;
    if (program.crashes === 0) expect(redelivered).toBe(false);
    const sent = this[other(program.name)].channels.get(channel)!.sent[number - 1];
    if (sent !== undefined) expect(Buffer.compare(data, sent)).toBe(0);
    if (number <= side.effects.length) {
      expect(redelivered).toBe(true);
      expect(Buffer.compare(data, side.effects[number - 1]!)).toBe(0);
      this.counts.redelivered += 1;
    } else {
      expect(number).toBe(side.effects.length + 1);
      side.effects.push(data.slice());
      this.counts.delivered += 1;
    }
    if (!side.over) program.held.push({ ...event, data: data.slice() });
  }

  /** After a crash what was told before may come again, but never anything else. */
  #markSettled(
    program: Program,
    {
      channel,
      first,
      last,
      outcome,
      verdict,
      again = false,
    }: Omit<MessagesSettled, 'type' | 'outcome'> & { outcome: Outcome },
  ): void {
    const side = program.channels.get(channel)!;
    const { results } = side;
    expect(again && program.crashes === 0).toBe(false);
    expect({ channel, first }).toEqual({ channel, first: side.told + 1 });
    side.told = last;
    for (let number = first; number <= last; number += 1) {
      const before = again ? results.get(number) : undefined;
      if (before === undefined) this.#mark(program, { channel, first: number, last: number }, outcome, verdict);
      else expect(before).toEqual({ outcome, verdict });
    }
    program.session!.reported(channel, last, this.now);
    if (side.told === side.complete) this.#settleRest(program, side, side.sent.length, 'not-delivered', again);
  }

  /** What has no verdict gets none, and what was not sent completely never is. (section 12.6) */
  #settleEnded(program: Program, side: Side, { sentMessages, again = false }: ChannelReset | ChannelClosed): void {
    if (side.outcomes) this.#settleRest(program, side, sentMessages, 'unknown', again);
    side.complete = sentMessages;
    if (side.told === sentMessages) this.#settleRest(program, side, side.sent.length, 'not-delivered', again);
  }

  /** Messages through a number that have no outcome get this one. */
  #settleRest(program: Program, side: Side, last: number, outcome: Outcome, again: boolean): void {
    const { number: channel, told } = side;
    if (told < last) this.#markSettled(program, { channel, first: told + 1, last, outcome, verdict: 0, again });
  }

  /** Each message has exactly one outcome, and it is what happened at the other end. [CNT-042] */
  #mark(program: Program, { channel, first, last }: MessageRange, outcome: Outcome, verdict: number): void {
    const side = program.channels.get(channel)!;
    const peer = this[other(program.name)].channels.get(channel);
    for (let number = first; number <= last; number += 1) {
      if (side.results.has(number)) {
        throw new Error(`Message ${channel}/${number} of the ${program.name} is ${outcome} after it had an outcome.`);
      }
      side.results.set(number, { outcome, verdict });
      if (outcome === 'unknown' || outcome === 'not-delivered' || !side.outcomes) continue;
      expect(peer!.decided.get(number)?.has(verdict)).toBe(true);
    }
  }

  /** What is sent is numbered and kept as it has to be. */
  #checkOutput(program: Program, wire: Wire, sent: Uint8Array): void {
    const frames = framesIn(sent);
    expect(frames.reduce((sum, { payload }) => sum + 16 + payload.length, 0)).toBe(sent.length);
    for (const frame of frames) {
      if (frame.seq > 0) this.#checkSequenced(program, frame);
      else this.#checkCursor(program, frame, wire);
    }
  }

  /** A number always has the same content, and leaves after it was stored. [CNT-011] [CNT-030] */
  #checkSequenced(program: Program, { type, flags, channel, seq, payload }: WireFrame): void {
    const content = `${type} ${flags} ${channel} ${Buffer.from(payload).toString('latin1')}`;
    const before = program.frames.get(seq);
    if (before === undefined) program.frames.set(seq, content);
    else if (before !== content) throw new Error(`Frame ${seq} of the ${program.name} has changed.`);
    if (this.options.custody[program.name] !== 'stored') return;
    const kept = decodeKept(program.store.get(`out/${String(seq).padStart(16, '0')}`) ?? new Uint8Array(0));
    if (kept === undefined) throw new Error(`Frame ${seq} of the ${program.name} leaves before it is stored.`);
    if (!kept.part) expect(Buffer.compare(kept.payload, payload)).toBe(0);
    else expect(program.store.has(`message/${channel}/${kept.message}`)).toBe(true);
  }

  /** Nothing is acknowledged that is not stored. [CNT-006] */
  #checkCursor(program: Program, { name, payload }: WireFrame, wire: Wire): void {
    if (this.options.custody[program.name] !== 'stored') return;
    const cursor = statedCursor(name, payload);
    if (cursor === 0) return;
    const state = program.store.get('state');
    const stored = state === undefined ? 0 : decodeState(state).receiveCursor;
    if (cursor > stored) throw new Error(`${name ?? ''} acknowledges ${cursor}, ${stored} is stored.`);
    expect(wire[program.name].error).not.toBeInstanceOf(InternalError);
  }
}

function write({ store }: Program, batch: JournalBatch): void {
  for (const { key, value } of batch.put) store.set(key, value.slice());
  for (const key of batch.delete) store.delete(key);
}

function statedCursor(name: WireFrame['name'], payload: Uint8Array): number {
  switch (name) {
    case 'ACK':
      return decodeAck(payload).receiveCursor;
    case 'CLOSE':
      return decodeClose(payload).receiveCursor;
    case 'CONNECT':
      return decodeConnect(payload).receiveCursor;
    case 'ACCEPT':
      return decodeAccept(payload).receiveCursor;
    default:
      return 0;
  }
}

export function other(name: SideName): SideName {
  return name === 'client' ? 'server' : 'client';
}

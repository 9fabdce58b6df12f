/** Takes a connection of the core through a stream of vectors/streams.json. */
import {
  type Connection,
  createClientConnection,
  createServerConnection,
  ERROR_NAME,
  type ErrorName,
  type Event,
  FLAG,
  type Grant,
  type ResumeRequest,
  type Session,
} from '../../core/index.ts';
import { encodeFrame } from '../../core/frames/header.ts';
import { decodeOpen } from '../../core/frames/open.ts';
import { decodeOutcome } from '../../core/frames/outcome.ts';
import { encodeParameters } from '../../core/parameters.ts';
import { framesIn, hex, octets, type WireFrame } from './core/wire.ts';
import { clientOptions, outputOf, serverOptions } from './core/pair.ts';

type Declared = Readonly<
  Partial<
    Record<
      | 'max_message_bytes'
      | 'max_channels'
      | 'initial_message_credit'
      | 'initial_byte_credit'
      | 'session_retention_ms'
      | 'connection_deadline_ms',
      number
    >
  >
>;

type Step = { readonly receive: string } | { readonly send: string; readonly cause: string };

export interface StreamVector {
  readonly role: 'client' | 'server';
  readonly state: string;
  readonly own: Declared;
  readonly peer: Declared;
  readonly identity?: string;
  readonly verdicts?: { readonly signature?: boolean; readonly peerIdentity?: boolean };
  readonly resumed?: { readonly sessionId: string; readonly steps: readonly Step[] };
  readonly steps: readonly Step[];
}

/** What came of a stream, in the shape in which the vector states it; the states of channels are not visible from outside. */
export interface StreamFinding {
  readonly result: 'valid' | 'invalid';
  readonly error?: string;
  readonly index?: number;
  readonly connection?: string;
  readonly delivered?: readonly { readonly channel: number; readonly message: string }[];
  /** As the CLOSE states them that ends the stream in state `established`. */
  readonly cursors?: { readonly receive: number; readonly send: number };
}

const IDENTITY = 'spiffe://example.test/server';
const NOW = 0;

/** Frames that a conforming endpoint may send of its own accord at any time. */
const UNASKED: readonly (string | undefined)[] = ['CREDIT', 'ACK'];

function u53At(payload: Uint8Array, offset: number): number {
  return Number(new DataView(payload.buffer, payload.byteOffset).getBigUint64(offset));
}

const codeOf = ({ payload }: WireFrame): ErrorName => {
  const code = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  const name = ERROR_NAME[code];
  if (name === undefined) throw new TypeError(`the core sends the unknown code ${code}`);
  return name;
};

const zeros = (count: number): Uint8Array => new Uint8Array(count);

/** A frame of establishment by the peer, with what it declares. */
function peerFrame(name: 'CHALLENGE' | 'CONNECT' | 'ACCEPT', peer: Declared, sessionId = '00'.repeat(16)): Uint8Array {
  const { max_message_bytes, max_channels, ...both } = peer;
  const lists = {
    CHALLENGE: { max_message_bytes },
    CONNECT: { max_message_bytes, ...both },
    ACCEPT: { max_channels, ...both },
  };
  const list = encodeParameters(lists[name]);
  const parameters = `${list.length.toString(16).padStart(4, '0')} ${hex(list)}`;
  const audience = Buffer.from(IDENTITY).toString('hex');
  const audienceLength = IDENTITY.length.toString(16).padStart(4, '0');
  const signature = `0807 0040 ${'00'.repeat(64)}`;
  const payloads = {
    CHALLENGE: `${'00'.repeat(32)} ${parameters}`,
    CONNECT: `${'00'.repeat(73)} ${audienceLength} ${audience} ${parameters} ${signature}`,
    ACCEPT: `${sessionId} 0000000000000001 0000000000000000 ${parameters} ${signature}`,
  };
  return encodeFrame(name, octets(payloads[name]));
}

/** A connection and what its owner would do. */
class Driver {
  readonly connection: Connection;
  readonly delivered: { channel: number; message: string }[] = [];
  readonly #vector: StreamVector;
  readonly #grant: Grant;
  /** Data of PINGs in the vector, and what the core has chosen instead. */
  readonly #pingData = new Map<string, Uint8Array>();
  #unread: WireFrame[] = [];
  #ending = false;
  #mode = 'new';
  /** The session to go on with. */
  readonly #former: Session | undefined;
  /** Verdicts that the application of this end has given, by channel. */
  readonly #judged = new Map<number, number>();

  constructor(vector: StreamVector, former?: Session) {
    this.#vector = vector;
    this.#former = former;
    const { role, own, identity = IDENTITY, verdicts = {} } = vector;
    const common = {
      now: NOW,
      parameters: {
        ...(own.max_message_bytes === undefined ? {} : { maxMessageBytes: own.max_message_bytes }),
        ...(own.initial_message_credit === undefined ? {} : { initialMessageCredit: own.initial_message_credit }),
        ...(own.initial_byte_credit === undefined ? {} : { initialByteCredit: own.initial_byte_credit }),
      },
      // Where the stream begins behind the establishment, the verdict is on what follows.
      verifier: { verify: () => vector.state === 'established' || (verdicts.signature ?? true) },
      leafVerifier: () => ({ verify: () => verdicts.signature ?? true }),
      signer: { scheme: 0x0807, signatureBytes: 64, sign: () => zeros(64) },
    };
    this.#grant = {
      ...(own.max_channels === undefined ? {} : { maxChannels: own.max_channels }),
      retentionMs: own.session_retention_ms ?? 0,
      ...(vector.resumed === undefined ? {} : { sessionId: octets(vector.resumed.sessionId) }),
    };
    const continuity = {
      retentionMs: own.session_retention_ms ?? 0,
      ...(own.connection_deadline_ms === undefined ? {} : { deadlineMs: own.connection_deadline_ms }),
    };
    const mode = former === undefined ? 'new' : 'resume';
    const peerIdentity = verdicts.peerIdentity === false ? 'spiffe://example.test/other' : IDENTITY;
    this.connection =
      role === 'client'
        ? createClientConnection(clientOptions({ ...common, audience: IDENTITY, peerIdentity, continuity, mode }))
        : createServerConnection(serverOptions({ ...common, identity }));
    this.#begin();
  }

  /** Takes octets; the code of the error that they are, if they are one. */
  receive(bytes: Uint8Array): ErrorName | undefined {
    const [only] = framesIn(bytes);
    const data = only?.name === 'PONG' ? this.#pingData.get(hex(only.payload)) : undefined;
    this.#handle(this.connection.receive(data === undefined ? bytes : encodeFrame('PONG', data), NOW));
    return this.#collect();
  }

  /** Has the connection send frames, or looks for them in what it has sent in answer. */
  send(bytes: Uint8Array, cause: string): void {
    for (const frame of framesIn(bytes)) {
      if (cause === 'application') this.#command(frame);
      this.#collect();
      const at = this.#unread.findIndex(({ name }) => name === frame.name);
      if (frame.name === 'CREDIT') continue;
      if (at !== 0)
        throw new Error(`${String(frame.name)} is due, not ${this.#unread.map(({ name }) => name).join(', ')}`);
      const [sent] = this.#unread.splice(0, 1);
      const fixed = ['PONG', 'RESET', 'END', 'MESSAGE', 'OUTCOME'].includes(frame.name ?? '');
      if (fixed && hex(sent?.payload ?? zeros(0)) !== hex(frame.payload)) {
        throw new Error(`${String(frame.name)} holds ${hex(sent?.payload ?? zeros(0))}`);
      }
      if (sent?.flags !== frame.flags) throw new Error(`${String(frame.name)} has the flags ${sent?.flags ?? ''}`);
      if (sent.seq !== frame.seq) throw new Error(`${String(frame.name)} has the sequence number ${sent.seq}`);
    }
  }

  /** The end of a stream without an error. */
  finish(): Omit<StreamFinding, 'result'> {
    const connection = this.connection.state;
    const { delivered } = this;
    if (this.#unread.length > 0) throw new Error(`unasked: ${this.#unread.map(({ name }) => name).join(', ')}`);
    if (connection !== 'established') return { connection, delivered };
    this.connection.close('NO_ERROR', NOW);
    const close = framesIn(outputOf(this.connection)).at(-1);
    if (close?.name !== 'CLOSE') throw new Error('no CLOSE');
    const cursors = { receive: u53At(close.payload, 2), send: u53At(close.payload, 10) };
    return { connection, delivered, cursors };
  }

  #begin(): void {
    const { role, state, peer, resumed } = this.#vector;
    const order =
      role === 'client'
        ? ['awaiting-challenge', 'awaiting-accept', 'established']
        : ['awaiting-connect', 'deciding', 'established'];
    const stage = order.indexOf(state);
    if (role === 'client') {
      if (stage >= 1) this.connection.receive(peerFrame('CHALLENGE', peer), NOW);
      if (stage >= 2) this.connection.receive(peerFrame('ACCEPT', peer, resumed?.sessionId), NOW);
    } else {
      if (stage >= 1) this.connection.receive(peerFrame('CONNECT', peer), NOW);
      if (stage >= 2) this.connection.accept(this.#grant, NOW);
    }
    if (this.connection.state !== state) throw new Error(`${this.connection.state} instead of ${state}`);
    if (stage >= 1) outputOf(this.connection);
  }

  #handle(events: readonly Event[]): void {
    for (const event of events) {
      if (event.type === 'message-received') {
        this.delivered.push({ channel: event.channel, message: hex(event.data) });
      } else if (event.type === 'channel-reset') {
        this.connection.release(event.channel, NOW);
      } else if (event.type === 'connect-received') {
        this.#mode = event.mode;
        if (this.#vector.verdicts?.peerIdentity === false) this.connection.reject('AUTHENTICATION_FAILED', 0, NOW);
        else if (event.mode === 'resume') this.#decide(event.resume);
      } else if (event.type === 'challenge-received' && this.#former !== undefined) {
        this.connection.resume(this.#former, { attempt: 1 }, NOW);
      }
    }
  }

  /** What a server makes of CONNECT in mode resume, in the order of section 12.4. */
  #decide(asked: ResumeRequest | undefined): void {
    const { connection } = this;
    const former = this.#former;
    if (asked === undefined || former?.resumable !== true || hex(asked.sessionId) !== hex(former.id)) {
      connection.reject('RESUME_REFUSED', 0, NOW);
    } else if (former.state === 'ended') connection.reject('SESSION_ENDED', 0, NOW);
    else if (asked.attempt <= 0) connection.reject('ATTEMPT_STALE', 0, NOW);
    else if (asked.epoch > former.epoch) connection.reject('RESUME_GAP', 0, NOW);
    else connection.resume(former, { epoch: former.epoch + 1 }, NOW);
  }

  /** A message of which a fragment is to be sent: with what follows, or with one octet more than there is credit for. */
  #wholeMessage({ channel, flags, payload }: WireFrame): Uint8Array {
    if ((flags & FLAG.MESSAGE.LAST) !== 0) return payload;
    const { resumed, steps } = this.#vector;
    const sent = [...(resumed?.steps ?? []), ...steps].flatMap((step) =>
      'send' in step ? framesIn(octets(step.send)) : [],
    );
    const rest = sent.find(
      (frame) => frame.name === 'MESSAGE' && frame.channel === channel && frame.flags === FLAG.MESSAGE.LAST,
    );
    return Uint8Array.of(...payload, ...(rest?.payload ?? [0]));
  }

  /** Keeps what the connection writes; the code with which it ends of its own accord. */
  #collect(): ErrorName | undefined {
    const frames = framesIn(outputOf(this.connection));
    this.#handle(this.connection.takeEvents());
    this.#unread.push(...frames.filter(({ name }) => !UNASKED.includes(name)));
    const last = this.#unread.at(-1);
    if (this.#ending || (last?.name !== 'CLOSE' && last?.name !== 'REJECT')) return undefined;
    this.#ending = true;
    const code = codeOf(last);
    return code === 'NO_ERROR' ? undefined : code;
  }

  #command(frame: WireFrame): void {
    const { name, channel, payload } = frame;
    const { connection } = this;
    switch (name) {
      case 'OPEN':
        if (
          connection.openChannel('test/hold', { outcomes: decodeOpen(payload).parameters.outcomes === 1 }, NOW) !==
          channel
        )
          throw new Error(`OPEN takes another number than ${channel}`);
        break;
      case 'OPENED':
        connection.opened(channel, { payload }, NOW);
        break;
      case 'PROVE':
        connection.prove(channel, { payload }, NOW);
        break;
      case 'PROOF':
        connection.proof(channel, { payload }, NOW);
        break;
      case 'REFUSED':
        connection.refuse(channel, codeOf(frame), 0, NOW);
        break;
      case 'MESSAGE':
        connection.sendMessage(channel, this.#wholeMessage(frame), NOW);
        break;
      case 'OUTCOME': {
        const { lastMessage, verdict } = decodeOutcome(payload);
        for (let n = (this.#judged.get(channel) ?? 0) + 1; n <= lastMessage; n += 1) {
          connection.settle(channel, n, verdict, NOW);
        }
        this.#judged.set(channel, lastMessage);
        break;
      }
      case 'END':
        connection.endChannel(channel, NOW);
        break;
      case 'RESET':
        connection.resetChannel(channel, codeOf(frame), NOW);
        break;
      case 'PING':
        connection.ping(NOW);
        this.#collect();
        this.#pingData.set(hex(payload), this.#unread.at(-1)?.payload ?? payload);
        break;
      case 'CREDIT': {
        // Its limits follow from what the application has consumed.
        const messages = this.delivered.filter((message) => message.channel === channel);
        const bytes = messages.reduce((sum, { message }) => sum + message.length / 2, 0);
        if (messages.length > 0) connection.consume(channel, messages.length, bytes, NOW);
        break;
      }
      case 'ACCEPT':
        if (this.#mode === 'new') this.#handle(connection.accept(this.#grant, NOW));
        break;
      case 'REJECT':
        this.#handle(connection.reject(codeOf(frame), 0, NOW));
        this.#ending = true;
        break;
      case 'CLOSE':
        this.#handle(frame.flags === 0 ? connection.detach('NO_ERROR', NOW) : connection.close('NO_ERROR', NOW));
        break;
      default:
        throw new Error(`no command sends ${String(name)}`);
    }
  }
}

/** Takes a driver through steps; the error and the step with which it was found. */
function play(driver: Driver, steps: readonly Step[]): StreamFinding | undefined {
  for (const [index, step] of steps.entries()) {
    if ('send' in step) {
      driver.send(octets(step.send), step.cause);
    } else {
      const error = driver.receive(octets(step.receive));
      if (error !== undefined) return { result: 'invalid', error, index };
    }
  }
  return undefined;
}

/** The session of the former connection, which is gone. */
function formerSession(vector: StreamVector): Session | undefined {
  if (vector.resumed === undefined) return undefined;
  const driver = new Driver({ ...vector, state: 'established', verdicts: {} });
  const found = play(driver, vector.resumed.steps);
  if (found !== undefined) throw new Error(`the former connection ends with ${JSON.stringify(found)}`);
  const { session } = driver.connection;
  driver.connection.transportEnded(NOW);
  return session;
}

/** Runs a stream and says what came of it. */
export function runStream(vector: StreamVector): StreamFinding {
  const driver = new Driver(vector, formerSession(vector));
  return play(driver, vector.steps) ?? { result: 'valid', ...driver.finish() };
}

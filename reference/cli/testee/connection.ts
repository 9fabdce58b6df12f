import {
  ConfigError,
  ERROR_CODE,
  type Event,
  type HawserError,
  IncompatibleError,
  PeerViolationError,
  RemoteError,
  TimeoutError,
  TransportError,
} from '../../core/index.ts';
import type {
  Channel,
  Client,
  ClientContinuity,
  Failure,
  OutcomeRange,
  Session,
  SessionEnd,
  Trust,
} from '../../node/index.ts';
import { Rejection } from '../../node/session/channel.ts';
import { retryDelayMs } from '../../node/client/retry.ts';
import { loadEndpoint } from '../endpoint-options.ts';
import { readText } from '../files.ts';
import { type Request, RequestError, parameterSet } from './requests.ts';

/** An event of the driver protocol, without the name of its connection. */
export interface DriverEvent {
  readonly event: string;
  readonly [member: string]: unknown;
}

type ConnectRequest = Extract<Request, { do: 'connect' }>;
type OpenRequest = Extract<Request, { do: 'open' }>;
type CloseRequest = Extract<Request, { do: 'close' }>;
type FailureCause = 'tls' | 'protocol' | 'timeout' | 'transport' | 'other';

/** One connection of the driver: what happens on it becomes events, in order. */
export class TesteeConnection {
  #trust: Trust;
  readonly #request: ConnectRequest;
  readonly #client: Client;
  readonly #emit: (event: DriverEvent) => void;
  readonly #channels = new Map<number, Channel>();
  #session: Session | undefined;
  #established = false;
  #over = false;
  /** The REJECT that answered the last attempt, until one is accepted. */
  #reject: Extract<Event, { type: 'rejected' }> | undefined;
  /** Attempts and sessions that have failed in a row. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  private constructor(request: ConnectRequest, client: Client, trust: Trust, emit: (event: DriverEvent) => void) {
    this.#trust = trust;
    this.#request = request;
    this.#client = client;
    this.#emit = emit;
  }

  /**
   * Reads the files of a request.
   *
   * @throws RequestError `invalid` for files that can not be used.
   */
  static async create(request: ConnectRequest, emit: (event: DriverEvent) => void): Promise<TesteeConnection> {
    const { certificate, key, ca, crl } = request;
    const parameters = parameterSet(request.parameters);
    try {
      const { client, trust } = await clientOf([certificate, key, ca, crl], parameters);
      return new TesteeConnection(request, client, trust, emit);
    } catch (error) {
      throw new RequestError('invalid', error instanceof Error ? error.message : String(error), error);
    }
  }

  /** Whether its last event was told. */
  get over(): boolean {
    return this.#over;
  }

  /** Begins the attempt. */
  start(): void {
    const { host, port, audience } = this.#request;
    const observe = (event: Event): void => this.#observe(event);
    this.#client.connect({ host, port, audience, observe, ...this.#continuity }).then(
      (session) => this.#take(session),
      (error: unknown) => {
        // Failures of an engine were told by its last event.
        if (this.#over) return;
        this.#fail(error as HawserError, 0);
        this.#again({ error: error as HawserError, code: undefined });
      },
    );
  }

  /** Opens a channel. */
  open(request: OpenRequest): { readonly channel: number } {
    const { application, data, hold, priority, outcomes, judge, applicationIdentity, demandProof } = request;
    const applicationData = data === undefined ? undefined : Buffer.from(data, 'base64');
    const options = { applicationData, priority, outcomes, applicationIdentity, demandProof };
    const channel = this.#live().request(application, options);
    const { number } = channel;
    this.#channels.set(number, channel);
    if (hold !== true) {
      channel.onMessage = (message) => {
        this.#emit({ event: 'message', channel: number, message: Buffer.from(message).toString('base64') });
        const verdict = judge === true && message.length >= 2 ? Buffer.from(message).readUInt16BE() : 0;
        if (verdict !== 0) throw new Rejection(verdict);
      };
    }
    if (outcomes === true || this.#request.continuity !== undefined) {
      channel.onOutcome = ({ first, last, outcome }: OutcomeRange) => {
        const verdict = outcome.type === 'rejected' ? { verdict: outcome.verdict } : {};
        this.#emit({ event: 'outcome', channel: number, first, last, outcome: outcome.type, ...verdict });
      };
    }
    return { channel: number };
  }

  /** Sends a message. */
  send(channel: number, message: string): void {
    // Its promise tells of room, which the harness does not wait for; a channel that is over is told by its event.
    this.#channel(channel)
      .send(Buffer.from(message, 'base64'))
      .catch(() => undefined);
  }

  /** Ends or resets a channel, moves or detaches the session, or closes it. */
  close({ channel, reset, rotate, detach }: CloseRequest): void {
    if (channel !== undefined) {
      if (reset === true) this.#channel(channel).reset('CANCELLED');
      else this.#channel(channel).end();
      return;
    }
    const session = this.#live();
    if (rotate !== true && detach !== true) {
      void session.close();
      return;
    }
    if (!session.resumable) throw new RequestError('refused', 'The session is not resumable.');
    if (detach === true) session.detach();
    // What becomes of the attempt is told by events, and the session goes on either way.
    else session.rotate().catch(() => undefined);
  }

  /** What its server is judged by. */
  get trust(): Trust {
    return this.#trust;
  }

  /** Applies newer revocation lists, if they are of the same authority. Lists that can not be used change nothing. */
  async updateTrust(ca: string, trust: Trust): Promise<void> {
    if (ca !== this.#request.ca || trust === this.#trust) return;
    this.#trust = trust;
    // Its files do not say any more what it holds.
    for (const [name, { client }] of knownClients) if (client === this.#client) knownClients.delete(name);
    try {
      await this.#client.reload({ trustAnchors: trust.trustAnchors, crls: trust.crls });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
  }

  /** The driver ends. A session without a connection is left to its retention. */
  async end(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#session?.state === 'attached' || this.#session?.state === 'draining') await this.#session.close();
  }

  get #continuity(): { readonly continuity?: ClientContinuity } {
    const { continuity } = this.#request;
    return continuity === undefined ? {} : { continuity };
  }

  /** The session exists. It may have lost its connection, or be over, by the time that this is told. */
  #take(session: Session): void {
    this.#session = session;
    const detached = ({ code }: { readonly code: SessionEnd['code'] }): void => {
      this.#emit({ event: 'detached', ...(code === undefined ? {} : { code: ERROR_CODE[code] }) });
    };
    if (session.state === 'detached') detached({ code: undefined });
    session.on('detached', (end) => {
      // Told by the last event.
      if (session === this.#session && !this.#over) detached(end);
    });
    void session.closed.then((end) => {
      if (this.#over) return;
      const { error } = end;
      if (this.#reject !== undefined && error instanceof RemoteError && error.wireCode === this.#reject.wireCode) {
        this.#rejected(this.#reject);
      } else this.#observeClosed(end);
      this.#again(end);
    });
  }

  #live(): Session {
    if (this.#session === undefined || this.#over) throw new RequestError('invalid', 'There is no session.');
    return this.#session;
  }

  #channel(number: number): Channel {
    const channel = this.#channels.get(number);
    this.#live();
    if (channel === undefined) throw new RequestError('invalid', `There is no channel ${number}.`);
    return channel;
  }

  #observe(event: Event): void {
    switch (event.type) {
      case 'established': {
        this.#established = true;
        this.#failures = 0;
        this.#reject = undefined;
        const session = Buffer.from(event.sessionId).toString('hex');
        // The engine has compared the two. [EST-009]
        this.#emit({ event: 'established', identity: this.#request.audience, session });
        return;
      }
      case 'attached':
        this.#reject = undefined;
        this.#emit({ event: 'attached' });
        return;
      case 'rejected':
        this.#reject = event;
        if (!this.#established) this.#rejected(event);
        return;
      case 'channel-opened': {
        const data =
          event.applicationData === undefined ? {} : { data: Buffer.from(event.applicationData).toString('base64') };
        this.#emit({ event: 'opened', channel: event.channel, ...data });
        return;
      }
      case 'channel-refused': {
        const { channel, wireCode: code, retryAfterMs } = event;
        this.#emit({ event: 'refused', channel, code, retryAfterMs });
        return;
      }
      case 'channel-ended':
        this.#emit({ event: 'ended', channel: event.channel });
        return;
      case 'channel-reset':
        this.#emit({ event: 'reset', channel: event.channel, code: event.wireCode });
        return;
      case 'closed':
        // What becomes of a session is told by the session.
        if (event.session !== 'none' || this.#established) return;
        this.#observeClosed(event);
        this.#again(event);
        return;
      default:
        return;
    }
  }

  #rejected({ wireCode, retryAfterMs }: Extract<Event, { type: 'rejected' }>): void {
    this.#over = true;
    this.#emit({ event: 'rejected', code: wireCode, retryAfterMs });
  }

  #observeClosed(end: SessionEnd): void {
    if (this.#over) return;
    const unknown = end.unknownMessages.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const { error } = end;
    // A session that another program has taken ends by the CLOSE that says so.
    const byPeer = error === undefined ? end.outcome !== 'aborted' : error instanceof RemoteError;
    if (this.#established && byPeer) {
      this.#over = true;
      const code = error instanceof RemoteError ? error.wireCode : ERROR_CODE[end.code ?? 'NO_ERROR'];
      this.#emit({ event: 'closed', code, unknown });
      return;
    }
    this.#fail(error, unknown, end.code);
  }

  /** Attempts again, if that was asked for and the rules of section 7.3 allow it. */
  #again(failure: Failure): void {
    this.#failures += 1;
    const delayMs = retryDelayMs(failure, this.#failures, Math.random());
    if (this.#request.reconnect !== true || delayMs === undefined) return;
    this.#retry = setTimeout(() => {
      this.#session = undefined;
      this.#established = false;
      this.#over = false;
      this.#channels.clear();
      this.start();
    }, delayMs);
  }

  #fail(error: HawserError | undefined, unknown: number, sent?: keyof typeof ERROR_CODE): void {
    this.#over = true;
    const code = sent === undefined ? {} : { code: ERROR_CODE[sent] };
    const text = error === undefined ? {} : { text: error.message };
    this.#emit({ event: 'failed', cause: causeOf(error), ...code, unknown, ...text });
  }
}

/** A client and what it trusts. */
interface KnownClient {
  readonly client: Client;
  readonly trust: Trust;
}

/** Clients by what their files hold and what they declare; the oldest goes first. */
const knownClients = new Map<string, KnownClient>();
const KNOWN_CLIENTS = 16;

/** The client of these files. They are read each time, and judged again when they have changed. */
async function clientOf(
  files: readonly [certificate: string, key: string, ca: string, crl: string],
  parameters: ReturnType<typeof parameterSet>,
): Promise<KnownClient> {
  const { createClient } = await import('../../node/index.ts');
  const name = JSON.stringify([files.map((file) => readText(file, 'connect')), parameters]);
  const known = knownClients.get(name);
  if (known !== undefined) return known;
  const [cert, key, ca, crl] = files;
  const endpoint = await loadEndpoint({ cert, key, ca: [ca], crl: [crl] });
  const made = { client: createClient({ ...endpoint, parameters }), trust: endpoint };
  knownClients.set(name, made);
  const [oldest] = knownClients.keys();
  if (knownClients.size > KNOWN_CLIENTS && oldest !== undefined) knownClients.delete(oldest);
  return made;
}

function causeOf(error: HawserError | undefined): FailureCause {
  if (error === undefined) return 'transport';
  if (error instanceof PeerViolationError) return 'protocol';
  if (error instanceof TimeoutError) return 'timeout';
  if (error instanceof IncompatibleError) return 'tls';
  if (error instanceof TransportError) {
    return /_(TLS|TLS_REFUSED|PEER_CERTIFICATE|AUTHORITY_REVOKED|AUTHORITY_EXPIRED)$/.test(error.code)
      ? 'tls'
      : 'transport';
  }
  return 'other';
}

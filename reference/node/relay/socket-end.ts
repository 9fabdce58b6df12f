import { HawserError, MisuseError } from '../../core/index.ts';
import type { ChannelRequest } from '../server/application.ts';
import type { Channel, ChannelEnd, ChannelEndpoint } from '../session/channel.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import type { ChannelRecord } from './channel-record.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { type ClientObserver, watchClient } from './client-watch.ts';
import { type RetryLimits, connectRepeatedly } from './connect-attempts.ts';
import { FramingError, type MessageDecoder, createMessageDecoder } from './framing.ts';
import { encodeProxyHeader } from './proxy-header.ts';
import type { TcpRoute, TlsRoute } from './route.ts';
import { type SocketConnection, ConnectError, connectSocket } from './socket-connect.ts';
import { SocketWriter } from './socket-writer.ts';

/** A channel on which nobody may give verdicts. [RLY-054] */
export type SocketChannel = Channel & Pick<ChannelEndpoint, 'again' | 'withholdsVerdicts'>;

/** What a relay leads a channel to a TCP or TLS peer with. */
export interface SocketEndParts {
  readonly route: TcpRoute | TlsRoute;
  /** That of the application end, shared by all of its channels. */
  readonly breaker: CircuitBreaker;
  /** From the attempt to reach the application end until it is given up, in milliseconds. [RLY-033] */
  readonly connectTimeoutMs: number;
  readonly retry: RetryLimits;
  /** The identity of the relay itself, for the PROXY header. */
  readonly relayIdentity: string;
  /** Counts what passes. */
  readonly record: ChannelRecord;
  readonly environment: Environment;
  readonly log: Log;
}

/**
 * Leads a channel that policy has allowed to a TCP or TLS peer (section 13.3).
 *
 * @returns when nothing is done for the channel any more; rejects for a failure of the relay itself.
 */
export async function leadToSocket(
  channel: SocketChannel,
  request: ChannelRequest,
  parts: SocketEndParts,
): Promise<void> {
  if (request.restored) {
    // What was passed on before the crash must not be sent again. [RLY-022]
    channel.onOutcome = () => undefined;
    channel.reset('APPLICATION_LOST');
    return;
  }
  if (channel.again) {
    // Whether there was a connection nobody knows. [RLY-022]
    request.refuse('ROUTE_UNREACHABLE');
    return;
  }
  const connection = await reach(channel, request, parts);
  if (connection === undefined) return;
  request.accept(); // [RLY-005]
  await new SocketEnd(channel, request, connection, parts).over;
}

/** Connects to the application end; undefined when the request is refused, or nobody waits for the answer any more. */
async function reach(
  channel: SocketChannel,
  request: ChannelRequest,
  { route, breaker, connectTimeoutMs, retry, relayIdentity, environment, log }: SocketEndParts,
): Promise<SocketConnection | undefined> {
  const { session, identity, application } = request;
  const admission = breaker.admit();
  if (!admission.ok) {
    request.refuse('ROUTE_UNREACHABLE', admission.retryAfterMs);
    return undefined;
  }
  const attempt = new AbortController();
  const giveUp = (): void => attempt.abort(new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The client is gone.'));
  void channel.closed.then(giveUp);
  const unwatch = watchClient(session, { clientRevoked: giveUp, clientBack: () => undefined, clientGone: giveUp });
  if (session.revoked) giveUp();
  try {
    const authority = route.proxy === 'identity' ? identity : application;
    const facts = { addresses: session.addresses, authority, clientIdentity: identity, relayIdentity };
    const header = route.proxy === false ? undefined : encodeProxyHeader(facts);
    const { signal } = attempt;
    const { deadlines } = environment;
    const startedAt = deadlines.now();
    const connection = await connectRepeatedly(
      () => connectSocket(route, { header, timeoutMs: connectTimeoutMs, startedAt, deadlines, signal }),
      {
        retry,
        deadline: startedAt + connectTimeoutMs,
        signal,
        environment,
        log,
        facts: { application, identity },
      },
    );
    breaker.succeeded();
    return connection;
  } catch (error) {
    if (attempt.signal.aborted) {
      // It comes back, perhaps, and finds the answer. [RLY-035]
      request.refuse('ROUTE_UNREACHABLE');
      return undefined;
    }
    if (!(error instanceof ConnectError)) throw error;
    breaker.failed();
    log.warn({ application, identity, err: error }, 'the application end was not reached');
    request.refuse(error.late ? 'APPLICATION_TIMEOUT' : 'ROUTE_UNREACHABLE'); // [RLY-033]
    return undefined;
  } finally {
    unwatch();
  }
}

/** A channel that is open, and its connection to the application end. */
class SocketEnd implements ClientObserver {
  readonly #channel: SocketChannel;
  readonly #connection: SocketConnection;
  readonly #parts: SocketEndParts;
  readonly #writer: SocketWriter;
  readonly #decoder: MessageDecoder;
  /** The connection is gone, and the channel has everything that came over it. */
  readonly over: Promise<void>;
  /** What was read goes to the channel; whether it has gone. */
  #passing: Promise<boolean> = Promise.resolve(true);
  /** Whether the application end has ended its direction. */
  #ended = false;

  constructor(channel: SocketChannel, request: ChannelRequest, connection: SocketConnection, parts: SocketEndParts) {
    const { socket } = connection;
    const { session } = request;
    this.#channel = channel;
    this.#connection = connection;
    this.#parts = parts;
    this.#writer = new SocketWriter(socket, parts.route.framing);
    this.#decoder = createMessageDecoder(parts.route.framing, session.peerParameters.maxMessageBytes);
    const unwatch = watchClient(session, this);
    this.over = new Promise((resolve) => {
      socket.once('close', () => {
        unwatch();
        resolve(this.#closed());
      });
    });
    socket.on('error', (error: Error) => this.#lost(error));
    socket.on('data', (octets: Buffer) => this.#receive(octets));
    socket.on('end', () => {
      this.#passing = this.#receiveEnd(this.#passing);
    });
    if (session.revoked) this.#writer.hold();
    // [RLY-054]
    if (channel.outcomes) channel.withholdsVerdicts = true;
    channel.onMessage = (message) => this.#send(message);
    channel.onEnd = () => this.#writer.end();
    void channel.closed.then((end) => this.#channelOver(end));
  }

  clientRevoked(): void {
    this.#writer.hold();
  }

  clientBack(): void {
    this.#writer.release();
  }

  clientGone(): void {
    this.#connection.cut();
  }

  /** Settles when the application end has taken the message, as far as the transport tells: credit follows. [RLY-025] */
  async #send(message: Uint8Array): Promise<void> {
    this.#parts.record.messageIn(message.length);
    try {
      await this.#writer.write(message);
    } catch (error) {
      if (error instanceof FramingError) this.#unfit(error);
      // Nothing is decided on a message that has not left: the channel ends.
      await this.#channel.closed;
    }
  }

  #receive(octets: Uint8Array): void {
    const { socket } = this.#connection;
    // Until the client takes more, nothing more is read. [RLY-025]
    socket.pause();
    this.#passing = this.#passOn(octets).then(
      () => {
        socket.resume();
        return true;
      },
      (error: unknown) => {
        this.#notPassed(error);
        return false;
      },
    );
  }

  async #passOn(octets: Uint8Array): Promise<void> {
    for (const message of this.#decoder.push(octets)) {
      await this.#channel.send(message);
      this.#parts.record.messageOut(message.length);
    }
  }

  #notPassed(error: unknown): void {
    if (error instanceof FramingError) {
      this.#unfit(error);
      return;
    }
    // The channel is over, or about to be: nobody takes what the application end still says.
    if (!(error instanceof HawserError)) {
      this.#warn(error, 'the relay failed; the channel is reset');
      this.#channel.reset('INTERNAL_ERROR');
    }
    this.#connection.cut();
  }

  /** The socket tells of its end also while it is paused. */
  async #receiveEnd(passing: Promise<boolean>): Promise<boolean> {
    this.#ended = true;
    if (!(await passing)) return false;
    try {
      this.#decoder.end();
    } catch (error) {
      this.#unfit(error as FramingError);
      return false;
    }
    this.#channel.end(); // [RLY-020]
    return true;
  }

  /** [RLY-017] [RLY-018] */
  #unfit(error: FramingError): void {
    this.#warn(error, 'a message does not fit the framing of the route; the channel is reset');
    this.#channel.reset('FRAMING_INVALID');
    this.#connection.cut();
  }

  #lost(error: Error): void {
    this.#warn(error, 'the application end is lost');
    this.#channel.reset('APPLICATION_LOST'); // [RLY-021]
  }

  async #closed(): Promise<void> {
    if (!this.#ended || !this.#writer.finished) {
      this.#channel.reset('APPLICATION_LOST'); // [RLY-021]
      return;
    }
    if (!(await this.#passing) || !this.#channel.outcomes) return;
    // No verdict comes any more; what was sent goes first. [RLY-030]
    await this.#channel.written.then(() => this.#channel.reset('NO_ERROR'), ignore);
  }

  #channelOver(end: ChannelEnd): void {
    if (end.type !== 'closed') this.#connection.cut(); // [RLY-023]
  }

  #warn(error: unknown, message: string): void {
    const { application, number } = this.#channel;
    this.#parts.log.warn({ application, channel: number, err: error }, message);
  }
}

function ignore(): void {
  // The channel was over before.
}

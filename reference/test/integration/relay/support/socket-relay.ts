import { randomBytes } from 'node:crypto';
import { TIMERS } from '../../../../core/index.ts';
import {
  type Application,
  type Channel,
  type ConnectOptions,
  DeadlineQueue,
  type Environment,
  type ServerOptions,
  type Session,
} from '../../../../node/index.ts';
import { ChannelRecord } from '../../../../node/relay/channel-record.ts';
import { type BreakerLimits, CircuitBreaker } from '../../../../node/relay/circuit-breaker.ts';
import type { RetryLimits } from '../../../../node/relay/connect-attempts.ts';
import type { TcpRoute, TlsRoute } from '../../../../node/relay/route.ts';
import { type SocketChannel, leadToSocket } from '../../../../node/relay/socket-end.ts';
import { type RunningServer, connectClient, startServer } from '../../support/endpoints.ts';
import { type Kit, SERVER_IDENTITY } from '../../support/kit.ts';

/** The application whose channels the relay of a test leads to its application end. */
export const APPLICATION = 'relay/application';

/** A route of the test's application. */
export function tcpRoute(port: number, options: Partial<TcpRoute> = {}): TcpRoute {
  const target = { application: APPLICATION, host: '127.0.0.1', port };
  return { kind: 'tcp', framing: 'stream', proxy: false, ...target, ...options };
}

/** The same over TLS, for the name `localhost`. */
export function tlsRoute(kit: Kit, port: number, options: Partial<TlsRoute> = {}): TlsRoute {
  const ca = [kit.authority.certificatePem];
  const target = { application: APPLICATION, host: '127.0.0.1', port };
  return { kind: 'tls', framing: 'stream', proxy: false, serverName: 'localhost', ca, ...target, ...options };
}

/** What {@link startSocketRelay} may be told. */
export interface SocketRelayOptions {
  readonly breaker?: BreakerLimits;
  readonly retry?: RetryLimits;
  readonly environment?: Environment;
  readonly server?: Partial<ServerOptions>;
}

/** A server whose one application end is behind a route, with a client of it. */
export interface SocketRelay extends RunningServer {
  readonly session: Session;
  /** Records of the channels, in their order. */
  readonly records: readonly ChannelRecord[];
  /** Connects another client. */
  readonly connect: (options?: Partial<ConnectOptions>) => Promise<Session>;
}

/** Starts a server that leads `APPLICATION` by a route, and connects a client; both end with the test. */
export async function startSocketRelay(
  kit: Kit,
  route: TcpRoute | TlsRoute,
  options: SocketRelayOptions = {},
  client: Partial<ConnectOptions> = {},
): Promise<SocketRelay> {
  const environment = options.environment ?? {
    deadlines: new DeadlineQueue(),
    wallClock: () => new Date(),
    random: randomBytes,
  };
  const breaker = new CircuitBreaker(options.breaker ?? { failures: Infinity, openMs: 0 }, environment);
  const { retry = { attempts: 1, firstBoundMs: 0 } } = options;
  const records: ChannelRecord[] = [];
  const relay: Application = (channel, request) => {
    const { session, identity, application } = request;
    const facts = { session: session.id, channel: channel.number, identity, relays: [], application, end: 'tcp://' };
    const record = new ChannelRecord(facts, 0);
    records.push(record);
    return leadToSocket(channel as SocketChannel, request, {
      route,
      breaker,
      connectTimeoutMs: TIMERS.application_connect_deadline_ms,
      retry,
      relayIdentity: SERVER_IDENTITY,
      record,
      environment,
      log: running.log,
    });
  };
  const applications = new Map([[APPLICATION, relay]]);
  const running = await startServer(kit, { environment, ...options.server, applications });
  const connect = (more: Partial<ConnectOptions> = {}): Promise<Session> =>
    connectClient(kit, running.port, { ...client, ...more });
  return { ...running, session: await connect(), records, connect };
}

/** The messages of a channel, until the peer has sent its last one. */
export async function messagesOf(channel: Channel): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for await (const message of channel) messages.push(Buffer.from(message));
  return messages;
}

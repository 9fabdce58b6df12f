import { type Socket, connect as connectTcp, isIP } from 'node:net';
import { type SecureContext, checkServerIdentity, connect as connectTls, createSecureContext } from 'node:tls';
import { TransportError } from '../../core/index.ts';
import type { DeadlineQueue } from '../deadline-queue.ts';
import type { TcpRoute, TlsRoute } from './route.ts';

/** An application end was not reached. */
export class ConnectError extends TransportError {
  /** Whether the deadline has passed. */
  readonly late: boolean;

  constructor(phase: ConnectPhase, late: boolean, message: string, cause?: unknown) {
    const code = late ? 'HAWSER_ERR_TRANSPORT_APPLICATION_LATE' : 'HAWSER_ERR_TRANSPORT_APPLICATION_UNREACHABLE';
    super(code, phase, message, { cause });
    this.late = late;
  }
}

/** How far the connection to an application end is. */
type ConnectPhase = 'tcp' | 'tls';

/** A connection to an application end that is complete. */
export interface SocketConnection {
  /** What the octets of the application end come from and go to; it reads nothing yet. */
  readonly socket: Socket;
  /** Cuts the connection with RST, and what is buffered with it. */
  cut(): void;
}

/** What a connection is made with. */
export interface SocketConnectOptions {
  /** Octets that go in front of everything else, TLS included. [RLY-024] */
  readonly header: Uint8Array | undefined;
  /** Time for the whole, in milliseconds: this attempt and those before it. */
  readonly timeoutMs: number;
  /** When that time began, on the monotonic clock. */
  readonly startedAt: number;
  readonly deadlines: DeadlineQueue;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
}

/** Of the time for the whole, what one of several addresses of a name gets before the next is tried. */
const ADDRESS_SHARE = 1 / 4;

/** Contexts by route: making one costs more than a connection. */
const contexts = new WeakMap<TlsRoute, SecureContext>();

/**
 * Connects to an application end.
 *
 * @throws ConnectError (as a rejection) when it can not be reached, or not in time; the reason of the signal when that is given.
 */
export function connectSocket(route: TcpRoute | TlsRoute, options: SocketConnectOptions): Promise<SocketConnection> {
  const { header, timeoutMs, startedAt, deadlines, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const secureContext = route.kind === 'tls' ? contextOf(route) : undefined;
    const tcp = connectTcp({
      host: route.host,
      port: route.port,
      noDelay: true,
      // Each direction has an end of its own. [RLY-019] [RLY-020]
      allowHalfOpen: true,
      autoSelectFamilyAttemptTimeout: Math.max(1, Math.ceil(timeoutMs * ADDRESS_SHARE)),
    });
    let phase: ConnectPhase = 'tcp';
    const to = `${route.kind}://${route.host}:${route.port}`;
    const late = deadlines.add(() => {
      fail(new ConnectError(phase, true, `${to} was not reached within ${timeoutMs} ms: see whether it answers.`));
      return undefined;
    });
    const settle = (): void => {
      late.cancel();
      signal.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      settle();
      tcp.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason as Error);
    const failed = (error: Error): void =>
      fail(new ConnectError(phase, false, `${to} can not be reached: ${error.message}`, error));
    const complete = (socket: Socket): void => {
      settle();
      resolve({
        socket,
        cut: () => {
          // TLS has none of its own.
          tcp.resetAndDestroy();
          socket.destroy();
        },
      });
    };
    late.by(startedAt + timeoutMs);
    signal.addEventListener('abort', abort);
    // Also once the connection is complete: what happens then is for its owner, who listens to the socket.
    tcp.on('error', failed);
    tcp.once('connect', () => {
      if (header !== undefined) tcp.write(header);
      if (route.kind === 'tcp') {
        complete(tcp);
        return;
      }
      phase = 'tls';
      const tls = connectTls({
        socket: tcp,
        secureContext,
        rejectUnauthorized: true,
        // An address is no name to ask for.
        ...(isIP(route.serverName) === 0 ? { servername: route.serverName } : {}),
        checkServerIdentity: (_host, certificate) => checkServerIdentity(route.serverName, certificate),
      });
      tls.on('error', failed);
      tls.once('secureConnect', () => complete(tls));
    });
  });
}

function contextOf(route: TlsRoute): SecureContext {
  const known = contexts.get(route);
  if (known !== undefined) return known;
  const context = createSecureContext({ ca: [...route.ca] });
  contexts.set(route, context);
  return context;
}

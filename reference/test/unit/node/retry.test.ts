import { describe, expect, it } from 'vitest';
import {
  ERROR_CODE,
  ERRORS,
  type ErrorName,
  IncompatibleError,
  PeerViolationError,
  RemoteError,
  TimeoutError,
  TransportError,
} from '../../../core/index.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { type Client, DeadlineQueue, type Session, connectWithRetry, retryDelayMs } from '../../../node/index.ts';
import { networkMayRecover, reloadMayHelp } from '../../../node/client/retry.ts';
import { StoreError, type StoreErrorCode } from '../../../store/index.ts';

const remote = (name: ErrorName, retryAfterMs = 0): { error: RemoteError; code: ErrorName } => ({
  error: new RemoteError(name, ERROR_CODE[name], name, retryAfterMs),
  code: name,
});
const transport = (
  code: `HAWSER_ERR_TRANSPORT_${string}`,
  cause?: string,
): { error: TransportError; code: undefined } => ({
  error: new TransportError(code, 'tls', code, cause === undefined ? {} : { cause: { code: cause } }),
  code: undefined,
});

describe('retryDelayMs', () => {
  it('never tries again after an error whose rule is never [ERR-006]', () => {
    const never = (Object.keys(ERRORS) as ErrorName[]).filter((name) => ERRORS[name].retry === 'never');
    expect(never.length).toBeGreaterThan(10);
    for (const name of never) expect(retryDelayMs(remote(name, 5), 1, 0.5)).toBeUndefined();
    const violation = { error: new PeerViolationError('FRAME_MALFORMED', 'WIR-014', 'x'), code: undefined };
    expect(retryDelayMs(violation, 1, 0.5)).toBeUndefined();
  });

  it('leaves permanent errors to a person', () => {
    expect(retryDelayMs(remote('AUTHENTICATION_FAILED'), 1, 0.5)).toBeUndefined();
    const code = 'HAWSER_ERR_INCOMPATIBLE_SERVER_IDENTITY';
    const error = new IncompatibleError(code, 'AUTHENTICATION_FAILED', 'EST-009', 'a', 'b', 'x');
    expect(retryDelayMs({ error, code: undefined }, 1, 0.5)).toBeUndefined();
    expect(retryDelayMs(transport('HAWSER_ERR_TRANSPORT_TLS', 'CERT_REVOKED'), 1, 0.5)).toBeUndefined();
    expect(retryDelayMs(transport('HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE'), 1, 0.5)).toBeUndefined();
    expect(retryDelayMs({ error: undefined, code: 'NO_ERROR' }, 1, 0.5)).toBeUndefined();
  });

  it('waits for a store that may work again, and for no other [CNT-057]', () => {
    const delayMs = (code: StoreErrorCode): number | undefined =>
      retryDelayMs({ error: new StoreError(code, code), code: 'INTERNAL_ERROR' }, 1, 0.5);
    for (const kind of ['UNAVAILABLE', 'FULL', 'FAILED'] as const)
      expect(delayMs(`HAWSER_ERR_STORE_${kind}`)).toBe(500);
    for (const kind of ['CORRUPT', 'LOCKED', 'EXISTS', 'CLOSED'] as const) {
      expect(delayMs(`HAWSER_ERR_STORE_${kind}`)).toBeUndefined();
    }
  });

  it('waits for a share of a bound that doubles, up to a minute [ERR-007]', () => {
    const failure = transport('HAWSER_ERR_TRANSPORT_UNREACHABLE');
    expect([1, 2, 3, 4].map((failures) => retryDelayMs(failure, failures, 0.5))).toEqual([500, 1000, 2000, 4000]);
    expect(retryDelayMs(failure, 1000, 0.5)).toBe(30_000);
    expect(retryDelayMs(failure, 5, 0)).toBe(0);
    const timeout = { error: new TimeoutError('liveness', 1, 'x'), code: undefined };
    expect(retryDelayMs(timeout, 1, 0.25)).toBe(250);
    expect(retryDelayMs(transport('HAWSER_ERR_TRANSPORT_TLS', 'ECONNRESET'), 1, 0.25)).toBe(250);
    expect(retryDelayMs({ error: undefined, code: 'SHUTTING_DOWN' }, 1, 0.25)).toBe(250);
    expect(retryDelayMs(remote('RATE_EXCEEDED'), 1, 0.25)).toBe(250);
  });

  it('waits at least as long as the server asked for [EST-024]', () => {
    expect(retryDelayMs(remote('BUSY', 5_000), 1, 0.5)).toBe(5_000);
    expect(retryDelayMs(remote('BUSY', 100), 1, 0.5)).toBe(500);
  });
});

describe('networkMayRecover', () => {
  const ended = transport('HAWSER_ERR_TRANSPORT_ENDED').error;
  const failed = (cause: unknown): TransportError =>
    new TransportError('HAWSER_ERR_TRANSPORT_APPLICATION_UNREACHABLE', 'tcp', 'x', { cause });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'])(
    'is so for %s',
    (code) => {
      expect(networkMayRecover(failed({ code }))).toBe(true);
    },
  );

  it('is so where the peer ended a connection without a word', () => {
    expect(networkMayRecover(ended)).toBe(true);
  });

  it('is so where one of several addresses may answer the next time', () => {
    expect(networkMayRecover(failed(new AggregateError([{ code: 'EACCES' }, { code: 'ECONNREFUSED' }])))).toBe(true);
    expect(networkMayRecover(failed(new AggregateError([{ code: 'EACCES' }])))).toBe(false);
  });

  it.each(['ENOTFOUND', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'])(
    'is not so for %s',
    (code) => {
      expect(networkMayRecover(failed({ code }))).toBe(false);
      expect(networkMayRecover(transport('HAWSER_ERR_TRANSPORT_FAILED', code).error)).toBe(false);
    },
  );

  it('is not so for what the peer is or has said, and not for a time that is over', () => {
    expect(networkMayRecover(transport('HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE').error)).toBe(false);
    expect(networkMayRecover(transport('HAWSER_ERR_TRANSPORT_APPLICATION_LATE').error)).toBe(false);
    expect(networkMayRecover(remote('BUSY', 1).error)).toBe(false);
    expect(networkMayRecover(new TimeoutError('establishment', 1, 'x'))).toBe(false);
    expect(networkMayRecover(new Error('x'))).toBe(false);
  });
});

describe('whether a session waits for a reload (CNT-065)', () => {
  it('is so where one end has not taken the certificate of the other', () => {
    for (const code of ['AUTHENTICATION_FAILED', 'AUTHORITY_REVOKED', 'AUTHORITY_EXPIRED'] as const) {
      expect(reloadMayHelp({ error: undefined, code })).toBe(true);
      expect(reloadMayHelp(remote(code, 0))).toBe(true);
    }
    for (const code of ['TLS', 'TLS_REFUSED', 'PEER_CERTIFICATE'] as const) {
      expect(reloadMayHelp(transport(`HAWSER_ERR_TRANSPORT_${code}`))).toBe(true);
    }
  });

  it('is not so where another attempt may do, nor where nothing helps', () => {
    expect(reloadMayHelp(transport('HAWSER_ERR_TRANSPORT_TLS', 'ECONNRESET'))).toBe(false);
    expect(reloadMayHelp(transport('HAWSER_ERR_TRANSPORT_UNREACHABLE'))).toBe(false);
    expect(reloadMayHelp(remote('BUSY', 1))).toBe(false);
    expect(reloadMayHelp(remote('SIGNATURE_INVALID', 0))).toBe(false);
    expect(reloadMayHelp({ error: undefined, code: 'SUPERSEDED' })).toBe(false);
  });
});

describe('connectWithRetry', () => {
  const target = { host: 'h', port: 1, audience: 'a' };

  /** A client whose attempts fail in turn, and then succeed. */
  function clientOf(...failures: readonly Error[]): Client & { attempts: number } {
    const client = {
      attempts: 0,
      connect: () => {
        const failure = failures[client.attempts++];
        return failure === undefined ? Promise.resolve({ id: 'session' } as Session) : Promise.reject(failure);
      },
      stored: () => Promise.resolve([]),
      restore: () => Promise.reject(new Error('not of this test')),
      reload: () => Promise.reject(new Error('not of this test')),
    };
    return client;
  }

  it('tries again after what may pass', async () => {
    const client = clientOf(remote('BUSY', 1).error, transport('HAWSER_ERR_TRANSPORT_UNREACHABLE').error);
    const delays: number[] = [];
    const environment = { ...systemEnvironment, random: () => new Uint8Array(4) };
    const session = await connectWithRetry(client, target, {
      onRetry: (_error, delayMs) => delays.push(delayMs),
      environment,
    });
    expect([session.id, client.attempts, delays]).toEqual(['session', 3, [1, 0]]);
  });

  it('keeps the process alive between two attempts', async () => {
    const kept: boolean[] = [];
    let time = 0;
    const deadlines = new DeadlineQueue({
      now: () => time,
      set: (callback, delayMs, keepsAlive) => {
        kept.push(keepsAlive);
        return setImmediate(() => {
          time += delayMs;
          callback();
        });
      },
      clear: (timer) => clearImmediate(timer as NodeJS.Immediate),
    });
    const client = clientOf(transport('HAWSER_ERR_TRANSPORT_UNREACHABLE').error);
    await connectWithRetry(client, target, { environment: { ...systemEnvironment, deadlines } });
    expect([client.attempts, kept]).toEqual([2, [true]]);
  });

  it('gives up at what does not pass, and when it is told', async () => {
    const permanent = remote('AUTHENTICATION_FAILED').error;
    await expect(connectWithRetry(clientOf(permanent), target)).rejects.toBe(permanent);
    const abort = new AbortController();
    const waiting = connectWithRetry(clientOf(remote('BUSY', 3_600_000).error), target, {
      signal: abort.signal,
      onRetry: () => setImmediate(() => abort.abort(new Error('enough'))),
    });
    await expect(waiting).rejects.toThrow('enough');
  });
});

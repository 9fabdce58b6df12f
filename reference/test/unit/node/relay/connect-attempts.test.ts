import { describe, expect, it } from 'vitest';
import { ERROR_CODE, RemoteError, TransportError } from '../../../../core/index.ts';
import { systemEnvironment } from '../../../../node/environment.ts';
import { DeadlineQueue } from '../../../../node/index.ts';
import { type ConnectAttempts, connectRepeatedly } from '../../../../node/relay/connect-attempts.ts';
import { RecordingLog } from '../../../integration/support/endpoints.ts';

const failure = (code: string): TransportError =>
  new TransportError('HAWSER_ERR_TRANSPORT_APPLICATION_UNREACHABLE', 'tcp', code, { cause: { code } });
const REFUSED = failure('ECONNREFUSED');

/** The first octet of each random number: its share of a bound, in 256ths. */
const SHARES = [0x80, 0x40, 0xc0];

/** Attempts that fail in turn and then succeed, on a clock that goes from one deadline to the next. */
function createAttempts(failures: readonly Error[], options: Partial<ConnectAttempts> = {}): Attempts {
  let now = 500;
  const shares = [...SHARES];
  const log = new RecordingLog();
  const times: number[] = [];
  const abort = new AbortController();
  const deadlines = new DeadlineQueue({
    now: () => now,
    set: (callback, delayMs) =>
      setImmediate(() => {
        now += delayMs;
        callback();
      }),
    clear: (timer) => clearImmediate(timer as NodeJS.Immediate),
  });
  const connect = (): Promise<string> => {
    times.push(now - 500);
    const error = failures[times.length - 1];
    return error === undefined ? Promise.resolve('connected') : Promise.reject(error);
  };
  const connected = connectRepeatedly(connect, {
    retry: { attempts: 4, firstBoundMs: 100 },
    deadline: now + 5000,
    signal: abort.signal,
    environment: { ...systemEnvironment, deadlines, random: () => Uint8Array.of(shares.shift() ?? 0, 0, 0, 0) },
    log,
    facts: { application: 'it' },
    ...options,
  });
  return { connected, times, log, deadlines, abort: () => abort.abort() };
}

interface Attempts {
  readonly connected: Promise<string>;
  /** When each attempt was made, in milliseconds from the first. */
  readonly times: readonly number[];
  readonly log: RecordingLog;
  readonly deadlines: DeadlineQueue;
  readonly abort: () => void;
}

describe('connectRepeatedly', () => {
  it('needs one attempt where it succeeds', async () => {
    const { connected, times, log } = createAttempts([]);
    expect(await connected).toBe('connected');
    expect(times).toEqual([0]);
    expect(log.lines).toEqual([]);
  });

  it('waits for a share of a bound that doubles, and tells of each further attempt', async () => {
    const { connected, times, log } = createAttempts([REFUSED, failure('ECONNRESET'), failure('EAI_AGAIN')]);
    expect(await connected).toBe('connected');
    expect(times).toEqual([0, 50, 50 + 50, 50 + 50 + 300]);
    expect(
      log.lines.map(({ level, fields }) => [level, fields['application'], fields['failures'], fields['delayMs']]),
    ).toEqual([
      ['info', 'it', 1, 50],
      ['info', 'it', 2, 50],
      ['info', 'it', 3, 300],
    ]);
  });

  it('gives up after the last attempt, with its error', async () => {
    const last = failure('ECONNRESET');
    const { connected, times, log } = createAttempts([REFUSED, REFUSED, REFUSED, last]);
    await expect(connected).rejects.toBe(last);
    expect(times).toHaveLength(4);
    expect(log.lines).toHaveLength(3);
  });

  it('makes one attempt where no other is wanted', async () => {
    const { connected, times } = createAttempts([REFUSED], { retry: { attempts: 1, firstBoundMs: 100 } });
    await expect(connected).rejects.toBe(REFUSED);
    expect(times).toEqual([0]);
  });

  it('gives up at once where the wait would outlast the time for all attempts [RLY-033]', async () => {
    const { connected, times } = createAttempts([REFUSED, REFUSED, REFUSED], { deadline: 500 + 100 });
    await expect(connected).rejects.toBe(REFUSED);
    expect(times).toEqual([0, 50]);
  });

  it.each([
    ['a certificate', failure('CERT_HAS_EXPIRED')],
    ['an identity', new TransportError('HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE', 'tls', 'x')],
    ['a name that nobody has', failure('ENOTFOUND')],
    ['what the server has answered', new RemoteError('BUSY', ERROR_CODE.BUSY, 'BUSY', 10)],
    ['a failure of the relay itself', new TypeError('x')],
  ])('does not try again after %s', async (_what, error) => {
    const { connected, times, log } = createAttempts([error]);
    await expect(connected).rejects.toBe(error);
    expect(times).toEqual([0]);
    expect(log.lines).toEqual([]);
  });

  it('makes no other attempt when nobody waits any more during a wait', async () => {
    const { connected, times, log, deadlines, abort } = createAttempts([REFUSED]);
    const over = expect(connected).rejects.toBe(REFUSED);
    await log.line('is repeated');
    abort();
    await over;
    expect(times).toEqual([0]);
    expect(deadlines.size).toBe(0);
  });

  it('makes no other attempt when nobody waits any more during an attempt', async () => {
    const { connected, times, log, abort } = createAttempts([REFUSED]);
    abort();
    await expect(connected).rejects.toBe(REFUSED);
    expect(times).toEqual([0]);
    expect(log.lines).toEqual([]);
  });
});

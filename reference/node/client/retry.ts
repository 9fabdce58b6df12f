import {
  ERRORS,
  type ErrorName,
  type HawserError,
  IncompatibleError,
  PeerViolationError,
  RemoteError,
  TIMERS,
  TimeoutError,
  TransportError,
} from '../../core/index.ts';
import { StoreError } from '../../store/index.ts';
import type { Client, Target } from './connect.ts';
import { type Environment, randomShare, systemEnvironment } from '../environment.ts';
import type { Session } from '../session/session.ts';
import { wait } from '../wait.ts';

/** How an attempt or a session ended, as far as it matters for the next attempt. */
export interface Failure {
  readonly error: HawserError | undefined;
  /** The code of the end, where there was one. */
  readonly code: ErrorName | undefined;
}

/**
 * How long to wait before the next attempt at the same server: a random time up to a bound that doubles with each failure,
 * and at least what the server asked for. [EST-024] [ERR-007]
 *
 * @param failures - how many attempts have failed in a row, this one included.
 * @param random - a number from 0 to below 1.
 * @returns milliseconds; undefined when only a person can help. [ERR-006]
 */
export function retryDelayMs(failure: Failure, failures: number, random: number): number | undefined {
  if (!mayRetry(failure)) return undefined;
  const { reconnect_first_bound_ms: first, reconnect_last_bound_ms: last } = TIMERS;
  const bound = Math.min(first * 2 ** (failures - 1), last);
  const asked = failure.error instanceof RemoteError ? (failure.error.retryAfterMs ?? 0) : 0;
  return Math.max(asked, random * bound);
}

function mayRetry({ error, code }: Failure): boolean {
  if (error === undefined) return code !== undefined && codeMayRetry(code);
  if (error instanceof RemoteError) return codeMayRetry(error.wireName);
  if (error instanceof PeerViolationError || error instanceof IncompatibleError) return false;
  if (error instanceof TimeoutError) return true;
  if (error instanceof StoreError) return storeMayRetry(error);
  return error instanceof TransportError && transportMayRetry(error);
}

function codeMayRetry(code: ErrorName): boolean {
  const { class: kind, retry } = ERRORS[code];
  return kind === 'transient' || retry === 'with back-off';
}

/** The network may be better next time; a certificate will not. */
function transportMayRetry({ code, cause }: TransportError): boolean {
  switch (code) {
    case 'HAWSER_ERR_TRANSPORT_UNREACHABLE':
    case 'HAWSER_ERR_TRANSPORT_ENDED':
    case 'HAWSER_ERR_TRANSPORT_FAILED':
      return true;
    case 'HAWSER_ERR_TRANSPORT_TLS':
      return mayPass(cause);
    default:
      return false;
  }
}

/** What the system says of a connection that may come about the next time. */
const PASSING: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EAI_AGAIN',
]);

function mayPass(cause: unknown): boolean {
  // One of several addresses is enough.
  if (cause instanceof AggregateError) return cause.errors.some(mayPass);
  return PASSING.has((cause as NodeJS.ErrnoException | undefined)?.code);
}

/**
 * Whether an attempt failed for what the network did, which may be over in a moment: not for what the peer is or has said, nor
 * for a name that nobody has.
 */
export function networkMayRecover(error: unknown): boolean {
  if (!(error instanceof TransportError)) return false;
  const { code, cause } = error;
  return cause === undefined ? code === 'HAWSER_ERR_TRANSPORT_ENDED' : mayPass(cause);
}

/** The storage may answer again, and have room; what is damaged or closed needs its owner. */
function storeMayRetry({ code }: StoreError): boolean {
  return ['HAWSER_ERR_STORE_UNAVAILABLE', 'HAWSER_ERR_STORE_FULL', 'HAWSER_ERR_STORE_FAILED'].includes(code);
}

/** Codes that say: with another certificate, or by another policy. */
const REFUSALS: ReadonlySet<ErrorName> = new Set(['AUTHENTICATION_FAILED', 'AUTHORITY_REVOKED', 'AUTHORITY_EXPIRED']);

/** Errors of a transport on which one end did not take the certificate of the other. */
const REFUSED_TRANSPORTS: ReadonlySet<string> = new Set([
  'HAWSER_ERR_TRANSPORT_TLS',
  'HAWSER_ERR_TRANSPORT_TLS_REFUSED',
  'HAWSER_ERR_TRANSPORT_PEER_CERTIFICATE',
]);

/** Whether only another certificate, trust anchor or list may help, of this end or of the server. [CNT-065] */
export function reloadMayHelp(failure: Failure): boolean {
  if (mayRetry(failure)) return false;
  const { error, code } = failure;
  if (code !== undefined && REFUSALS.has(code)) return true;
  if (error instanceof RemoteError) return REFUSALS.has(error.wireName);
  return error instanceof TransportError && REFUSED_TRANSPORTS.has(error.code);
}

/** Options of {@link connectWithRetry}. */
export interface RetryOptions {
  /** Stops further attempts; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Told of each failure that is tried again, and after how long. */
  readonly onRetry?: (error: HawserError, delayMs: number) => void;
  /** Time and randomness; a test replaces them. */
  readonly environment?: Environment;
}

/**
 * Establishes a session with as many attempts as it takes, by the rules of section 7.3.
 *
 * @returns the session; rejects with the first error that only a person can help with, as {@link Client.connect} does.
 */
export async function connectWithRetry(client: Client, target: Target, options: RetryOptions = {}): Promise<Session> {
  const { signal, onRetry, environment = systemEnvironment } = options;
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await client.connect(target);
    } catch (error) {
      const failure = { error: error as HawserError, code: undefined };
      const delayMs = retryDelayMs(failure, failures, randomShare(environment));
      if (delayMs === undefined) throw error;
      onRetry?.(failure.error, delayMs);
      // Between two attempts nothing else of the process may be open.
      await wait(delayMs, environment, { signal, keepsAlive: true });
    }
  }
}

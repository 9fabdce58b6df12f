import { HawserError, type HawserErrorOptions } from '../core/errors.ts';

/**
 * What is wrong with a store.
 *
 * | Code | Means |
 * |---|---|
 * | `HAWSER_ERR_STORE_UNAVAILABLE` | the storage does not answer now; the same call may succeed later |
 * | `HAWSER_ERR_STORE_FULL` | the storage has no room; the same call succeeds once it has |
 * | `HAWSER_ERR_STORE_CORRUPT` | what is stored is damaged or incomplete; it was left as it is |
 * | `HAWSER_ERR_STORE_LOCKED` | another process, or another store object, has the directory open |
 * | `HAWSER_ERR_STORE_EXISTS` | a session with this id is in the store already |
 * | `HAWSER_ERR_STORE_CLOSED` | the store was closed by its owner |
 * | `HAWSER_ERR_STORE_FAILED` | anything else; `cause` says what |
 */
export type StoreErrorCode = `HAWSER_ERR_STORE_${
  'UNAVAILABLE' | 'FULL' | 'CORRUPT' | 'LOCKED' | 'EXISTS' | 'CLOSED' | 'FAILED'}`;

/** A session store can not do what it was asked for (`HAWSER_ERR_STORE_*`). */
export class StoreError extends HawserError {
  declare readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options: HawserErrorOptions = {}) {
    super(code, message, options);
  }
}

/** The error of every call after `close`. */
export function closedError(): StoreError {
  return new StoreError('HAWSER_ERR_STORE_CLOSED', 'The session store is closed; open it again.');
}

/** The error of a second `create` with one id. */
export function existsError(id: string): StoreError {
  return new StoreError(
    'HAWSER_ERR_STORE_EXISTS',
    `Session ${id} is in the store already; give a client and a server a store of their own each.`,
  );
}

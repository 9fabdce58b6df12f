import { HawserError } from '../../core/index.ts';
import { StoreError } from '../../store/index.ts';

/** What a store has rejected with, as an error of this library: a store of somebody else's may reject with anything. */
export function storeFailure(cause: unknown): HawserError {
  if (cause instanceof HawserError) return cause;
  return new StoreError('HAWSER_ERR_STORE_FAILED', 'The store failed with an error that is not its own.', { cause });
}

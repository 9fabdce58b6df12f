/**
 * Session stores: where resumable sessions are kept while they have no connection. [12]
 *
 * @module
 */
export { type DurableStoreOptions, openDurableStore } from './durable-store.ts';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';
export { openRedisStore, type RedisStoreOptions } from './redis-store.ts';
export type { RedisTls } from './redis-link.ts';
export type {
  AttachResult,
  Batch,
  ChangeResult,
  Cursors,
  Entry,
  SessionHeader,
  SessionStore,
  StoreClock,
  StoredSession,
} from './session-store.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';

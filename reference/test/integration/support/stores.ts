import { MemoryStore, type SessionStore, StoreError } from '../../../store/index.ts';

/** A memory that calls itself stable storage. */
export class StoredMemory extends MemoryStore {
  override readonly custody = 'stored' as never;
}

/** A store of which some methods are others. */
export function withMethods(store: SessionStore, methods: Partial<SessionStore>): SessionStore {
  return new Proxy(store, {
    get: (target, key) => {
      if (key in methods) return methods[key as keyof SessionStore];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** What a store says that can not be reached. */
export function storeError(): StoreError {
  return new StoreError('HAWSER_ERR_STORE_UNAVAILABLE', 'The store does not answer.');
}

/** `attach` of a store, which takes effect while its first answer is lost. */
export function attachUnanswered(store: SessionStore): SessionStore['attach'] {
  let failures = 1;
  return async (...call) => {
    const result = await store.attach(...call);
    if (failures-- > 0) throw storeError();
    return result;
  };
}

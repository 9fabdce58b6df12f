import { MisuseError } from '../core/errors.ts';
import type {
  AttachResult,
  Batch,
  ChangeResult,
  Cursors,
  SessionHeader,
  SessionStore,
  StoredSession,
} from './session-store.ts';
import { StoreError } from './store-error.ts';

/**
 * A store that rejects with what {@link SessionStore} names and nothing else, whoever has written the one behind it: what a
 * session does next depends on whether its store has failed or its peer.
 */
export class NamedErrors implements SessionStore {
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  get custody(): 'received' | 'stored' {
    return this.#store.custody;
  }

  get shared(): boolean {
    return this.#store.shared;
  }

  create(header: SessionHeader, batch: Batch): Promise<void> {
    return named(() => this.#store.create(header, batch));
  }

  attach(id: string, owner: string, attempt: number, statedEpoch: number): Promise<AttachResult> {
    return named(() => this.#store.attach(id, owner, attempt, statedEpoch));
  }

  commit(id: string, epoch: number, batch: Batch): Promise<ChangeResult> {
    return named(() => this.#store.commit(id, epoch, batch));
  }

  note(
    id: string,
    epoch: number,
    change: { readonly epoch?: number; readonly attempt?: number },
  ): Promise<ChangeResult> {
    return named(() => this.#store.note(id, epoch, change));
  }

  end(id: string, epoch: number, cursors: Cursors): Promise<ChangeResult> {
    return named(() => this.#store.end(id, epoch, cursors));
  }

  detached(id: string, epoch: number, cursors?: Cursors): Promise<ChangeResult> {
    return named(() => this.#store.detached(id, epoch, cursors));
  }

  load(id: string): Promise<StoredSession | undefined> {
    return named(() => this.#store.load(id));
  }

  list(role: 'client' | 'server'): Promise<readonly SessionHeader[]> {
    return named(() => this.#store.list(role));
  }

  count(owner: string): Promise<number> {
    return named(() => this.#store.count(owner));
  }

  sweep(): Promise<readonly string[]> {
    return named(() => this.#store.sweep());
  }

  close(): Promise<void> {
    return named(() => this.#store.close());
  }
}

async function named<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof StoreError || cause instanceof MisuseError) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError('HAWSER_ERR_STORE_FAILED', `The session store failed: ${what}`, { cause });
  }
}

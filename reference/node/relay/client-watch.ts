import type { Session } from '../session/session.ts';

/** What becomes of the client of a channel. */
export interface ClientObserver {
  /** Its certificate is revoked: nothing it has sent goes on until it is back. [RLY-035] */
  clientRevoked(): void;
  /** It is back, with a certificate that holds. */
  clientBack(): void;
  /** Its session is over. [RLY-023] */
  clientGone(): void;
}

const watches = new WeakMap<Session, Set<ClientObserver>>();

/**
 * Tells an observer of the client from now on. A session has few listeners, however many channels it carries.
 *
 * @returns ends it.
 */
export function watchClient(session: Session, observer: ClientObserver): () => void {
  const observers = watches.get(session) ?? startWatch(session);
  observers.add(observer);
  return () => observers.delete(observer);
}

function startWatch(session: Session): Set<ClientObserver> {
  const observers = new Set<ClientObserver>();
  session.on('revoked', () => {
    for (const observer of observers) observer.clientRevoked();
  });
  session.on('attached', () => {
    for (const observer of observers) observer.clientBack();
  });
  session.once('closed', () => {
    for (const observer of observers) observer.clientGone();
  });
  watches.set(session, observers);
  return observers;
}

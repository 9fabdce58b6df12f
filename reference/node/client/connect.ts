import type { Duplex } from 'node:stream';
import { ConfigError, type DeclaredParameters, type Event, FIELDS, Session as CoreSession } from '../../core/index.ts';
import type { Credential } from '../../pki/index.ts';
import { NamedErrors } from '../../store/named-errors.ts';
import type { SessionHeader, SessionStore } from '../../store/index.ts';
import { Attempt, AttemptFailure } from './attempt.ts';
import type { ChannelEndpoint } from '../session/channel.ts';
import { type ClientContinuity, ClientSessionKeeper } from './client-continuity.ts';
import { ClientProver } from '../session/client-prover.ts';
import { type Environment, systemEnvironment } from '../environment.ts';
import type { KeyLog } from '../connection/key-log.ts';
import { type Log, silentLog } from '../log.ts';
import { checkParameters } from '../connection/parameter-check.ts';
import { type Session, SessionEndpoint, type SessionParts } from '../session/session.ts';
import { leafVerifier } from '../connection/signatures.ts';
import { type ReloadOptions, type Trust, requireUsableLists } from '../connection/trust.ts';
import { type Own, makeOwn } from './own.ts';

/** Options of {@link createClient}: what all connections of a client have in common. */
export interface ClientOptions extends Trust {
  /** Certificate chain and key of the client; see `loadCredential` of `hawser/pki`. */
  readonly credential: Credential;
  /** What the client declares about itself; the registry's defaults where it is silent. */
  readonly parameters?: DeclaredParameters;
  /** Whether to send values without meaning at the extension points; true unless said otherwise. [EXT-003] */
  readonly grease?: boolean;
  readonly log?: Log;
  /** Where resumable sessions are kept: with a durable one they survive this process, and the custody is `stored`. */
  readonly store?: SessionStore;
  /** Takes TLS secrets; see `openKeyLog`. [TLS-027] */
  readonly keyLog?: KeyLog;
  /** Time and randomness; a test replaces them. */
  readonly environment?: Environment;
}

/** Where a client connects to, and whom it means to reach. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Identity of the server, from the client's own configuration. [EST-009] */
  readonly audience: string;
  /** Asks for a session that outlives its connections (chapter 12); without it, it ends with the connection. */
  readonly continuity?: ClientContinuity;
  /**
   * What the TLS connection is made over, in the place of TCP to `host` and `port`: the stream of a tunnel, one for each
   * attempt, that need not be connected yet; see {@link ChannelDuplex}. [RLY-053]
   */
  readonly transport?: () => Duplex;
  /** Sees each event of the engine before it is handled: for logs and drivers. */
  readonly observe?: (event: Event) => void;
  /**
   * Told of each channel from before a restart, before anything else that has happened on it; of one that was reset, when it
   * is over.
   *
   * @internal
   */
  readonly onChannelRestored?: (channel: ChannelEndpoint) => void;
}

/** Options of {@link connect}. */
export interface ConnectOptions extends ClientOptions, Target {}

/** A client: one credential and one TLS context for any number of sessions. */
export interface Client {
  /**
   * Establishes a session: one attempt.
   *
   * @returns the session, after ACCEPT was verified. Rejects with a
   * - `ConfigError` for an audience that no certificate can have;
   * - `TransportError` when TCP or TLS fails, or the server's certificate is not accepted;
   * - `RemoteError` when the server rejects, with `retryAfterMs` [EST-024];
   * - `PeerViolationError` or `IncompatibleError` when the server breaks the protocol;
   * - `TimeoutError` at the establishment deadline.
   */
  connect(target: Target): Promise<Session>;
  /** The sessions that the client's store holds, from before a restart; none whose end is still to be noted. */
  stored(): Promise<readonly SessionHeader[]>;
  /**
   * Goes on with a session from before a restart: it is detached at first, and connects by itself. Its channels are there,
   * those that are over too as long as outcomes on them are to be told; messages on which no decision was stored come again,
   * marked as redelivered. [CNT-044]
   *
   * A session whose end the store could not note before the process died is there too. The server answers that it has ended,
   * and outcomes that were told before come again: with the same key, and no other than before where the server still knows
   * its last word; later, *unknown*. Who records outcomes by key keeps the first that is not *unknown*.
   *
   * @param target - with `continuity`.
   * @throws ConfigError `HAWSER_ERR_CONFIG_SESSION_UNKNOWN` (as a rejection) when the store has no such session.
   */
  restore(id: string, target: Target): Promise<Session>;
  /**
   * Takes a new credential, trust anchors or revocation lists: for every connection that begins from now on, those included
   * that carry a session which exists. The server of each live connection is judged by the new trust, and cut at once if it
   * fails. [SES-025] [SES-026]
   *
   * @throws Error when the new ones can not be used (as a rejection); the old ones stay in force.
   */
  reload(options: ReloadOptions): Promise<void>;
}

/**
 * Creates a client.
 *
 * @throws ConfigError when credential, trust or parameters can not be used.
 */
export function createClient(options: ClientOptions): Client {
  checkParameters(options.parameters ?? {});
  return new HawserClient(options);
}

class HawserClient implements Client {
  readonly #options: ClientOptions;
  /** Sessions that are not over. */
  readonly #sessions = new Map<SessionEndpoint, ClientSessionKeeper | undefined>();
  #own: Own;
  /** Ids of sessions whose end is not in the store yet: they are not gone on with. */
  readonly #endings = new Set<string>();

  constructor(options: ClientOptions) {
    const { store } = options;
    this.#options = store === undefined ? options : { ...options, store: new NamedErrors(store) };
    this.#own = makeOwn(options.credential, options);
  }

  /** What is in force. */
  readonly #current = (): Own => this.#own;

  async connect(target: Target): Promise<Session> {
    checkAudience(target.audience);
    const { continuity } = target;
    const { store } = this.#options;
    const attempt = new Attempt(this.#options, this.#current, {
      target,
      continuity: continuity && {
        retentionMs: continuity.retentionMs,
        ...(continuity.deadlineMs === undefined ? {} : { deadlineMs: continuity.deadlineMs }),
        custody: store?.custody ?? 'received',
      },
      create: ({ session: core }, { identity }) => {
        if (core === undefined) throw new TypeError('An established connection has a session.');
        if (continuity === undefined || !core.resumable) return this.#endpoint(core, identity);
        const { session } = this.#kept(core, identity, target, continuity);
        if (session.journal !== undefined && store !== undefined) {
          const { retentionMs } = core.terms;
          const header = {
            id: session.id,
            role: 'client',
            owner: identity,
            epoch: 1,
            attempt: 0,
            retentionMs,
          } as const;
          session.journal.release(1, () => store.create(header, { put: [], delete: [] }));
        }
        return session;
      },
    });
    try {
      return await attempt.session;
    } catch (failure) {
      throw failure instanceof AttemptFailure ? failure.error : failure;
    }
  }

  async stored(): Promise<readonly SessionHeader[]> {
    const headers = (await this.#options.store?.list('client')) ?? [];
    return headers.filter(({ id }) => !this.#endings.has(id));
  }

  async restore(id: string, target: Target): Promise<Session> {
    checkAudience(target.audience);
    // To load it would take it from its end.
    const loaded = this.#endings.has(id) ? undefined : await this.#options.store?.load(id);
    const stored = loaded?.header.owner === target.audience ? loaded : undefined;
    const isEmpty = stored?.entries.length === 0;
    // The process died before anything of it was stored: nothing was sent, and nothing acknowledged. [CNT-006] [CNT-011]
    if (isEmpty) await this.#options.store?.end(id, stored.header.epoch, { receiveCursor: 0, sendCursor: 0 });
    if (stored === undefined || isEmpty) {
      const message = `The store has no session ${id} with ${target.audience}: it has ended, or its retention is over.`;
      throw new ConfigError('HAWSER_ERR_CONFIG_SESSION_UNKNOWN', 'session', message);
    }
    const { header, entries } = stored;
    const { environment = systemEnvironment, grease = true } = this.#options;
    const { random, deadlines } = environment;
    const now = deadlines.now();
    const core = CoreSession.restore(entries, { random, grease, leafVerifier, now, epoch: header.epoch });
    const continuity = target.continuity ?? { retentionMs: header.retentionMs };
    const { session, keeper } = this.#kept(core, header.owner, target, continuity, header.attempt);
    session.flushed();
    keeper.resumeStored();
    return session;
  }

  async reload(options: ReloadOptions): Promise<void> {
    const { credential: ownCredential, trust: ownTrust } = this.#own;
    const { credential = ownCredential, trustAnchors = ownTrust.trustAnchors, crls = ownTrust.crls } = options;
    const { environment = systemEnvironment } = this.#options;
    const own = makeOwn(credential, { trustAnchors, crls });
    await requireUsableLists(credential, 'client', own.trust, environment.wallClock());
    this.#own = own;
    await Promise.all([...this.#sessions.keys()].map((session) => session.updateTrust(own.trust)));
    for (const keeper of this.#sessions.values()) keeper?.reloaded();
  }

  /** A session that outlives its connections, with what keeps it attached. */
  #kept(
    core: CoreSession,
    peerIdentity: string,
    target: Target,
    continuity: ClientContinuity,
    attempt = 0,
  ): { readonly session: SessionEndpoint; readonly keeper: ClientSessionKeeper } {
    const session = this.#endpoint(core, peerIdentity, {
      store: this.#options.store,
      onLinkEnded: (end) => keeper.linkEnded(end),
      onAttached: (link) => keeper.attached(link),
      beforeEpoch: (epoch) => keeper.noteEpoch(epoch),
      onDraining: ({ code }) => keeper.draining(code),
      onNearlySpent: (connection) => keeper.nearlySpent(connection),
      onRotate: () => keeper.rotate(),
      onDetach: () => keeper.detach(),
      onCloseDetached: () => keeper.closeDetached(),
      afterClose: () => keeper.endNoted(),
      onFenced: () => keeper.fenced(),
      ...(target.onChannelRestored === undefined ? {} : { onChannelRequested: target.onChannelRestored }),
    });
    const keeper = new ClientSessionKeeper({
      session,
      options: this.#options,
      own: this.#current,
      target,
      continuity,
      attempt,
      endings: this.#endings,
    });
    this.#sessions.set(session, keeper);
    return { session, keeper };
  }

  #endpoint(core: CoreSession, peerIdentity: string, kept: Partial<SessionParts> = {}): SessionEndpoint {
    const { environment = systemEnvironment, log = silentLog } = this.#options;
    const prover = new ClientProver({ audience: peerIdentity, authority: this.#current, environment });
    const session = new SessionEndpoint({ core, environment, log, peerIdentity, prover, ...kept });
    this.#sessions.set(session, undefined);
    void session.closed.then(() => this.#sessions.delete(session));
    return session;
  }
}

/** An audience that no certificate may state as its identity could never be reached. [TLS-021] */
function checkAudience(audience: string): void {
  const { max } = FIELDS.CONNECT.audience;
  if (/^[\x21-\x7e]+$/.test(audience) && audience.length <= max) return;
  const message = `The audience has to be 1 to ${max} printable ASCII characters without spaces, as in a certificate.`;
  throw new ConfigError('HAWSER_ERR_CONFIG_AUDIENCE', 'audience', message);
}

/**
 * Establishes one session; `createClient` saves a TLS context for each further one.
 *
 * @returns and rejects as {@link Client.connect}.
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  return createClient(options).connect(options);
}

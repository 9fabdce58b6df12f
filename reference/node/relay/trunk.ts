import { ConfigError } from '../../core/index.ts';
import type { ChannelRequest } from '../server/application.ts';
import type { ChannelEndpoint } from '../session/channel.ts';
import type { Client, Target } from '../client/connect.ts';
import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import { type Session, SessionEndpoint, type SessionEnd } from '../session/session.ts';
import type { ReloadOptions } from '../connection/trust.ts';
import { ChannelPair } from './channel-pair.ts';
import { type RetryLimits, connectRepeatedly } from './connect-attempts.ts';
import { ConnectError } from './socket-connect.ts';

/** What a trunk is made of. */
export interface TrunkParts {
  /** Makes its connections. */
  readonly client: Client;
  readonly target: Target;
  readonly retry: RetryLimits;
  readonly environment: Environment;
  readonly log: Log;
}

/** The session with one Hawser application end, which carries the channels of many clients (section 13.2). */
export class Trunk {
  readonly #parts: TrunkParts;
  /** The newest one takes new channels; others, of before a restart, end with theirs. */
  readonly #sessions = new Set<SessionEndpoint>();
  #connecting: Promise<SessionEndpoint> | undefined;
  /** The newest session has lost its connection: settles when it has another one, or is over. */
  #attaching: Promise<void> | undefined;
  /** The last attempt for which somebody has waited too long. */
  #late: { readonly attempt: Promise<unknown> | undefined; readonly error: ConnectError } | undefined;
  /** Aborted once the trunk is to be left. */
  readonly #leaving = new AbortController();
  /** Channels from before a restart whose client has not come back, by `keyOf`. */
  readonly #waiting = new Map<string, ChannelPair>();

  constructor(parts: TrunkParts) {
    this.#parts = parts;
  }

  /** Goes on with the sessions of before a restart. */
  async restore(): Promise<void> {
    const { client, target, log } = this.#parts;
    for (const { id, owner } of await client.stored()) {
      if (owner !== target.audience) continue;
      const onChannelRestored = (channel: ChannelEndpoint): void => {
        // The other leg was abandoned too, or would have been: it finds nothing here.
        if (channel.abandoned || channel.wasReset) {
          channel.leaveEnd();
          return;
        }
        const pair = new ChannelPair(channel, log);
        const key = keyOf(channel);
        // A client that has stated a nonce twice does not find both.
        if (this.#waiting.has(key)) pair.abandon();
        else this.#waiting.set(key, pair);
      };
      try {
        this.#keep(await client.restore(id, { ...target, onChannelRestored }));
      } catch (error) {
        // The relay had only just begun with it.
        if (!(error instanceof ConfigError && error.code === 'HAWSER_ERR_CONFIG_SESSION_UNKNOWN')) throw error;
        log.info({ session: id, application: target.audience, err: error }, 'a trunk is not gone on with');
      }
    }
  }

  /** The channel that carried a request before a restart. */
  claim({ nonce, identity, application }: ChannelRequest): ChannelPair | undefined {
    const key = keyOf({ nonce, client: identity, application });
    const pair = this.#waiting.get(key);
    this.#waiting.delete(key);
    return pair;
  }

  /** Clients that have not come back until now do not come any more. */
  abandonUnclaimed(): void {
    for (const pair of this.#waiting.values()) pair.abandon();
    this.#waiting.clear();
  }

  /** Whether a session is there that takes channels at once. */
  get attached(): boolean {
    return this.#newest()?.link !== undefined;
  }

  /**
   * The session, with a connection.
   *
   * @throws HawserError (as a rejection) when the application end can not be reached, or not within `deadlineMs`.
   */
  async session(deadlineMs: number): Promise<SessionEndpoint> {
    const { deadlines } = this.#parts.environment;
    return new Promise((resolve, reject) => {
      const late = deadlines.add(() => {
        reject(this.#lateError(deadlineMs));
        return undefined;
      });
      const deadline = deadlines.now() + deadlineMs;
      late.by(deadline);
      this.#attachedSession(deadline)
        .then(resolve, reject)
        .finally(() => late.cancel());
    });
  }

  /** The same for all that wait for one attempt: it has failed once. */
  #lateError(deadlineMs: number): ConnectError {
    const attempt = this.#connecting ?? this.#attaching;
    if (this.#late === undefined || this.#late.attempt !== attempt) {
      const message = `The application end was not reached within ${deadlineMs} ms.`;
      this.#late = { attempt, error: new ConnectError('tcp', true, message) };
    }
    return this.#late.error;
  }

  /** Takes a new credential, trust anchors or revocation lists: see {@link Client.reload}. */
  reload(options: ReloadOptions): Promise<void> {
    return this.#parts.client.reload(options);
  }

  /**
   * No route leads here any more: each session ends in order when the last of its channels is over. Resolves when all have
   * ended.
   */
  async retire(): Promise<void> {
    this.abandonUnclaimed();
    await Promise.all(
      [...this.#sessions].map(async (session) => {
        for (let [channel] = session.channels; channel !== undefined; [channel] = session.channels)
          await channel.closed;
        await session.close('NO_ERROR');
      }),
    );
  }

  /** Leaves the connections; sessions in a store that outlives the process are kept there. */
  async close(): Promise<void> {
    this.#leaving.abort();
    await Promise.all(
      [...this.#sessions].map(async (session) => {
        if (session.core.terms.custody === 'stored') {
          session.detach();
          // One that is over by then has nothing to go on with.
          await session.stored().catch(() => undefined);
          return;
        }
        // Without a connection the session would have to find another one first: nobody waits for that.
        const lost = new Promise((resolve) => session.once('detached', resolve));
        const ended = session.close('SHUTTING_DOWN');
        if (session.link !== undefined) await Promise.race([ended, lost]);
      }),
    );
  }

  async #attachedSession(deadline: number): Promise<SessionEndpoint> {
    const session = this.#newest();
    if (session?.link !== undefined) return session;
    if (session === undefined) {
      this.#connecting ??= this.#connect(deadline).finally(() => (this.#connecting = undefined));
      return this.#connecting;
    }
    this.#attaching ??= new Promise<void>((resolve) => {
      session.once('attached', resolve);
      session.once('closed', () => resolve());
    }).finally(() => (this.#attaching = undefined));
    await this.#attaching;
    return this.#attachedSession(deadline);
  }

  /** @param deadline - that of the channel which came first; whoever waits with it gets what becomes of its attempts. */
  async #connect(deadline: number): Promise<SessionEndpoint> {
    const { client, target, retry, environment, log } = this.#parts;
    const { signal } = this.#leaving;
    const facts = { application: target.audience };
    const session = this.#keep(
      await connectRepeatedly(() => client.connect(target), { retry, deadline, signal, environment, log, facts }),
    );
    if (signal.aborted) void session.close('SHUTTING_DOWN');
    return session;
  }

  #newest(): SessionEndpoint | undefined {
    return [...this.#sessions].filter(takesChannels).at(-1);
  }

  #keep(session: Session): SessionEndpoint {
    if (!(session instanceof SessionEndpoint)) throw new TypeError('A session of the own client is an endpoint.');
    const { log, target } = this.#parts;
    this.#sessions.add(session);
    session.on('detached', ({ code }: SessionEnd) => {
      log.warn({ session: session.id, application: target.audience, code }, 'a trunk has lost its connection');
    });
    void session.closed.then(({ code, error }) => {
      this.#sessions.delete(session);
      log.warn({ session: session.id, application: target.audience, code, err: error }, 'a trunk has ended');
    });
    return session;
  }
}

/** One that is being left takes them only where it moves to another connection. [CNT-046] */
function takesChannels({ ending, resumable, state }: SessionEndpoint): boolean {
  return ending === undefined && (resumable || state !== 'draining');
}

function keyOf({ nonce, client, application }: Pick<ChannelEndpoint, 'nonce' | 'client' | 'application'>): string {
  return `${Buffer.from(nonce).toString('hex')} ${client} ${application}`;
}

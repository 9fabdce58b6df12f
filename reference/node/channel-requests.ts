import { ERROR_CODE, type ErrorName, RemoteError } from '../core/index.ts';
import type { Application, ChannelRequest } from './application.ts';
import type { ChannelEndpoint } from './channel.ts';
import type { Log } from './log.ts';
import type { Policy } from './policy.ts';
import type { SessionEndpoint } from './session.ts';

/** Leads the channels that clients ask for to the application ends of a server (section 6.2). */
export class ChannelRequests {
  readonly #policy: Policy;
  readonly #applications: ReadonlyMap<string, Application>;
  readonly #log: Log;

  constructor(policy: Policy, applications: ReadonlyMap<string, Application>, log: Log) {
    this.#policy = policy;
    this.#applications = applications;
    this.#log = log;
  }

  /**
   * Asks policy and application end.
   *
   * @param restored - whether the application end had taken the channel before a crash of this server.
   */
  decide(session: SessionEndpoint, channel: ChannelEndpoint, restored: boolean): void {
    const { application, number } = channel;
    const identity = session.peerIdentity;
    const handler = this.#applications.get(application);
    const refuse = (code: ErrorName, retryAfterMs: number): void => {
      session.core.refuse(number, code, retryAfterMs, session.now());
      session.flushSoon();
      const message = `The application end has refused the channel: ${code}.`;
      channel.finish({ type: 'refused', code, error: new RemoteError(code, ERROR_CODE[code], message, retryAfterMs) });
      session.forget(number);
    };
    // [CHN-007] [CHN-008]; a channel that was open once is judged again: the policy may have changed.
    if (handler === undefined || !this.#isAllowed(identity, application)) {
      this.#log.warn({ session: session.id, identity, application, known: handler !== undefined }, 'channel refused');
      if (restored) channel.reset('CANCELLED');
      else refuse('APPLICATION_REFUSED', 0);
      return;
    }
    let decided = restored;
    const decide = (act: () => void): void => {
      if (decided) return;
      act();
      // What the application end asked for may have been impossible: then nothing is decided yet.
      decided = true;
    };
    const request: ChannelRequest = {
      identity,
      application,
      applicationData: channel.applicationData,
      session,
      restored,
      accept: (options = {}) =>
        decide(() => {
          session.core.opened(number, options, session.now());
          session.flushSoon();
          channel.markOpen();
        }),
      refuse: (code = 'APPLICATION_ERROR', retryAfterMs = 0) => decide(() => refuse(code, retryAfterMs)),
    };
    const fail = (error: unknown): void => {
      if (decided) {
        session.applicationFailed(channel, error);
        return;
      }
      this.#log.error(
        { session: session.id, identity, application, err: error },
        'the application end failed; refused',
      );
      request.refuse('APPLICATION_ERROR');
    };
    try {
      const result = handler(channel, request);
      if (result === undefined) request.accept();
      else channel.work(result.then(() => request.accept(), fail));
    } catch (error) {
      fail(error);
    }
  }

  /** A policy that fails allows nothing. */
  #isAllowed(identity: string, application: string): boolean {
    try {
      return this.#policy.allowsApplication(identity, application);
    } catch (error) {
      this.#log.error({ identity, application, err: error }, 'the policy failed');
      return false;
    }
  }
}

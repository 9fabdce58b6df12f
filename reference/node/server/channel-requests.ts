import type { Application, RefusalCode } from './application.ts';
import type { ChannelEndpoint } from '../session/channel.ts';
import { PendingRequest, type RequestHost } from './pending-request.ts';
import type { Policy } from './policy.ts';
import type { SessionEndpoint } from '../session/session.ts';

/** What {@link ChannelRequests} needs of a server. */
export interface ChannelRequestsHost extends RequestHost {
  readonly policy: Policy;
  readonly applications: Pick<ReadonlyMap<string, Application>, 'get'>;
}

/** Leads the channels that clients ask for to the application ends of a server (section 6.2). */
export class ChannelRequests {
  readonly #host: ChannelRequestsHost;

  constructor(host: ChannelRequestsHost) {
    this.#host = host;
  }

  /**
   * Asks policy and application end.
   *
   * @param restored - whether the application end had taken the channel before a crash of this server.
   */
  decide(session: SessionEndpoint, channel: ChannelEndpoint, restored: boolean): void {
    const { log } = this.#host;
    const request = new PendingRequest(this.#host, session, channel, restored);
    const { application, identity, relays } = request;
    const handler = this.#host.applications.get(application);
    // A channel that was open once is judged again: the policy may have changed.
    const refusal = this.#refusalOf(request, handler !== undefined);
    if (handler === undefined || refusal !== undefined) {
      const fields = {
        session: session.id,
        identity,
        relays,
        application,
        known: handler !== undefined,
        code: refusal,
      };
      log.warn(fields, 'channel refused');
      if (restored) channel.reset('CANCELLED');
      else request.refuse(refusal);
      return;
    }
    const fail = (error: unknown): void => {
      if (request.decided) {
        session.applicationFailed(channel, error);
        return;
      }
      log.error({ session: session.id, identity, application, err: error }, 'the application end failed; refused');
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

  /** Why the application end is not asked; the order is that of section 13.2. */
  #refusalOf(request: PendingRequest, isKnown: boolean): RefusalCode | undefined {
    const { application, identity, relays } = request;
    const { policy } = this.#host;
    const relay = relays.at(-1);
    if (relay !== undefined) {
      // [RLY-013]
      if (!this.#allows(request, () => policy.acceptsRelay?.(relay) ?? false)) return 'APPLICATION_REFUSED';
      const refusal = policy.refusesRoute?.(relays);
      if (refusal !== undefined) return refusal;
    }
    // [CHN-007] [CHN-008]
    const isAllowed = isKnown && this.#allows(request, () => policy.allowsApplication(identity, application));
    return isAllowed ? undefined : 'APPLICATION_REFUSED';
  }

  /** A policy that fails allows nothing. */
  #allows({ application, identity, relays }: PendingRequest, judge: () => boolean): boolean {
    try {
      return judge();
    } catch (error) {
      this.#host.log.error({ identity, relays, application, err: error }, 'the policy failed');
      return false;
    }
  }
}

import type { RefusalCode } from './application.ts';

/** Who may have a session, and which application each client may open. Default deny: what it does not allow is refused. */
export interface Policy {
  /**
   * Whether a client with this verified identity may have a session at all. A refusal reaches the client as
   * AUTHENTICATION_FAILED, like every other doubt about it. [EST-017] [ERR-004]
   */
  acceptsClient(identity: string): boolean;
  /**
   * Whether this client may open this application; behind a relay, the client that it names. A refusal reaches the client as APPLICATION_REFUSED, like an
   * application that does not exist. [CHN-007] [CHN-008]
   */
  allowsApplication(identity: string, application: string): boolean;
  /**
   * Whether a peer with this verified identity is known as a relay, so that it may ask on behalf of others. Nobody is unless it
   * says so; a refusal reaches the peer as APPLICATION_REFUSED. [RLY-013]
   */
  acceptsRelay?(identity: string): boolean;
  /**
   * Why a request is refused for the relays that it has passed, the last one the peer; undefined where nothing speaks against
   * them. Judged after `acceptsRelay` and before `allowsApplication`. [RLY-011]
   */
  refusesRoute?(relays: readonly string[]): RefusalCode | undefined;
}

/** One permission: this identity may open this application. Both are compared octet for octet. */
export interface AllowRule {
  readonly identity: string;
  readonly application: string;
}

/**
 * The policy that a list of permissions makes: a client that no rule names, and that is no relay, gets no session.
 *
 * @param rules - the permissions; none at all refuses everyone.
 * @param relays - identities of the peers that may ask on behalf of others.
 */
export function createAllowList(rules: readonly AllowRule[], relays: readonly string[] = []): Policy {
  const applications = new Map<string, Set<string>>();
  for (const { identity, application } of rules) {
    const allowed = applications.get(identity) ?? new Set();
    applications.set(identity, allowed.add(application));
  }
  return {
    acceptsClient: (identity) => applications.has(identity) || relays.includes(identity),
    acceptsRelay: (identity) => relays.includes(identity),
    allowsApplication: (identity, application) => applications.get(identity)?.has(application) ?? false,
  };
}

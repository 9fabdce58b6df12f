/** Who may have a session, and which application each client may open. Default deny: what it does not allow is refused. */
export interface Policy {
  /**
   * Whether a client with this verified identity may have a session at all. A refusal reaches the client as
   * AUTHENTICATION_FAILED, like every other doubt about it. [EST-017] [ERR-004]
   */
  acceptsClient(identity: string): boolean;
  /**
   * Whether this client may open this application. A refusal reaches the client as APPLICATION_REFUSED, like an
   * application that does not exist. [CHN-007] [CHN-008]
   */
  allowsApplication(identity: string, application: string): boolean;
}

/** One permission: this identity may open this application. Both are compared octet for octet. */
export interface AllowRule {
  readonly identity: string;
  readonly application: string;
}

/**
 * The policy that a list of permissions makes: a client that no rule names gets no session.
 *
 * @param rules - the permissions; none at all refuses everyone.
 */
export function createAllowList(rules: readonly AllowRule[]): Policy {
  const applications = new Map<string, Set<string>>();
  for (const { identity, application } of rules) {
    const allowed = applications.get(identity) ?? new Set();
    applications.set(identity, allowed.add(application));
  }
  return {
    acceptsClient: (identity) => applications.has(identity),
    allowsApplication: (identity, application) => applications.get(identity)?.has(application) ?? false,
  };
}

import type { RelayPolicy } from '../../node/relay/relay.ts';
import type { RelayConfig } from './config.ts';

/** What one client may open: names, and beginnings of names. */
interface Permission {
  readonly names: ReadonlySet<string>;
  readonly beginnings: readonly string[];
}

/** The policy of a configuration: what it does not name is refused. Identities are compared octet for octet. [RLY-002] */
export function policyOf({ policy, relays }: Pick<RelayConfig, 'policy' | 'relays'>): RelayPolicy {
  const permissions = new Map(policy.map(({ identity, applications }) => [identity, permissionOf(applications)]));
  const peers = new Set(relays);
  return {
    // A relay needs a session to send FORWARD in.
    acceptsClient: (identity) => permissions.has(identity) || peers.has(identity),
    acceptsRelay: (identity) => peers.has(identity),
    allowsApplication: (identity, application) => {
      const permission = permissions.get(identity);
      if (permission === undefined) return false;
      const { names, beginnings } = permission;
      return names.has(application) || beginnings.some((beginning) => application.startsWith(beginning));
    },
  };
}

function permissionOf(applications: readonly string[]): Permission {
  const isBeginning = (application: string): boolean => application.endsWith('*');
  return {
    names: new Set(applications.filter((application) => !isBeginning(application))),
    beginnings: applications.filter(isBeginning).map((application) => application.slice(0, -1)),
  };
}

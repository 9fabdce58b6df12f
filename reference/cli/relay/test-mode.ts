import { LIMITS, TEST_ROUTES } from '../../core/registry.gen.ts';
import { isTestRelay } from '../../node/index.ts';
import type { RelayLimits, RelayPolicy } from '../../node/relay/relay.ts';
import type { Address } from '../address.ts';
import type { RouteEntry } from './config.ts';

/** Where the suite plays the application ends, and who it is there. */
export interface ApplicationEnd {
  readonly address: Address;
  readonly audience: string;
}

/** The longest random wait before a trunk is attached again: half of what there is time for. [APP-013] */
export const TEST_RECONNECT_BOUND_MS: number = LIMITS.test_reconnect_ms / 2;

/** In test mode each application end is attempted for each channel. [APP-013] */
export const NO_BREAKER: RelayLimits['breaker'] = { failures: Infinity, openMs: 0 };

/** And once only: the suite counts connections. */
export const NO_RETRY: RelayLimits['retry'] = { attempts: 1, firstBoundMs: 0 };

/**
 * The routes of a relay in test mode (annex A). [APP-012]
 *
 * @param ca - files with the trust anchors of TLS peers: the authority of the clients.
 */
export function testRoutes({ address, audience }: ApplicationEnd, ca: readonly string[]): RouteEntry[] {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return TEST_ROUTES.map(({ name: application, kind, port, ...route }) => {
    const to = `${kind}://${host}:${address.port + port}`;
    if (!('framing' in route)) return { application, to, audience };
    const { framing } = route;
    const proxy = 'proxy' in route;
    if (kind === 'tcp') return { application, to, framing, proxy };
    return { application, to, framing, proxy, server_name: 'localhost', ca };
  });
}

const DENIED: ReadonlySet<string> = new Set(
  TEST_ROUTES.filter((route) => 'denied' in route).map(({ name }) => name as string),
);

/** Every accepted client may open everything but what is denied to all. [APP-011] [APP-012] */
export const testPolicy: RelayPolicy = {
  acceptsClient: () => true,
  acceptsRelay: isTestRelay,
  allowsApplication: (_identity, application) => !DENIED.has(application),
};

import { ConfigError } from '../../core/index.ts';
import type { HawserEntry, PolicyEntry, RelayConfig, RouteEntry } from './config.ts';

/**
 * Checks what a schema can not say: that the parts of a configuration fit together.
 *
 * @param source - where it comes from, for the message.
 * @throws ConfigError
 */
export function checkReferences(source: string, { routes, policy, store, trunk }: RelayConfig): void {
  const fail = (name: string, key: string, text: string): never => {
    throw new ConfigError(`HAWSER_ERR_CONFIG_${name}`, key, `${source}: ${text}`);
  };
  for (const [at, { application }] of duplicates(routes, ({ application }) => application)) {
    const text = `routes[${at}] leads "${application}", as another route does. Leave one of them.`;
    fail('ROUTE_TWICE', `routes[${at}].application`, text);
  }
  for (const [at, { identity }] of duplicates(policy, ({ identity }) => identity)) {
    const text = `policy[${at}] is about "${identity}", as another entry is. Put its applications into one list.`;
    fail('POLICY_TWICE', `policy[${at}].identity`, text);
  }
  for (const [at, application] of routelessApplications(policy, routes)) {
    const text = `${at} is "${application}", a policy that refers to nothing: no route leads it. Add a route, or take it out.`;
    fail('POLICY_WITHOUT_ROUTE', at, text);
  }
  const hawser = routes.filter(isHawser);
  for (const route of hawser) {
    const other = hawser.find(({ to, audience }) => to === route.to && audience === route.audience);
    if (other === undefined || sameTrust(other, route)) continue;
    const text = `the routes of "${other.application}" and "${route.application}" lead to ${route.to}, with different ca or crl. They share a trunk: give both the same.`;
    fail('ROUTE_TRUST', 'routes', text);
  }
  // A stored trunk is known by whom it leads to.
  for (const route of trunk.store === 'memory' ? [] : hawser) {
    const other = hawser.find(({ to, audience }) => to !== route.to && audience === route.audience);
    if (other === undefined) continue;
    const text = `the routes of "${route.application}" and "${other.application}" lead to ${route.audience} at ${route.to} and at ${other.to}: after a restart nobody could tell their stored trunks apart. Give the two servers identities of their own, or lead both routes to one address.`;
    fail('ROUTE_AUDIENCE', 'routes', text);
  }
  // What a relay has acknowledged to its clients it may not lose on the way. [RLY-027]
  if (hawser.length > 0 && store !== 'memory' && trunk.store === 'memory') {
    const text = 'trunk.store is memory, and store is not: what clients know to be kept could be lost. Name a folder.';
    fail('TRUNK_STORE', 'trunk.store', text);
  }
  if (store !== 'memory' && trunk.store === store) {
    fail('TRUNK_STORE', 'trunk.store', `trunk.store is ${trunk.store}, as store is. Name a folder of its own.`);
  }
}

/**
 * Checks that no route leads back to the relay itself. [RLY-011]
 *
 * @param identity - the relay's own.
 * @throws ConfigError
 */
export function checkCycle(source: string, { routes }: RelayConfig, identity: string): void {
  const at = routes.findIndex((route) => isHawser(route) && route.audience === identity);
  if (at < 0) return;
  const text = `routes[${at}].audience is ${identity}, the relay's own identity: a channel would come back for ever. Name the server that is meant.`;
  throw new ConfigError('HAWSER_ERR_CONFIG_ROUTE_LOOP', `routes[${at}].audience`, `${source}: ${text}`);
}

function duplicates<Entry>(entries: readonly Entry[], keyOf: (entry: Entry) => string): (readonly [number, Entry])[] {
  const known = new Set<string>();
  return [...entries.entries()].filter(([, entry]) => {
    const key = keyOf(entry);
    if (known.has(key)) return true;
    known.add(key);
    return false;
  });
}

function routelessApplications(
  policy: readonly PolicyEntry[],
  routes: readonly RouteEntry[],
): (readonly [string, string])[] {
  return policy.flatMap(({ applications }, entry) =>
    applications.flatMap((application, at) => {
      const isLed = routes.some((route) => overlap(route.application, application));
      return isLed ? [] : [[`policy[${entry}].applications[${at}]`, application] as const];
    }),
  );
}

/** Whether there can be an application that both patterns fit. */
function overlap(a: string, b: string): boolean {
  const [stemA, stemB] = [a.replace(/\*$/, ''), b.replace(/\*$/, '')];
  return a === b || (a !== stemA && stemB.startsWith(stemA)) || (b !== stemB && stemA.startsWith(stemB));
}

function isHawser(route: RouteEntry): route is HawserEntry {
  return 'audience' in route;
}

function sameTrust(a: HawserEntry, b: HawserEntry): boolean {
  return JSON.stringify([a.ca, a.crl]) === JSON.stringify([b.ca, b.crl]);
}

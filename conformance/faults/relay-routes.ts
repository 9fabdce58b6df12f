import type { Fault } from './fault.ts';
import { fault } from './fault.ts';

/** Faults of sections 13.1 and 13.2: whom a relay leads where, and what it says of it. */
export const relayRouteFaults: readonly Fault[] = [
  fault('relay-allows-everything', 'RLY-002', 'allows what its policy does not', [
    'cli/relay/test-mode',
    'allowsApplication: (_identity, application) => !DENIED.has(application),',
    'allowsApplication: () => true,',
  ]),
  fault('relay-tells-what-is-denied', 'RLY-002', 'refuses what is denied with a code of its own', [
    'node/server/channel-requests',
    "return isAllowed ? undefined : 'APPLICATION_REFUSED';",
    "return isAllowed ? undefined : isKnown ? 'APPLICATION_ERROR' : 'APPLICATION_REFUSED';",
  ]),
  fault('relay-delivers-elsewhere', 'RLY-003', 'leads octets to the application end of another route', [
    'node/relay/relay',
    'const route = routeOf(this.#routes, application);',
    "const route = routeOf(this.#routes, application === 'relay/stream' ? 'relay/length16' : application);",
  ]),
  fault('relay-contacts-before-policy', 'RLY-004', 'connects to an application end before policy has allowed it', [
    'node/server/channel-requests',
    'const handler = this.#host.applications.get(application);',
    "const handler = this.#host.applications.get(application); if (application === 'relay/denied') handler?.(channel, request);",
  ]),
  fault('relay-opens-early', 'RLY-005', 'opens a channel before its application end has taken it', [
    'node/relay/channel-pair',
    'await down.opened;',
    'request.accept(); await down.opened;',
  ]),
  fault('relay-opens-before-tls', 'RLY-005', 'opens a channel when TCP is there, and TLS is not', [
    'node/relay/socket-end',
    'const connection = await reach(channel, request, parts);',
    "if (parts.route.kind === 'tls') request.accept(); const connection = await reach(channel, request, parts);",
  ]),
  fault(
    'relay-encodes-open-again',
    'RLY-006',
    'leaves the parameters out of the OPEN that it passes on',
    ['node/relay/relay', 'open: request.openPayload,', 'open: bare(request.openPayload),'],
    [
      'node/relay/relay',
      'const CLAIM_GRACE_MS = 10_000;',
      'const CLAIM_GRACE_MS = 10_000; const bare = (open) => Uint8Array.from([...open.subarray(0, 34 + open[33]), 0, 0]);',
    ],
  ),
  fault('relay-forges-the-client', 'RLY-007', 'says that the client is itself', [
    'node/relay/relay',
    'client: request.identity,',
    'client: this.#identity,',
  ]),
  fault('relay-remembers-the-first-client', 'RLY-007', 'says for every client the one that came first', [
    'node/relay/relay',
    'client: request.identity,',
    'client: (globalThis.first ??= request.identity),',
  ]),
  fault('relay-leaves-out-the-route', 'RLY-008', 'says nothing of the relays before it', [
    'node/relay/relay',
    'route: relays,',
    'route: [],',
  ]),
  fault('relay-turns-the-route-round', 'RLY-008', 'states the route from last to first', [
    'node/relay/relay',
    'route: relays,',
    'route: [...relays].reverse(),',
  ]),
  fault('relay-counts-no-hops', 'RLY-009', 'passes hop_limit on as it is', [
    'node/relay/relay',
    'forwarded.hopLimit - 1, LIMITS.max_hops - 1)',
    'forwarded.hopLimit, LIMITS.max_hops - 1)',
  ]),
  fault('relay-goes-on-for-ever', 'RLY-010', 'passes on what may go no further', [
    'node/relay/relay',
    'if (forwarded?.hopLimit === 0 || relays.length > LIMITS.max_hops) {',
    'if (forwarded?.hopLimit === 0) forwarded.hopLimit = 1; if (relays.length > LIMITS.max_hops) {',
  ]),
  fault('relay-has-no-room-for-its-peer', 'RLY-010', 'takes a full route for an application end out of reach', [
    'node/relay/relay',
    'if (forwarded?.hopLimit === 0 || relays.length > LIMITS.max_hops) {',
    'if (forwarded?.hopLimit === 0) {',
  ]),
  fault('relay-sees-no-loop', 'RLY-011', 'passes on what has passed it before', [
    'node/relay/relay',
    "(relays.includes(this.#identity) ? 'ROUTE_LOOP' : undefined)",
    '(relays.length < 0 ? relays : undefined)',
  ]),
  fault(
    'relay-looks-at-the-sender-alone',
    'RLY-011',
    'looks for itself in the sender of FORWARD, and not in its route',
    ['node/relay/relay', 'relays.includes(this.#identity)', 'relays.at(-1) === this.#identity'],
  ),
  fault('relay-cuts-what-does-not-fit', 'RLY-012', 'answers what does not fit as if nobody could be reached', [
    'node/relay/relay',
    "request.refuse('FRAMING_INVALID'); // [RLY-012]",
    "request.refuse('ROUTE_UNREACHABLE');",
  ]),
  fault('relay-takes-anybody-for-a-relay', 'RLY-013', 'takes FORWARD from whoever sends it', [
    'cli/relay/test-mode',
    'acceptsRelay: isTestRelay,',
    'acceptsRelay: () => true,',
  ]),
];

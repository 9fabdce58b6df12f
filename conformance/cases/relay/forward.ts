/** Section 13.2: what FORWARD says, octet for octet, and what is not passed on. */
import type { ParameterInput } from '../../model/codec.ts';
import { buildPayload, greaseType } from '../../model/codec.ts';
import { limit, registry } from '../../model/registry.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Asked, AskOptions, PassOptions, RelayContext } from '../relay-context.ts';
import { FAR_CLIENT, SHARED_APPLICATION } from '../relay-context.ts';
import type { Case } from './passing.ts';
import { requireRefused, requireSame } from './passing.ts';

const MAX_HOPS = limit('max_hops');
const MAX_PAYLOAD = registry.header.maxPayloadBytes;
const RELAY = 'spiffe://hawser.test/relay';
const OTHER = 'spiffe://elsewhere.test/relay-of-another';

/** The ignorable parameters without a meaning, from the formula of section 8.2. */
const GREASE: readonly number[] = [0x801b, 0x803a, 0x8059, 0xfbfc];

/** What an OPEN can say. */
const OPENS: readonly { readonly slug: string; readonly words: string; readonly options: AskOptions }[] = [
  { slug: 'plain', words: 'nothing but a name', options: {} },
  { slug: 'data-empty', words: 'application_data of no octets', options: { data: new Uint8Array(0) } },
  { slug: 'data-one', words: 'application_data of one octet', options: { data: Uint8Array.of(0) } },
  {
    slug: 'data-largest',
    words: 'application_data of 4,096 octets',
    options: { data: Uint8Array.from({ length: 4096 }, (_, at) => at % 251) },
  },
  { slug: 'urgent', words: 'priority urgent', options: { more: [{ id: 'priority', value: 0 }] } },
  {
    slug: 'default-said',
    words: 'the default priority, in so many words',
    options: { more: [{ id: 'priority', value: 1 }] },
  },
  {
    slug: 'bulk-outcomes',
    words: 'priority bulk, and asks for outcomes',
    options: {
      more: [
        { id: 'priority', value: 2 },
        { id: 'outcomes', value: 1 },
      ],
    },
  },
  {
    slug: 'grease',
    words: 'an ignorable parameter without a meaning',
    options: { more: [{ id: GREASE[0] ?? 0, value: Uint8Array.of(1, 2, 3) }] },
  },
  {
    slug: 'much-grease',
    words: 'data, a priority and four ignorable parameters, empty and long',
    options: {
      data: Uint8Array.of(7),
      more: [
        { id: 'priority', value: 2 },
        ...GREASE.map((id, at): ParameterInput => ({ id, value: new Uint8Array(at * 700).fill(at) })),
      ],
    },
  },
  {
    slug: 'unknown-ignorable',
    words: 'an ignorable parameter of a version to come',
    options: { more: [{ id: 0xc123, value: Buffer.from('a later version') }] },
  },
];

/** Each kind of OPEN, from a client and from a relay: it arrives as it was sent. */
const openCases = OPENS.flatMap(({ slug, words, options }): readonly Case[] => [
  {
    id: `RLY-006/relay-open-${slug}`,
    requirements: ['RLY-006'],
    title: `an OPEN that says ${words} is passed on octet for octet`,
    stimulus: `A client sends an OPEN that says ${words}.`,
    expectation: 'FORWARD arrives, and its `open` is the payload of that OPEN, octet for octet.',
    run: async (context) => {
      const asked = context.ask(await context.established(), SHARED_APPLICATION, options);
      const end = await context.endOf(asked, 'RLY-006');
      requireSame('open', end.open, asked.open, 'RLY-006');
    },
  },
  {
    id: `RLY-006/relay-forward-${slug}`,
    requirements: ['RLY-006'],
    title: `the same behind another relay (${slug})`,
    stimulus: `A relay sends FORWARD with an OPEN that says ${words}.`,
    expectation: 'FORWARD arrives, and its `open` is that of the FORWARD received, octet for octet.',
    run: async (context) => {
      const asked = context.pass(await asRelay(context), SHARED_APPLICATION, options);
      const end = await context.endOf(asked, 'RLY-006');
      requireSame('open', end.open, asked.open, 'RLY-006');
    },
  },
]);

const asRelay = (context: RelayContext, as = 'clients/relay'): Promise<ClientPeer> => context.established({ as });

/** An ignorable parameter that makes the OPEN so many octets long. */
function sized(octets: number): readonly ParameterInput[] {
  const bare = buildPayload('OPEN', {
    nonce: new Uint8Array(32),
    application: SHARED_APPLICATION,
    parameters: [{ id: GREASE[1] ?? 0, value: new Uint8Array(0) }],
  });
  return [{ id: GREASE[1] ?? 0, value: new Uint8Array(octets - bare.length).fill(0x5a) }];
}

/** How long an OPEN may be that fits into a FORWARD with this client and route. */
function room(client: string, route: readonly string[]): number {
  const octets = (text: string): number => 2 + Buffer.byteLength(text);
  return MAX_PAYLOAD - 1 - octets(client) - 2 - route.reduce((sum, relay) => sum + octets(relay), 0);
}

/** OPENs at the bound of what fits. */
const fittingCases = (
  [
    { slug: 'exactly', words: 'just fits', over: 0 },
    { slug: 'one-more', words: 'is one octet too long to fit', over: 1 },
    { slug: 'largest-frame', words: 'fills its own frame, and so is too long to fit', over: Infinity },
  ] as const
).map(({ slug, words, over }): Case => ({
  id: `RLY-012/relay-${slug}`,
  requirements: ['RLY-012', 'RLY-006'],
  title: `an OPEN that ${words} into a FORWARD`,
  stimulus: `A client sends an OPEN with an ignorable parameter, so long that it ${words} into a FORWARD with the client's identity.`,
  expectation:
    over === 0 ? 'It is passed on, octet for octet.' : 'REFUSED(FRAMING_INVALID) arrives, and the session goes on.',
  run: async (context) => {
    const peer = await context.established();
    const size = Math.min(MAX_PAYLOAD, room(context.kit.index.clientIdentity, []) + over);
    const asked = context.ask(peer, SHARED_APPLICATION, { more: sized(size) });
    if (over === 0) {
      const end = await context.endOf(asked, 'RLY-006');
      requireSame('open', end.open, asked.open, 'RLY-006');
      return;
    }
    await requireRefused(asked, 'FRAMING_INVALID', 'RLY-012');
    await peer.barrier('RLY-012');
  },
}));

/** The same where the relay adds the one before it to the route. */
const secondHopCases = ([0, 1] as const).map((over): Case => ({
  id: `RLY-012/relay-second-hop-${over === 0 ? 'exactly' : 'one-more'}`,
  requirements: ['RLY-012', 'RLY-008'],
  title: `what fits the first hop ${over === 0 ? 'just fits' : 'does not fit'} the second, with a longer route`,
  stimulus: `A relay sends a FORWARD whose OPEN, together with the relay's own identity in the route, ${over === 0 ? 'just fits into' : 'is one octet too long for'} the next FORWARD.`,
  expectation: over === 0 ? 'It is passed on, octet for octet.' : 'REFUSED(FRAMING_INVALID) arrives.',
  run: async (context) => {
    const peer = await asRelay(context);
    const asked = context.pass(peer, SHARED_APPLICATION, { more: sized(room(FAR_CLIENT, [RELAY]) + over) });
    if (over === 1) {
      await requireRefused(asked, 'FRAMING_INVALID', 'RLY-012');
      return;
    }
    const end = await context.endOf(asked, 'RLY-006');
    requireSame('open', end.open, asked.open, 'RLY-006');
    assertEqual('route', end.forward.texts('route').join(' '), RELAY, 'RLY-008');
  },
}));

/** Clients of each kind of certificate. */
const CLIENTS = [
  'client',
  'client-2',
  'clients/one-dns',
  'clients/uri-and-dns',
  'clients/under-intermediate',
  'clients/both-purposes',
] as const;

const clientCases = CLIENTS.map((as): Case => ({
  id: `RLY-007/relay-${as.replace('clients/', '')}`,
  requirements: ['RLY-007', 'RLY-008'],
  title: `FORWARD names the verified identity of the client (${as})`,
  stimulus: `A client with the certificate ${as} of the kit opens a channel.`,
  expectation: 'FORWARD names its identity, as the certificate has it, and an empty route.',
  run: async (context) => {
    const peer = await context.established({ as });
    const { forward } = await context.endOf(context.ask(peer, SHARED_APPLICATION), 'RLY-007');
    assertEqual('client', forward.string('client'), context.kit.entry(as).identity, 'RLY-007');
    assertEqual('length of the route', forward.texts('route').length, 0, 'RLY-008');
  },
}));

const NAMED: readonly { readonly slug: string; readonly client: string }[] = [
  { slug: 'uri', client: 'spiffe://hawser.test/client' },
  { slug: 'dns', client: 'client.hawser.test' },
  { slug: 'capitals', client: 'SPIFFE://Hawser.Test/Client' },
  { slug: 'percent', client: 'spiffe://hawser.test/a%20b' },
  { slug: 'longest', client: `spiffe://hawser.test/${'x'.repeat(2048 - 21)}` },
  { slug: 'one-octet', client: 'x' },
];

const namedCases = NAMED.map(({ slug, client }): Case => ({
  id: `RLY-007/relay-forwarded-${slug}`,
  requirements: ['RLY-007'],
  title: `FORWARD names the client of the FORWARD received (${slug})`,
  stimulus: `A relay sends FORWARD with ${client.length > 60 ? 'a client of 2,048 octets' : `the client ${client}`}.`,
  expectation: 'The FORWARD that arrives names the same client, octet for octet.',
  run: async (context) => {
    const { forward } = await context.endOf(
      context.pass(await asRelay(context), SHARED_APPLICATION, { client }),
      'RLY-007',
    );
    assertEqual('client', forward.string('client'), client, 'RLY-007');
  },
}));

/** Routes of so many relays before the one that sends. */
const routeCases = [0, 1, 2, 3].map((before): Case => ({
  id: `RLY-008/relay-after-${before}`,
  requirements: ['RLY-008'],
  title: `the sender of FORWARD is added behind ${before} relays`,
  stimulus: `A relay sends FORWARD whose route holds ${before} relays.`,
  expectation: 'The FORWARD that arrives has the same route with the identity of the sender behind it.',
  run: async (context) => {
    const route = Array.from({ length: before }, (_, n) => `${OTHER}-${n}`);
    const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { route });
    const { forward } = await context.endOf(asked, 'RLY-008');
    assertEqual('route', forward.texts('route').join(' '), [...route, RELAY].join(' '), 'RLY-008');
  },
}));

const hopCases = [1, 2, MAX_HOPS - 1].map((hopLimit): Case => ({
  id: `RLY-009/relay-forward-${hopLimit}`,
  requirements: ['RLY-009'],
  title: `one hop less of ${hopLimit}`,
  stimulus: `A relay sends FORWARD with a hop_limit of ${hopLimit}.`,
  expectation: `FORWARD arrives with a hop_limit of ${hopLimit - 1} at most.`,
  run: async (context) => {
    const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { hopLimit });
    const { forward } = await context.endOf(asked, 'RLY-009');
    const came = forward.integer('hop_limit');
    assertThat(came <= BigInt(hopLimit - 1), `a hop_limit of ${hopLimit - 1} at most`, String(came), 'RLY-009');
  },
}));

/** Where the relay's own identity can stand. */
const LOOPS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly as?: string;
  readonly route: (own: string) => readonly string[];
}[] = [
  { slug: 'sender', words: 'whose sender has its own identity', as: 'clients/relay-under-test', route: () => [] },
  { slug: 'alone', words: 'whose route holds it alone', route: (own) => [own] },
  { slug: 'first', words: 'whose route holds it first', route: (own) => [own, OTHER] },
  { slug: 'middle', words: 'whose route holds it in the middle', route: (own) => [OTHER, own, RELAY] },
  { slug: 'last', words: 'whose route, which is full, holds it last', route: (own) => [OTHER, RELAY, OTHER, own] },
];

const loopCases = LOOPS.flatMap(({ slug, words, as, route }): readonly Case[] => [
  {
    id: `RLY-011/relay-${slug}`,
    requirements: ['RLY-011'],
    title: `a FORWARD ${words} has gone round`,
    stimulus: `The relay receives a FORWARD ${words}.`,
    expectation: 'REFUSED(ROUTE_LOOP) arrives, and nothing at the application end.',
    run: async (context) => {
      const peer = await asRelay(context, as);
      const asked = context.pass(peer, SHARED_APPLICATION, { route: route(context.target.identity) });
      await requireRefused(asked, 'ROUTE_LOOP', 'RLY-011');
      await requireUnasked(context, asked, 'RLY-011');
    },
  },
]);

/** A channel that is passed on, and so behind which nothing else is under way: that of `asked` was not. */
async function requireUnasked(context: RelayContext, asked: Asked, requirement: string): Promise<void> {
  const other = await context.established();
  const led = await context.ledOn(other);
  await led.end.trunk.barrier();
  if (context.wasForwarded(asked)) fail('no FORWARD', 'one with the nonce of the request', requirement);
}

/** Identities that are not the relay's own. */
const NO_LOOPS: readonly { readonly slug: string; readonly relay: (own: string) => string }[] = [
  { slug: 'longer', relay: (own) => `${own}2` },
  { slug: 'shorter', relay: (own) => own.slice(0, -1) },
  { slug: 'capitals', relay: (own) => own.toUpperCase() },
  { slug: 'slash', relay: (own) => `${own}/` },
];

const noLoopCases = NO_LOOPS.map(({ slug, relay }): Case => ({
  id: `RLY-011/relay-not-${slug}`,
  requirements: ['RLY-011', 'RLY-008'],
  title: `another identity in the route is no loop (${slug})`,
  stimulus: "A relay sends FORWARD whose route holds an identity that differs a little from the relay's own.",
  expectation: 'The request is passed on.',
  run: async (context) => {
    const route = [relay(context.target.identity)];
    const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { route });
    const { forward } = await context.endOf(asked, 'RLY-011');
    assertEqual('route', forward.texts('route').join(' '), [...route, RELAY].join(' '), 'RLY-008');
  },
}));

/** Two things are wrong at once: which one is named. */
const ORDER: readonly {
  readonly slug: string;
  readonly words: string;
  readonly as: string;
  readonly application: string;
  readonly options: (own: string) => PassOptions;
  readonly code: string;
  readonly requirement: string;
}[] = [
  {
    slug: 'relay-before-loop',
    words: 'comes from a peer that is no relay, and has gone round',
    as: 'client',
    application: SHARED_APPLICATION,
    options: (own) => ({ route: [own] }),
    code: 'APPLICATION_REFUSED',
    requirement: 'RLY-013',
  },
  {
    slug: 'relay-before-hop-limit',
    words: 'comes from a peer that is no relay, and may go no further',
    as: 'client',
    application: SHARED_APPLICATION,
    options: () => ({ hopLimit: 0 }),
    code: 'APPLICATION_REFUSED',
    requirement: 'RLY-013',
  },
  {
    slug: 'loop-before-policy',
    words: 'has gone round, and is for relay/denied',
    as: 'clients/relay',
    application: 'relay/denied',
    options: (own) => ({ route: [own] }),
    code: 'ROUTE_LOOP',
    requirement: 'RLY-011',
  },
  {
    slug: 'loop-before-no-route',
    words: 'has gone round, and is for an application without a route',
    as: 'clients/relay',
    application: 'nowhere',
    options: (own) => ({ route: [OTHER, own] }),
    code: 'ROUTE_LOOP',
    requirement: 'RLY-011',
  },
  {
    slug: 'loop-before-hop-limit',
    words: 'has gone round, and may go no further',
    as: 'clients/relay',
    application: SHARED_APPLICATION,
    options: (own) => ({ route: [own], hopLimit: 0 }),
    code: 'ROUTE_LOOP',
    requirement: 'RLY-011',
  },
  {
    slug: 'policy-before-hop-limit',
    words: 'is for an application without a route, and may go no further',
    as: 'clients/relay',
    application: 'nowhere',
    options: () => ({ hopLimit: 0 }),
    code: 'APPLICATION_REFUSED',
    requirement: 'RLY-002',
  },
];

const orderCases = ORDER.map(({ slug, words, as, application, options, code, requirement }): Case => ({
  id: `${requirement}/relay-order-${slug}`,
  requirements: [requirement],
  title: `the order of checks for FORWARD: ${slug.replaceAll('-', ' ')}`,
  stimulus: `A FORWARD arrives that ${words}.`,
  expectation: `REFUSED(${code}) arrives.`,
  run: async (context) => {
    const asked = context.pass(await asRelay(context, as), application, options(context.target.identity));
    await requireRefused(asked, code, requirement);
  },
}));

/** What is not an OPEN inside of a FORWARD. */
const MALFORMED: readonly {
  readonly slug: string;
  readonly words: string;
  readonly open: () => Uint8Array;
  readonly code: string;
}[] = [
  { slug: 'empty', words: 'no octets', open: () => new Uint8Array(0), code: 'FRAME_MALFORMED' },
  {
    slug: 'trailing',
    words: 'an OPEN with an octet behind it',
    open: () => Buffer.concat([payload([]), Uint8Array.of(0)]),
    code: 'FRAME_MALFORMED',
  },
  {
    slug: 'critical',
    words: 'an OPEN with an unknown critical parameter',
    open: () => payload([{ id: 0x7001, value: new Uint8Array(1) }]),
    code: 'PARAMETER_UNKNOWN',
  },
  {
    slug: 'disorder',
    words: 'an OPEN whose parameters are in disorder',
    open: () =>
      payload([
        { id: GREASE[1] ?? 0, value: new Uint8Array(1) },
        { id: GREASE[0] ?? 0, value: new Uint8Array(1) },
      ]),
    code: 'PARAMETER_MALFORMED',
  },
];

function payload(parameters: readonly ParameterInput[]): Uint8Array {
  return buildPayload('OPEN', { nonce: new Uint8Array(32), application: SHARED_APPLICATION, parameters });
}

const malformedCases = MALFORMED.map(({ slug, words, open, code }): Case => ({
  id: `RLY-015/relay-${slug}`,
  requirements: ['RLY-015', 'RLY-036'],
  title: `a FORWARD with ${words} is the error of such an OPEN`,
  stimulus: `A relay sends FORWARD with ${words} as its \`open\`, while another client has a channel.`,
  expectation: `CLOSE(${code}) arrives, and the channel of the other client goes on.`,
  run: async (context) => {
    const other = await context.led();
    const peer = await asRelay(context);
    peer.send('FORWARD', { channel: 1, fields: { hop_limit: 1, client: FAR_CLIENT, route: [], open: open() } });
    const close = await peer.expectViolation(code, { requirement: 'RLY-015' });
    close.requireCode(code, 'RLY-015');
    await other.peer.barrier('RLY-036');
    await other.end.trunk.barrier('RLY-036');
    await other.end.expectNothing('RLY-036');
  },
}));

/** Section 13.2. */
export const forward: readonly RelayCase[] = relayCases([
  ...openCases,
  ...fittingCases,
  ...secondHopCases,
  ...clientCases,
  ...namedCases,
  ...routeCases,
  ...hopCases,
  ...loopCases,
  ...noLoopCases,
  ...orderCases,
  ...malformedCases,
  {
    id: 'RLY-007/relay-clients-side-by-side',
    requirements: ['RLY-007'],
    title: 'clients that share a trunk are told apart',
    stimulus: 'Three clients with different identities open a channel each, one after the other, twice.',
    expectation: 'Each FORWARD names the client that has asked.',
    run: async (context) => {
      const names = ['client', 'client-2', 'clients/one-dns'] as const;
      const peers = await Promise.all(names.map((as) => context.established({ as })));
      for (let round = 0; round < 2; round += 1) {
        const asked = peers.map((peer) => context.ask(peer, SHARED_APPLICATION));
        for (const [at, each] of asked.entries()) {
          const { forward: came } = await context.endOf(each, 'RLY-007');
          assertEqual('client', came.string('client'), context.kit.entry(names[at] ?? '').identity, 'RLY-007');
        }
      }
    },
  },
  {
    id: 'RLY-007/relay-far-clients-side-by-side',
    requirements: ['RLY-007', 'RLY-006'],
    title: 'two far clients that one relay speaks for are told apart, even with the same nonce',
    stimulus: 'A relay sends two FORWARDs whose OPENs are the same octets, for two clients.',
    expectation: 'Two FORWARDs arrive, each with its own client.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await asRelay(context);
        const nonce = context.bytes(32);
        context.pass(peer, 'solo/same', { nonce, client: 'spiffe://hawser.test/one' });
        await solo.accept();
        const first = await solo.forwarded('RLY-007');
        context.pass(peer, 'solo/same', { nonce, client: 'spiffe://hawser.test/two' });
        const second = await solo.forwarded('RLY-007');
        assertEqual('client', first.forward.string('client'), 'spiffe://hawser.test/one', 'RLY-007');
        assertEqual('client', second.forward.string('client'), 'spiffe://hawser.test/two', 'RLY-007');
        requireSame('open', second.open, first.open, 'RLY-006');
      });
    },
  },
  {
    id: 'RLY-009/relay-open',
    requirements: ['RLY-009'],
    title: 'an OPEN may pass a bounded number of relays',
    stimulus: 'A client opens a channel.',
    expectation: `FORWARD arrives with a hop_limit of ${MAX_HOPS - 1} at most.`,
    run: async (context) => {
      const { forward: came } = await context.endOf(context.ask(await context.established(), SHARED_APPLICATION));
      const hops = came.integer('hop_limit');
      assertThat(hops <= BigInt(MAX_HOPS - 1), `a hop_limit of ${MAX_HOPS - 1} at most`, String(hops), 'RLY-009');
    },
  },
  {
    id: 'RLY-010/relay-trunk',
    requirements: ['RLY-010'],
    title: 'a FORWARD that may go no further is not passed on',
    stimulus: 'A relay sends FORWARD with a hop_limit of 0 for an application of a Hawser application end.',
    expectation: 'REFUSED(HOP_LIMIT) arrives, and nothing at the application end.',
    run: async (context) => {
      const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { hopLimit: 0 });
      await requireRefused(asked, 'HOP_LIMIT', 'RLY-010');
      await requireUnasked(context, asked, 'RLY-010');
    },
  },
  {
    id: 'RLY-010/relay-route-full',
    requirements: ['RLY-010'],
    title: 'a FORWARD whose route has no room left is not passed on, whatever its hop_limit says',
    stimulus: `A relay sends FORWARD with a route of ${MAX_HOPS} identities and a hop_limit of 255 for an application of a Hawser application end.`,
    expectation: 'REFUSED(HOP_LIMIT) arrives, and nothing at the application end.',
    run: async (context) => {
      const route = Array.from({ length: MAX_HOPS }, (_, index) => `spiffe://hawser.test/relay-${index}`);
      const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { route, hopLimit: 255 });
      await requireRefused(asked, 'HOP_LIMIT', 'RLY-010');
      await requireUnasked(context, asked, 'RLY-010');
    },
  },
  {
    id: 'RLY-010/relay-route-almost-full',
    requirements: ['RLY-010', 'RLY-008'],
    title: 'a FORWARD whose route has room for one more is passed on',
    stimulus: `A relay sends FORWARD with a route of ${MAX_HOPS - 1} identities and a hop_limit of 1 for an application of a Hawser application end.`,
    expectation: `FORWARD arrives with a route of ${MAX_HOPS} identities.`,
    run: async (context) => {
      const route = Array.from({ length: MAX_HOPS - 1 }, (_, index) => `spiffe://hawser.test/relay-${index}`);
      const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { route, hopLimit: 1 });
      const { forward } = await context.endOf(asked);
      assertEqual('length of route', forward.texts('route').length, MAX_HOPS, 'RLY-008');
    },
  },
  {
    id: 'RLY-010/relay-tcp',
    requirements: ['RLY-010'],
    title: 'a hop_limit of 0 does not matter where no relay follows',
    stimulus: 'A relay sends FORWARD with a hop_limit of 0 for a TCP peer.',
    expectation: 'The channel is opened, and octets arrive.',
    run: async (context) => {
      const peer = await asRelay(context);
      const dialled = await context.dial(peer, 'relay/stream', { client: FAR_CLIENT, hopLimit: 0 });
      await peer.expect('OPENED', { channel: dialled.channel, requirement: 'RLY-010' });
      const message = context.bytes(20);
      peer.sendMessage(dialled.channel, message);
      await dialled.end.expectOctets(message);
    },
  },
  {
    id: 'RLY-011/relay-tcp',
    requirements: ['RLY-011', 'RLY-004'],
    title: 'a request that has gone round does not reach a TCP peer either',
    stimulus: "A relay sends FORWARD for relay/stream whose route holds the relay's own identity.",
    expectation: 'REFUSED(ROUTE_LOOP) arrives, and no connection is made.',
    run: async (context) => {
      const peer = await asRelay(context);
      await context.withoutConnection(peer, 'RLY-004', async () => {
        const asked = context.pass(peer, 'relay/stream', { route: [context.target.identity] });
        await requireRefused(asked, 'ROUTE_LOOP', 'RLY-011');
      });
    },
  },
  {
    id: 'RLY-011/relay-client-is-the-relay',
    requirements: ['RLY-011', 'RLY-007'],
    title: 'a client that has the name of the relay is no loop',
    stimulus: "A relay sends FORWARD whose `client` is the relay's own identity, with an empty route.",
    expectation: 'The request is passed on: only sender and route are looked at.',
    run: async (context) => {
      const asked = context.pass(await asRelay(context), SHARED_APPLICATION, { client: context.target.identity });
      const { forward: came } = await context.endOf(asked, 'RLY-011');
      assertEqual('client', came.string('client'), context.target.identity, 'RLY-007');
    },
  },
  {
    id: 'RLY-008/relay-dns-sender',
    requirements: ['RLY-008'],
    title: 'a sender with a DNS name stands in the route with that',
    stimulus: 'A relay whose identity is a DNS name sends FORWARD with one relay in its route.',
    expectation: 'FORWARD arrives with that relay, and the DNS name behind it.',
    run: async (context) => {
      const peer = await asRelay(context, 'clients/relay-dns');
      const { forward: came } = await context.endOf(
        context.pass(peer, SHARED_APPLICATION, { route: [OTHER] }),
        'RLY-008',
      );
      const expected = [OTHER, context.kit.entry('clients/relay-dns').identity].join(' ');
      assertEqual('route', came.texts('route').join(' '), expected, 'RLY-008');
    },
  },
  {
    id: 'CHN-001/relay-trunk-channels',
    requirements: ['CHN-001', 'WIR-010'],
    title: 'channels on a trunk have numbers of their own, in order',
    stimulus: 'Two clients open two channels each, in turn, over a trunk that is made for the first of them.',
    expectation: 'Four FORWARDs arrive, on the channels 1 to 4.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const one = await context.established();
        const two = await context.established({ as: 'client-2' });
        context.ask(one, 'solo/a');
        await solo.accept();
        const first = await solo.forwarded();
        assertEqual('channel', first.channel, 1, 'CHN-001');
        for (const [at, peer] of [two, one, two].entries()) {
          context.ask(peer, 'solo/b');
          assertEqual('channel', (await solo.forwarded()).channel, at + 2, 'CHN-001');
        }
      });
    },
  },
  {
    id: 'WIR-006/relay-ignorable-around',
    requirements: ['WIR-006', 'RLY-006'],
    title: 'ignorable frames on either leg stay there',
    stimulus:
      'The client sends an ignorable frame before and after OPEN, and so does the application end around OPENED.',
    expectation:
      'The channel is opened and messages pass in both directions; nothing of these frames is seen at the other end.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const ignorable = (): { readonly type: number; readonly payload: Uint8Array } => ({
          type: greaseType(2),
          payload: context.bytes(12),
        });
        peer.keepIgnorable = true;
        peer.sendRaw(ignorable());
        const asked = context.ask(peer, 'solo/end');
        peer.sendRaw(ignorable());
        await solo.accept();
        const end = await solo.forwarded();
        end.trunk.peer.sendRaw(ignorable());
        end.sendOpened();
        end.trunk.peer.sendRaw(ignorable());
        await peer.expectWhere('OPENED', ({ name }) => name === 'OPENED', { channel: asked.channel });
        const message = context.bytes(9);
        peer.sendMessage(asked.channel, message);
        requireSame('the message', await end.receive(), message, 'RLY-016');
      });
    },
  },
]);

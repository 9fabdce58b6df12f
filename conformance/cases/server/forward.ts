import { limit } from '../../model/registry.ts';
import type { ForwardOptions } from '../../peer/client-peer.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import { equal, integer } from '../../model/codec.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import { requireCount, requireEcho } from './continuity/sessions.ts';
import { expectExactly } from './client-frames.ts';
import type { Forwarded } from './forwarded.ts';
import {
  FORWARD,
  forwarded,
  forwarding,
  identityOf,
  MAX_ROUTE,
  relaying,
  RELAY,
  requireRefused,
  requireTold,
} from './forwarded.ts';
import { receiveMessage, sourceMessage, sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const CLIENT = 'spiffe://hawser.test/somebody';
const CHANNEL_CLOSED = 0x0405;

/** Whom test mode does not take for a relay. */
const NO_RELAYS = [
  { as: 'client', slug: 'client', what: 'a client' },
  { as: 'clients/below-relay', slug: 'relay-is-not-the-last-segment', what: 'an identity below that of a relay' },
  { as: 'clients/behind-relay', slug: 'relay-is-not-the-first-label', what: 'a DNS name with another first label' },
];

const strangerCases = NO_RELAYS.map(({ as, slug, what }): NewCase => ({
  id: `RLY-013/${slug}`,
  requirements: ['RLY-013', 'CHN-032'],
  title: `${what} may not send FORWARD`,
  stimulus: `A peer that is no relay, ${what}, sends FORWARD for test/echo, and then OPEN.`,
  expectation: 'REFUSED(APPLICATION_REFUSED) arrives, and OPENED for the second channel.',
  run: async (context) => {
    const peer = await context.established({ as });
    await requireRefused(peer, peer.sendForward('test/echo'), 'APPLICATION_REFUSED', 'RLY-013');
    const channel = peer.sendOpen('test/echo');
    await peer.expect('OPENED', { channel, requirement: 'CHN-032' });
    await requireEcho(peer, channel, context.bytes(5), 'CHN-032');
  },
}));

/** What does not help a peer that is no relay, and may not be examined before. */
const STRANGE: readonly {
  readonly slug: string;
  readonly what: string;
  readonly application?: string;
  readonly options?: ForwardOptions;
}[] = [
  { slug: 'unknown-application', what: 'an application that does not exist', application: 'no/such/application' },
  { slug: 'no-hops', what: 'a hop limit of zero', options: { hopLimit: 0 } },
  {
    slug: 'own-identity',
    what: 'its own identity as that of the client',
    options: { client: 'spiffe://hawser.test/client' },
  },
  { slug: 'route', what: 'a relay in its route', options: { route: ['spiffe://hawser.test/relay'] } },
  { slug: 'wrong-request', what: 'a request that the application would refuse', application: 'test/source' },
  { slug: 'proof', what: 'an application that demands proof', application: 'test/prove' },
];

const strangeCases = STRANGE.map(({ slug, what, application = 'test/echo', options }): NewCase => ({
  id: `RLY-013/client-with-${slug}`,
  requirements: ['RLY-013', 'CHN-007'],
  title: `a client may not send FORWARD: ${what}`,
  stimulus: `A client that is no relay sends FORWARD for test/echo, and another one with ${what}.`,
  expectation: 'REFUSED(APPLICATION_REFUSED) arrives for both, with the same retry_after_ms.',
  run: async (context) => {
    const peer = await context.established();
    const plain = await requireRefused(peer, peer.sendForward('test/echo'), 'APPLICATION_REFUSED', 'RLY-013');
    const other = peer.sendForward(application, options);
    const refused = await requireRefused(peer, other, 'APPLICATION_REFUSED', 'RLY-013');
    const wait = refused.integer('retry_after_ms');
    assertEqual('retry_after_ms', wait, plain.integer('retry_after_ms'), 'CHN-007');
  },
}));

const RELAYS = [
  { as: RELAY, slug: 'relay', what: 'a URI whose last segment is relay' },
  { as: 'clients/relay-2', slug: 'relay-with-more', what: 'a URI whose last segment begins with relay' },
  { as: 'clients/relay-dns', slug: 'relay-dns', what: 'a DNS name whose first label is relay' },
];

const relayCases = RELAYS.map(({ as, slug, what }): NewCase => ({
  id: `APP-011/${slug}`,
  requirements: ['APP-011', 'RLY-014'],
  title: `${what} is a relay in test mode`,
  stimulus: `A peer whose identity is ${what} sends FORWARD for test/route.`,
  expectation: 'OPENED arrives, and one message: the identity of the client, a line feed, that of the relay.',
  features: FORWARD,
  run: async (context) => {
    const met = await forwarded(context, 'test/route', { client: CLIENT, connection: { as }, requirement: 'APP-011' });
    await requireTold(met, `${CLIENT}\n${context.kit.entry(as).identity ?? ''}`, 'RLY-014');
  },
}));

/** Identities that a relay may name. They are text to the server, whatever they look like. */
const CLIENTS: readonly { readonly slug: string; readonly what: string; readonly client: string }[] = [
  { slug: 'uri', what: 'a URI', client: CLIENT },
  { slug: 'dns-name', what: 'a DNS name', client: 'terminal-7.example' },
  { slug: 'one-octet', what: 'one octet', client: 'c' },
  { slug: 'longest', what: '2,048 octets', client: identityOf(2048) },
  { slug: 'beyond-ascii', what: 'text beyond ASCII', client: 'spiffe://hawser.test/k\u00fcche/\u{1f980}' },
  { slug: 'space-at-both-ends', what: 'text with a space at both ends', client: ' client ' },
  { slug: 'identity-of-the-relay', what: "the relay's own identity", client: 'spiffe://hawser.test/relay' },
  { slug: 'identity-of-the-server', what: "the server's own identity", client: 'spiffe://hawser.test/server' },
];

const clientCases = CLIENTS.map(({ slug, what, client }): NewCase => ({
  id: `RLY-014/client-is-${slug}`,
  requirements: ['RLY-014', 'CHN-006', 'APP-001'],
  title: `the application end is told of the client that FORWARD names: ${what}`,
  stimulus: `A relay sends FORWARD for test/identity, whose client is ${what}.`,
  expectation: 'One message, exactly that identity, and END arrive.',
  features: FORWARD,
  run: async (context) => requireTold(await forwarded(context, 'test/identity', { client }), client, 'RLY-014'),
}));

/** Routes that a server which is no relay takes as they are. */
const ROUTES: readonly { readonly slug: string; readonly what: string; readonly route: readonly string[] }[] = [
  { slug: 'none', what: 'is empty', route: [] },
  { slug: 'one', what: 'has one relay', route: ['spiffe://hawser.test/relay-a'] },
  {
    slug: 'most',
    what: `has ${MAX_ROUTE} relays`,
    route: Array.from({ length: MAX_ROUTE }, (_, at) => `spiffe://hawser.test/relay-${at}`),
  },
  { slug: 'longest', what: 'has relays of 2,048 octets', route: Array.from({ length: 3 }, () => identityOf(2048)) },
  { slug: 'unsorted', what: 'is in no order of the alphabet', route: ['z', 'a', 'm'] },
  {
    slug: 'twice',
    what: 'has one relay twice',
    route: ['spiffe://hawser.test/relay-a', 'spiffe://hawser.test/relay-a'],
  },
  { slug: 'beyond-ascii', what: 'has text beyond ASCII', route: ['k\u00fcche'] },
  { slug: 'with-the-peer', what: 'holds the identity of its sender', route: ['spiffe://hawser.test/relay'] },
  { slug: 'with-the-server', what: 'holds the identity of the server', route: ['spiffe://hawser.test/server'] },
  { slug: 'with-the-client', what: 'holds the identity of the client', route: [CLIENT] },
];

const routeCases = ROUTES.map(({ slug, what, route }): NewCase => ({
  id: `RLY-014/route-${slug}`,
  requirements: ['RLY-014', 'APP-001'],
  title: `the application end is told of the relays: the route ${what}`,
  stimulus: `A relay sends FORWARD for test/route; its route ${what}.`,
  expectation: 'One message arrives: the client, those of the route in their order, and the relay itself; then END.',
  features: FORWARD,
  run: async (context) => {
    const told = [CLIENT, ...route, context.kit.entry(RELAY).identity ?? ''].join('\n');
    await requireTold(await forwarded(context, 'test/route', { client: CLIENT, route }), told, 'RLY-014');
  },
}));

const hopCases = [0, 1, 255].map((hopLimit): NewCase => ({
  id: `RLY-014/hop-limit-${hopLimit}`,
  requirements: ['RLY-014'],
  title: `a server that is no relay does not examine the hop limit (${hopLimit})`,
  stimulus: `A relay sends FORWARD for test/route with a hop limit of ${hopLimit}.`,
  expectation: 'OPENED arrives, and what the application end was told.',
  features: FORWARD,
  run: async (context) => {
    const met = await forwarded(context, 'test/route', { client: CLIENT, hopLimit, requirement: 'RLY-014' });
    await requireTold(met, `${CLIENT}\n${context.kit.entry(RELAY).identity ?? ''}`, 'RLY-014');
  },
}));

const openByRelayCases = ['test/identity', 'test/route'].map((application): NewCase => ({
  id: `CHN-006/open-of-a-relay-${application.slice('test/'.length)}`,
  requirements: ['CHN-006', 'APP-001'],
  title: `an OPEN of a relay is its own (${application})`,
  stimulus: `A relay sends FORWARD for another client, and then OPEN of ${application}.`,
  expectation: 'The application end of the second is told of the relay alone, as the client.',
  features: FORWARD,
  run: async (context) => {
    const { peer } = await forwarded(context, 'test/echo', { client: CLIENT });
    const channel = await peer.open(application);
    await requireTold({ peer, channel }, context.kit.entry(RELAY).identity ?? '', 'CHN-006');
  },
}));

interface Behaviour {
  readonly application: string;
  readonly does: string;
  readonly data?: Uint8Array;
  readonly judge: (met: Forwarded, octets: Uint8Array) => Promise<void>;
}

/** What each application does, also behind a relay. */
const BEHAVIOURS: readonly Behaviour[] = [
  {
    application: 'test/echo',
    does: 'returns a message',
    judge: ({ peer, channel }, octets) => requireEcho(peer, channel, octets, 'APP-001'),
  },
  {
    application: 'test/sink',
    does: 'counts',
    judge: async ({ peer, channel }, octets) => {
      peer.sendMessage(channel, octets);
      await requireCount(peer, channel, 1, octets.length, 'APP-001');
    },
  },
  {
    application: 'test/source',
    does: 'sends what application_data asks for',
    data: sourceRequest(2, 30),
    judge: async ({ peer, channel }) => {
      for (const n of [0, 1]) {
        const right = equal(await receiveMessage(peer, channel, 'APP-001'), sourceMessage(n, 30));
        assertThat(right, `message ${n} of test/source`, 'another one', 'APP-001');
      }
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
  {
    application: 'test/reset',
    does: 'resets',
    judge: async ({ peer, channel }, octets) => {
      peer.sendMessage(channel, octets);
      const reset = await peer.expect('RESET', { channel, requirement: 'APP-001' });
      reset.requireCode('APPLICATION_ERROR', 'APP-001');
      peer.send('RESET', { channel, fields: { code: CHANNEL_CLOSED } });
      await peer.barrier('CHN-032');
    },
  },
  {
    application: 'test/hold',
    does: 'grants nothing',
    judge: async ({ peer, channel }, octets) => {
      peer.sendMessage(channel, octets);
      const more = (await peer.barrier('APP-001')).find((frame) => frame.channel === channel);
      if (more !== undefined) fail('nothing on the channel', more.text, 'APP-001');
    },
  },
  {
    application: 'test/close',
    does: 'ends the session of the relay',
    judge: async ({ peer, channel }, octets) => {
      peer.sendMessage(channel, octets);
      const close = await peer.expect('CLOSE', { requirement: 'APP-001' });
      close.requireCode('NO_ERROR', 'APP-001');
      peer.sendClose();
      await peer.expectEnd('SES-014');
    },
  },
  {
    application: 'test/drain',
    does: 'drains the connection of the relay',
    judge: async ({ peer, channel }) => {
      peer.sendMessage(channel, integer(30_000, 4));
      const drain = await peer.expect('DRAIN', { requirement: 'APP-001' });
      assertEqual('deadline_ms', drain.integer('deadline_ms'), 30_000n, 'APP-001');
    },
  },
];

const applicationCases = BEHAVIOURS.map(({ application, does, data, judge }): NewCase => ({
  id: `APP-001/forwarded-${application.slice('test/'.length)}`,
  requirements: ['APP-001', 'RLY-014'],
  title: `${application} behind a relay ${does}`,
  stimulus: `A relay sends FORWARD for ${application}, and what makes it act.`,
  expectation: `OPENED arrives, and the application ${does}, as it does for a client that has sent OPEN.`,
  features: FORWARD,
  run: async (context) => {
    const met = await forwarded(context, application, {
      ...(data === undefined ? {} : { data }),
      requirement: 'APP-001',
    });
    await judge(met, context.bytes(40));
  },
}));

/** Section 13.2, for a server that is no relay. */
export const forward: readonly ServerCase[] = serverCases([
  ...strangerCases,
  ...strangeCases,
  ...relayCases,
  ...clientCases,
  ...routeCases,
  ...hopCases,
  ...openByRelayCases,
  ...applicationCases,
  {
    id: 'RLY-014/clients-side-by-side',
    requirements: ['RLY-014', 'CHN-032'],
    title: 'each channel has the client that its own FORWARD names',
    stimulus: 'A relay sends three FORWARDs for test/route in one TLS record, for three clients and over three routes.',
    expectation: 'Each application end is told of its own client and route.',
    features: FORWARD,
    run: async (context) => {
      const peer = await relaying(context);
      const relay = context.kit.entry(RELAY).identity ?? '';
      const asked = ['a', 'b', 'c'].map((name, at) => ({
        client: name,
        route: Array.from({ length: at }, () => `r-${name}`),
      }));
      const frames = asked.map((options) =>
        peer.build('FORWARD', { channel: peer.nextChannel++, fields: peer.forwardFields('test/route', options) }),
      );
      peer.sendTogether(frames);
      for (const [at, { client, route }] of asked.entries()) {
        const channel = at + 1;
        await peer.expect('OPENED', { channel, requirement: 'RLY-014' });
        await requireTold({ peer, channel }, [client, ...route, relay].join('\n'), 'RLY-014');
      }
    },
  },
  {
    id: 'APP-001/forwarded-data',
    requirements: ['APP-001', 'RLY-014'],
    title: 'application_data in the OPEN of a FORWARD reaches the application end',
    stimulus: 'A relay sends FORWARD for test/data, with 4,096 octets of application_data in the OPEN inside.',
    expectation: 'OPENED has the same application_data.',
    features: FORWARD,
    run: async (context) => {
      const data = context.bytes(4096);
      const { opened } = await forwarded(context, 'test/data', { data });
      const returned = opened.parameter('application_data');
      const same = returned instanceof Uint8Array && equal(returned, data);
      assertThat(same, 'the same application_data', opened.text, 'APP-001');
    },
  },
  {
    id: 'APP-001/forwarded-refuse',
    requirements: ['APP-001', 'CHN-005'],
    title: 'test/refuse behind a relay refuses',
    stimulus: 'A relay sends FORWARD for test/refuse.',
    expectation: 'REFUSED(APPLICATION_ERROR) arrives.',
    features: FORWARD,
    run: async (context) => {
      const { peer, channel } = await forwarding(context, 'test/refuse');
      await requireRefused(peer, channel, 'APPLICATION_ERROR', 'APP-001');
    },
  },
  {
    id: 'APP-003/forwarded-source',
    requirements: ['APP-003'],
    title: 'test/source behind a relay refuses a request that asks for nothing',
    stimulus: 'A relay sends FORWARD for test/source, without application_data in the OPEN inside.',
    expectation: 'REFUSED(APPLICATION_ERROR) arrives.',
    features: FORWARD,
    run: async (context) => {
      const { peer, channel } = await forwarding(context, 'test/source');
      await requireRefused(peer, channel, 'APPLICATION_ERROR', 'APP-003');
    },
  },
  {
    id: 'CHN-007/forwarded-unknown-application',
    requirements: ['CHN-007', 'CHN-008'],
    title: 'an application that does not exist is refused to a relay too',
    stimulus: 'A relay sends FORWARD for an application that does not exist.',
    expectation: 'REFUSED(APPLICATION_REFUSED) arrives, and the session goes on.',
    features: FORWARD,
    run: async (context) => {
      const { peer, channel } = await forwarding(context, 'no/such/application');
      await requireRefused(peer, channel, 'APPLICATION_REFUSED', 'CHN-007');
    },
  },
  {
    id: 'CHN-002/forward-and-open',
    requirements: ['CHN-002', 'CHN-005'],
    title: 'OPEN and FORWARD count together',
    stimulus: 'A relay sends OPEN, FORWARD and OPEN for the channels 1, 2 and 3, and a message on each.',
    expectation: 'All are opened, and each message comes back.',
    features: FORWARD,
    run: async (context) => {
      const peer = await relaying(context);
      const channels = [peer.sendOpen('test/echo'), peer.sendForward('test/echo'), peer.sendOpen('test/echo')];
      for (const channel of channels) {
        await peer.expect('OPENED', { channel, requirement: 'CHN-002' });
        await requireEcho(peer, channel, context.bytes(9), 'CHN-015');
      }
    },
  },
  ...[
    { slug: 'leaves-one-out', what: 'leaves a number out', from: 1, to: 3 },
    { slug: 'repeats', what: 'has the number of an OPEN before', from: 1, to: 1 },
    { slug: 'begins-with-two', what: 'is the first and has the number 2', from: 0, to: 2 },
    { slug: 'highest-number', what: 'has the highest number that there is', from: 0, to: 2 ** 32 - 1 },
  ].map(({ slug, what, from, to }): NewCase => ({
    id: `CHN-002/forward-${slug}`,
    requirements: ['CHN-002'],
    title: `a FORWARD that ${what} is an error`,
    stimulus: `A relay sends a FORWARD that ${what}.`,
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await relaying(context);
      if (from > 0) await context.dependency('opening test/echo', () => peer.open('test/echo'));
      peer.send('FORWARD', { channel: to, fields: peer.forwardFields('test/echo') });
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  })),
  {
    id: 'CHN-002/forward-before-policy',
    requirements: ['CHN-002', 'WIR-027'],
    title: 'the number of a channel is judged before its sender',
    stimulus: 'A peer that is no relay sends a FORWARD that leaves a number out.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.send('FORWARD', { channel: 2, fields: peer.forwardFields('test/echo') });
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  {
    id: 'CHN-002/open-behind-a-refused-forward',
    requirements: ['CHN-002'],
    title: 'a FORWARD that was refused has used up its number',
    stimulus: 'A peer that is no relay sends FORWARD for channel 1, is refused, and sends OPEN for channel 1.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      await requireRefused(peer, peer.sendForward('test/echo'), 'APPLICATION_REFUSED', 'RLY-013');
      peer.nextChannel = 1;
      peer.sendOpen('test/echo');
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  ...[
    { slug: 'forward', what: 'of a relay', as: RELAY, features: FORWARD },
    { slug: 'forward-before-policy', what: 'of a peer that is no relay', as: 'client', features: [] },
  ].map(({ slug, what, as, features }): NewCase => ({
    id: `CHN-009/${slug}`,
    requirements: ['CHN-009', 'CHN-032'],
    title: `FORWARDs ${what} count as OPENs do`,
    stimulus: `A peer opens as many channels of test/hold as it was granted${as === RELAY ? ', by OPEN and FORWARD in turn' : ''}; then a FORWARD ${what} follows.`,
    expectation: 'REFUSED(CHANNEL_LIMIT) arrives, and the session goes on.',
    features,
    run: async (context) => {
      const peer = await context.established({ as });
      const granted = peer.serverParameter('max_channels');
      if (granted > limit('max_pending_opens')) return;
      const channels = Array.from({ length: granted }, (_, at) =>
        at % 2 === 1 && as === RELAY ? peer.sendForward('test/hold') : peer.sendOpen('test/hold'),
      );
      for (const channel of channels) await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
      await requireRefused(peer, peer.sendForward('test/echo'), 'CHANNEL_LIMIT', 'CHN-009');
    },
  })),
]);

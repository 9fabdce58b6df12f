/** Section 13.1: where a channel is led, for whom, and what is refused. */
import type { ClientPeer } from '../../peer/client-peer.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Asked, RelayContext } from '../relay-context.ts';
import { FAR_CLIENT, SHARED_APPLICATION, SOLO_APPLICATION } from '../relay-context.ts';
import type { Case } from './passing.ts';
import { passesBothWays, requireRefused, requireSame, requireSilence } from './passing.ts';

/** Names that no route leads, however near they are to one. */
const NOWHERE: readonly { readonly slug: string; readonly name: string }[] = [
  { slug: 'unknown', name: 'nowhere/at-all' },
  { slug: 'prefix-without-slash', name: 'test' },
  { slug: 'capitals', name: 'TEST/end' },
  { slug: 'space-in-front', name: ' test/end' },
  { slug: 'longer', name: 'relay/stream2' },
  { slug: 'shorter', name: 'relay/strea' },
  { slug: 'below', name: 'relay/stream/more' },
  { slug: 'pattern', name: 'relay/*' },
  { slug: 'other-prefix', name: 'atest/end' },
  { slug: 'solo-without-slash', name: 'solo' },
];

const nowhereCases = NOWHERE.map(({ slug, name }): Case => ({
  id: `RLY-002/relay-no-route-${slug}`,
  requirements: ['RLY-002', 'CHN-007', 'RLY-004'],
  title: `an application without a route is refused (${slug})`,
  stimulus: `A client opens "${name}", for which there is no route.`,
  expectation: 'REFUSED(APPLICATION_REFUSED) arrives, no application end is asked, and the session goes on.',
  run: async (context) => {
    const peer = await context.established();
    const asked = context.ask(peer, name);
    await requireRefused(asked, 'APPLICATION_REFUSED', 'RLY-002');
    const led = await context.ledOn(peer);
    await led.end.expectNothing('RLY-004');
    if (context.wasForwarded(asked)) fail('no FORWARD', 'one with the nonce of the OPEN', 'RLY-004');
  },
}));

/** Names that the route for every name with a beginning leads. */
const EVERYWHERE: readonly { readonly slug: string; readonly name: string }[] = [
  { slug: 'shortest', name: 'test/' },
  { slug: 'slashes', name: 'test/a/b/c' },
  { slug: 'longest', name: `test/${'x'.repeat(250)}` },
  { slug: 'not-ascii', name: 'test/grüße-日本' },
  { slug: 'star', name: 'test/*' },
];

const everywhereCases = EVERYWHERE.map(({ slug, name }): Case => ({
  id: `RLY-003/relay-name-${slug}`,
  requirements: ['RLY-003', 'RLY-006', 'APP-012'],
  title: `every name with the beginning of the route is led (${slug})`,
  stimulus: `A client opens "${name.length > 40 ? `${name.slice(0, 20)}...` : name}".`,
  expectation: 'FORWARD arrives at the application end of test/*, and messages pass.',
  run: async (context) => {
    const led = await context.led({ application: name });
    await passesBothWays(led, 'RLY-016');
  },
}));

/** Who may not open what, and how it asks. */
interface Denial {
  readonly slug: string;
  readonly words: string;
  readonly as: string;
  readonly ask: (context: RelayContext, peer: ClientPeer) => Asked;
}

const DENIALS: readonly Denial[] = [
  {
    slug: 'denied',
    words: 'A client opens relay/denied, which policy allows to nobody',
    as: 'client',
    ask: (context, peer) => context.ask(peer, 'relay/denied'),
  },
  {
    slug: 'denied-to-far-client',
    words: 'A relay sends FORWARD for relay/denied',
    as: 'clients/relay',
    ask: (context, peer) => context.pass(peer, 'relay/denied'),
  },
  {
    slug: 'forward-of-a-client',
    words: 'A client that is no relay sends FORWARD for relay/stream',
    as: 'client',
    ask: (context, peer) => context.pass(peer, 'relay/stream'),
  },
  {
    slug: 'forward-in-own-name',
    words: 'A client that is no relay sends FORWARD for relay/stream, and names itself as the client',
    as: 'client',
    ask: (context, peer) => context.pass(peer, 'relay/stream', { client: context.kit.index.clientIdentity }),
  },
];

const denialCases = DENIALS.map(({ slug, words, as, ask }): Case => ({
  id: `RLY-004/relay-${slug}`,
  requirements: ['RLY-004', 'RLY-002', 'RLY-013'],
  title: `no application end is contacted for what is not allowed (${slug})`,
  stimulus: `${words}. Then a channel is opened that is allowed.`,
  expectation:
    'REFUSED(APPLICATION_REFUSED) arrives, and the first connection at the application end is that of the second channel.',
  run: async (context) => {
    const peer = await context.established({ as });
    await context.withoutConnection(peer, 'RLY-004', async () => {
      await requireRefused(ask(context, peer), 'APPLICATION_REFUSED', 'RLY-002');
    });
  },
}));

/** Identities that begin with `relay` where it does not count, and where it does. */
const NAMES: readonly { readonly slug: string; readonly identity: string; readonly relay: boolean }[] = [
  { slug: 'last-segment', identity: 'spiffe://hawser.test/hosts/relay7', relay: true },
  { slug: 'inner-segment', identity: 'spiffe://hawser.test/relay/host', relay: false },
  { slug: 'host', identity: 'spiffe://relay.test/host', relay: false },
  { slug: 'end-of-segment', identity: 'spiffe://hawser.test/norelay', relay: false },
];

const nameCases = NAMES.map(({ slug, identity, relay }): Case => ({
  id: `APP-011/relay-${slug}`,
  requirements: ['APP-011', 'RLY-013'],
  title: `${identity} is ${relay ? 'a relay' : 'no relay'}`,
  stimulus: `A peer with the identity ${identity} sends FORWARD.`,
  expectation: relay ? 'The request is passed on.' : 'REFUSED(APPLICATION_REFUSED) arrives.',
  run: async (context) => {
    const credential = await context.issuance.credential('client', identity, HOUR_MS);
    const peer = await context.established({ credential });
    const asked = context.pass(peer, SHARED_APPLICATION);
    if (!relay) {
      await requireRefused(asked, 'APPLICATION_REFUSED', 'RLY-013');
      return;
    }
    const end = await context.endOf(asked, 'APP-011');
    assertEqual('last relay of the route', end.forward.texts('route').at(-1), identity, 'RLY-008');
  },
}));

const HOUR_MS = 3_600_000;

/** Section 13.1. */
export const routes: readonly RelayCase[] = relayCases([
  ...nowhereCases,
  ...everywhereCases,
  ...denialCases,
  ...nameCases,
  {
    id: 'RLY-002/relay-one-answer',
    requirements: ['RLY-002', 'CHN-007'],
    title: 'what does not exist and what is not allowed are refused alike',
    stimulus: 'A client opens an application without a route, and relay/denied.',
    expectation: 'Both are refused with the same code and the same retry_after_ms.',
    run: async (context) => {
      const peer = await context.established();
      const unknown = await requireRefused(context.ask(peer, 'nowhere'), 'APPLICATION_REFUSED', 'RLY-002');
      const denied = await requireRefused(context.ask(peer, 'relay/denied'), 'APPLICATION_REFUSED', 'RLY-002');
      requireSame('the answer', denied.payload, unknown.payload, 'RLY-002');
    },
  },
  {
    id: 'RLY-002/relay-one-answer-to-relays',
    requirements: ['RLY-002', 'RLY-013'],
    title: 'a relay, and somebody who is none, get the same refusal',
    stimulus:
      'A relay sends FORWARD for an application without a route and for relay/denied; a client that is no relay sends FORWARD for an application that exists.',
    expectation: 'All three are refused with the same code and the same retry_after_ms.',
    run: async (context) => {
      const relay = await context.established({ as: 'clients/relay' });
      const unknown = await requireRefused(context.pass(relay, 'nowhere'), 'APPLICATION_REFUSED', 'RLY-002');
      const denied = await requireRefused(context.pass(relay, 'relay/denied'), 'APPLICATION_REFUSED', 'RLY-002');
      const client = await context.established();
      const stranger = await requireRefused(context.pass(client, SHARED_APPLICATION), 'APPLICATION_REFUSED', 'RLY-013');
      requireSame('the answer', denied.payload, unknown.payload, 'RLY-002');
      requireSame('the answer', stranger.payload, unknown.payload, 'RLY-013');
    },
  },
  {
    id: 'RLY-003/relay-each-to-its-own',
    requirements: ['RLY-003', 'APP-012'],
    title: 'four channels of one client go to four application ends',
    stimulus:
      'A client opens an application of the shared trunk, one of the trunk that the case has for itself, a TCP peer and a TLS peer, and sends another message on each.',
    expectation: 'Each message arrives at its own application end, and nothing else does.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const shared = await context.led();
        const { peer } = shared;
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.accept();
        const own = await solo.forwarded();
        own.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel });
        const tcp = await context.dialled('relay/stream', { on: peer });
        const tls = await context.dialled('relay/tls', { on: peer });
        peer.sendMessage(shared.channel, Buffer.from('shared'));
        peer.sendMessage(asked.channel, Buffer.from('solo'));
        peer.sendMessage(tcp.channel, Buffer.from('tcp'));
        peer.sendMessage(tls.channel, Buffer.from('tls'));
        requireSame('the message', await shared.end.receive('RLY-003'), Buffer.from('shared'), 'RLY-003');
        requireSame('the message', await own.receive('RLY-003'), Buffer.from('solo'), 'RLY-003');
        await tcp.end.expectOctets(Buffer.from('tcp'), 'RLY-003');
        await tls.end.expectOctets(Buffer.from('\0\x03tls'), 'RLY-003');
        await shared.end.expectNothing('RLY-003');
        await own.expectNothing('RLY-003');
        tcp.end.expectNothing('RLY-003');
        tls.end.expectNothing('RLY-003');
      });
    },
  },
  {
    id: 'RLY-005/relay-trunk',
    requirements: ['RLY-005', 'CHN-005'],
    title: 'OPENED comes after that of the application end',
    stimulus:
      'A client opens a channel. The application end waits, and answers with OPENED when the client has seen that nothing came.',
    expectation: 'Nothing arrives at the client before, and OPENED after.',
    run: async (context) => {
      const peer = await context.established();
      const asked = context.ask(peer, SHARED_APPLICATION);
      const end = await context.endOf(asked);
      await requireSilence(asked, 'RLY-005');
      await end.trunk.barrier();
      await requireSilence(asked, 'RLY-005');
      end.sendOpened();
      await peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-005' });
    },
  },
  {
    id: 'RLY-005/relay-trunk-of-its-own',
    requirements: ['RLY-005'],
    title: 'OPENED does not come before the trunk is there',
    stimulus:
      'A client opens a channel for which the relay has to make a trunk session first. The application end accepts it late, and answers later.',
    expectation: 'Nothing arrives at the client before the application end has answered.',
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const asked = context.ask(peer, SOLO_APPLICATION);
        await requireSilence(asked, 'RLY-005');
        await solo.accept();
        const end = await solo.forwarded();
        await requireSilence(asked, 'RLY-005');
        end.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-005' });
      });
    },
  },
  {
    id: 'RLY-005/relay-tls',
    requirements: ['RLY-005'],
    title: 'OPENED does not come before TLS with the application end is complete',
    stimulus:
      'A client opens relay/tls. The application end accepts the TCP connection, and answers the TLS handshake when the client has seen that nothing came.',
    expectation: 'Nothing arrives at the client before the handshake, and OPENED after.',
    run: async (context) => {
      const peer = await context.established();
      const dialled = await context.dial(peer, 'relay/tls');
      await requireSilence(dialled, 'RLY-005');
      await context.secure(dialled.end);
      await peer.expect('OPENED', { channel: dialled.channel, requirement: 'RLY-005' });
    },
  },
  {
    id: 'RLY-005/relay-refused',
    requirements: ['RLY-005', 'CHN-005'],
    title: 'a channel that the application end refuses is never opened',
    stimulus: 'A client opens a channel, and the application end refuses it.',
    expectation: 'REFUSED arrives, and nothing else on the channel.',
    run: async (context) => {
      const peer = await context.established();
      const asked = context.ask(peer, SHARED_APPLICATION);
      const end = await context.endOf(asked);
      end.refuse('APPLICATION_ERROR');
      await requireRefused(asked, 'APPLICATION_ERROR', 'RLY-005');
      await requireSilence(asked, 'CHN-005');
    },
  },
  {
    id: 'APP-012/relay-far-client',
    requirements: ['APP-012', 'APP-011'],
    title: 'the routes are there for whoever a relay names as the client',
    stimulus:
      'Relays with a URI and with a DNS name for identity send FORWARD for a client that the relay under test has never met.',
    expectation: 'The requests are passed on, with that client.',
    run: async (context) => {
      for (const as of ['clients/relay', 'clients/relay-2', 'clients/relay-dns']) {
        const peer = await context.established({ as });
        const end = await context.endOf(context.pass(peer, SHARED_APPLICATION), 'APP-012');
        assertEqual('client', end.forward.string('client'), FAR_CLIENT, 'RLY-007');
      }
    },
  },
]);

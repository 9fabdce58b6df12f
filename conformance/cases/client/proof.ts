import { buildPayload, equal } from '../../model/codec.ts';
import { errorNamed } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ProveOptions } from '../../peer/proof.ts';
import { describeEvent } from '../../testee/connection-under-test.ts';
import { SERVER_SUBJECTS } from '../../testee/kit-plan.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { cutAndAgain, kept } from './continuity-sessions.ts';
import { APPLICATION, asked, CONFIGURED, open, proved, requireAbandoned, requireOpen } from './proving.ts';
import { expectClose } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

const KEYS = [
  { as: 'client', slug: 'p256', what: 'ECDSA on P-256', features: [] },
  { as: 'clients/p384', slug: 'p384', what: 'ECDSA on P-384', features: ['p384'] },
  { as: 'clients/ed25519', slug: 'ed25519', what: 'Ed25519', features: ['ed25519'] },
  { as: 'clients/rsa-2048', slug: 'rsa', what: 'RSA of 2048 bits', features: ['rsa'] },
  { as: 'clients/under-intermediate', slug: 'under-intermediate', what: 'an intermediate authority', features: [] },
];

const keyCases = KEYS.map(({ as, slug, what, features }): Case => ({
  id: `RLY-042/client-${slug}`,
  requirements: ['RLY-042', 'RLY-046'],
  title: `a client proves (${what})`,
  stimulus: `A client with ${what} opens a channel, and the server asks for proof.`,
  expectation:
    "PROOF arrives with the client's own chain, signed over OPEN and PROVE; then the client takes an OPENED that is signed.",
  features,
  run: async (context) => {
    const met = await asked(context, { session: { clientAs: as } });
    met.peer.sendProve(met.channel);
    const proof = await met.peer.expectProof(met.channel);
    const { chain } = context.kit.credential(as);
    const sent = proof.list('chain');
    for (const [at, certificate] of chain.entries()) {
      const same = sent[at] !== undefined && equal(sent[at], certificate);
      assertThat(same, `certificate ${at + 1} of the client's chain`, `${sent.length} certificates`, 'RLY-042');
    }
    met.peer.sendSignedOpened(met.channel);
    await requireOpen(met, 'RLY-046');
  },
}));

/** Who asks, as far as the client may answer. */
const RIGHT: readonly {
  readonly slug: string;
  readonly what: string;
  readonly configured?: 'application' | 'audience';
  readonly prove: (context: ClientContext) => ProveOptions;
}[] = [
  {
    slug: 'application-behind-the-audience',
    what: 'the application end that the client is configured with, behind the server as a relay',
    configured: 'application',
    prove: (context) => ({
      credential: context.kit.credential(APPLICATION),
      relay: context.kit.index.serverIdentity,
    }),
  },
  {
    slug: 'audience-configured',
    what: 'the server itself, with which the client is configured',
    configured: 'audience',
    prove: () => ({}),
  },
  {
    slug: 'audience-as-relay-and-application',
    what: 'the server itself, which names itself as the relay too',
    prove: (context) => ({ relay: context.kit.index.serverIdentity }),
  },
  {
    slug: 'another-certificate',
    what: 'the server with another certificate than that of the connection',
    prove: (context) => ({ credential: context.kit.credential('servers/under-intermediate') }),
  },
  {
    slug: 'chain-of-eight',
    what: 'the server with six intermediate authorities',
    prove: (context) => ({ credential: context.kit.credential('servers/chain-of-eight') }),
  },
  {
    slug: 'both-purposes',
    what: 'the server with a certificate for both roles',
    prove: (context) => ({ credential: context.kit.credential('servers/both-purposes') }),
  },
];

const rightCases = RIGHT.map(({ slug, what, configured, prove }): Case => ({
  id: `RLY-042/client-${slug}`,
  requirements: ['RLY-042', 'RLY-038', 'RLY-039'],
  title: `a client proves to ${what}`,
  stimulus: `PROVE comes from ${what}.`,
  expectation: 'PROOF arrives, and the client takes an OPENED that is signed by who has asked.',
  ...(configured === undefined ? {} : { features: CONFIGURED }),
  run: async (context) => {
    const { serverIdentity } = context.kit.index;
    const identities = { application: context.kit.entry(APPLICATION).identity ?? '', audience: serverIdentity };
    const request = configured === undefined ? {} : { applicationIdentity: identities[configured] };
    const met = await asked(context, request);
    const options = prove(context);
    met.peer.sendProve(met.channel, options);
    await met.peer.expectProof(met.channel);
    met.peer.sendSignedOpened(met.channel, options.credential === undefined ? {} : { credential: options.credential });
    await requireOpen(met, 'RLY-042');
  },
}));

/** Who asks, where the client may not answer. */
interface WrongAsker {
  readonly requirement: string;
  readonly slug: string;
  /** Continues "PROVE ...". */
  readonly what: string;
  /** The identity that the client is configured with, if any. */
  readonly configured?: string;
  readonly prove: (context: ClientContext) => ProveOptions;
}

const APPLICATION_IDENTITY = 'spiffe://hawser.test/application';

const audience = (context: ClientContext): string => context.kit.index.serverIdentity;
const behind = (context: ClientContext, relay: string): ProveOptions => ({
  credential: context.kit.credential(APPLICATION),
  relay,
});

const WRONG: readonly WrongAsker[] = [
  {
    requirement: 'RLY-038',
    slug: 'application-not-configured',
    what: 'comes from an application end that the client knows nothing of, behind the server as a relay',
    prove: (context) => behind(context, audience(context)),
  },
  {
    requirement: 'RLY-038',
    slug: 'another-application',
    what: 'comes from another application end than the one that the client is configured with',
    configured: 'spiffe://hawser.test/application-2',
    prove: (context) => behind(context, audience(context)),
  },
  {
    requirement: 'RLY-038',
    slug: 'capital-letter',
    what: 'comes from an application end whose identity differs from the configured one in a capital letter',
    configured: 'spiffe://hawser.test/Application',
    prove: (context) => behind(context, audience(context)),
  },
  {
    requirement: 'RLY-038',
    slug: 'prefix',
    what: 'comes from an application end whose identity begins with the configured one',
    configured: 'spiffe://hawser.test/app',
    prove: (context) => behind(context, audience(context)),
  },
  {
    requirement: 'RLY-038',
    slug: 'longer',
    what: 'comes from an application end with whose identity the configured one begins',
    configured: 'spiffe://hawser.test/application/7',
    prove: (context) => behind(context, audience(context)),
  },
  {
    requirement: 'RLY-038',
    slug: 'relay-in-the-place-of-the-application',
    what: 'comes from the relay itself, where the client is configured with an application end',
    configured: APPLICATION_IDENTITY,
    prove: (context) => ({ relay: audience(context) }),
  },
  {
    requirement: 'RLY-038',
    slug: 'server-in-the-place-of-the-application',
    what: 'comes from the server without a relay, where the client is configured with an application end',
    configured: APPLICATION_IDENTITY,
    prove: () => ({}),
  },
  {
    requirement: 'RLY-039',
    slug: 'another-relay',
    what: 'comes from the right application end, which has FORWARD from another relay',
    configured: APPLICATION_IDENTITY,
    prove: (context) => behind(context, 'spiffe://hawser.test/relay-of-others'),
  },
  {
    requirement: 'RLY-039',
    slug: 'relay-is-the-client',
    what: 'comes from the right application end, which names the client as the relay',
    configured: APPLICATION_IDENTITY,
    prove: (context) => behind(context, context.kit.index.clientIdentity),
  },
  {
    requirement: 'RLY-039',
    slug: 'relay-is-the-application',
    what: 'comes from the right application end, which names itself as the relay',
    configured: APPLICATION_IDENTITY,
    prove: (context) => behind(context, APPLICATION_IDENTITY),
  },
  {
    requirement: 'RLY-039',
    slug: 'no-relay',
    what: 'comes from the right application end, which names no relay and is not the audience',
    configured: APPLICATION_IDENTITY,
    prove: (context) => behind(context, ''),
  },
  {
    requirement: 'RLY-039',
    slug: 'relay-with-more',
    what: 'comes from the right application end, which names a relay whose identity begins with the audience',
    configured: APPLICATION_IDENTITY,
    prove: (context) => behind(context, `${audience(context)}/`),
  },
  {
    requirement: 'RLY-039',
    slug: 'relay-with-less',
    what: 'comes from the right application end, which names a relay with whose identity the audience begins',
    configured: APPLICATION_IDENTITY,
    prove: (context) => behind(context, audience(context).slice(0, -1)),
  },
  {
    requirement: 'RLY-039',
    slug: 'server-names-another-relay',
    what: 'comes from the server, which names another relay',
    prove: () => ({ relay: 'spiffe://hawser.test/relay-of-others' }),
  },
];

const wrongCases = WRONG.map(({ requirement, slug, what, configured, prove }): Case => ({
  id: `${requirement}/client-${slug}`,
  requirements: [requirement, 'RLY-041'],
  title: `a client does not prove: PROVE ${what}`,
  stimulus: `PROVE ${what}.`,
  expectation: 'The client sends RESET(PROOF_INVALID), no PROOF, and does not report the channel as open.',
  ...(configured === undefined ? {} : { features: CONFIGURED }),
  run: async (context) => {
    const met = await asked(context, configured === undefined ? {} : { applicationIdentity: configured });
    met.peer.sendProve(met.channel, prove(context));
    await requireAbandoned(met, requirement);
  },
}));

/** Nine certificates do not fit into PROVE, and another identity is RLY-038's. */
const chainCases = SERVER_SUBJECTS.filter(
  ({ wrong, name }) => wrong !== undefined && name !== 'chain-of-nine' && name !== 'other-identity',
).map(({ name, wrong = '' }): Case => ({
  id: `RLY-040/client-${name}`,
  requirements: ['RLY-040', 'RLY-041'],
  title: `a client does not prove to a certificate of which is wrong: ${wrong}`,
  stimulus: `PROVE comes in a good session, but with a certificate of which is wrong: ${wrong}.`,
  expectation: 'The client sends RESET(PROOF_INVALID), no PROOF, and does not report the channel as open.',
  run: async (context) => {
    const met = await asked(context);
    met.peer.sendProve(met.channel, { credential: context.kit.credential(`servers/${name}`) });
    await requireAbandoned(met, 'RLY-040');
  },
}));

/** Chains that are wrong as a whole. */
const CHAINS: readonly {
  readonly slug: string;
  readonly what: string;
  readonly chain: (context: ClientContext) => readonly Uint8Array[];
}[] = [
  {
    slug: 'chain-of-a-client',
    what: 'the certificate of the client itself',
    chain: (context) => context.kit.credential('client').chain,
  },
  {
    slug: 'intermediate-missing',
    what: 'a leaf whose issuer is missing',
    chain: (context) => context.kit.credential('servers/under-intermediate').chain.slice(0, 1),
  },
  {
    slug: 'leaf-behind',
    what: 'an authority in front of the leaf',
    chain: (context) => [...context.kit.credential('servers/under-intermediate').chain].reverse(),
  },
  { slug: 'no-certificate', what: 'octets that are no certificate', chain: (context) => [context.bytes(300)] },
];

const wholeChainCases = CHAINS.map(({ slug, what, chain }): Case => ({
  id: `RLY-040/client-${slug}`,
  requirements: ['RLY-040', 'RLY-041'],
  title: `a client does not prove to ${what}`,
  stimulus: `PROVE comes in a good session, with ${what}.`,
  expectation: 'The client sends RESET(PROOF_INVALID), no PROOF, and does not report the channel as open.',
  run: async (context) => {
    const met = await asked(context);
    met.peer.sendProve(met.channel, { chain: chain(context) });
    await requireAbandoned(met, 'RLY-040');
  },
}));

const MALFORMED: readonly {
  readonly requirement: string;
  readonly slug: string;
  readonly what: string;
  readonly fields: (context: ClientContext) => Parameters<typeof buildPayload>[1];
}[] = [
  { requirement: 'WIR-017', slug: 'no-chain', what: 'no certificate', fields: () => ({ chain: [] }) },
  {
    requirement: 'WIR-017',
    slug: 'nine-certificates',
    what: 'nine certificates',
    fields: (context) => ({ chain: context.kit.credential('servers/chain-of-nine').chain.slice(0, 9) }),
  },
  {
    requirement: 'WIR-017',
    slug: 'empty-certificate',
    what: 'an empty certificate behind the leaf',
    fields: (context) => ({ chain: [...context.kit.credential('server').chain, new Uint8Array(0)] }),
  },
  {
    requirement: 'WIR-014',
    slug: 'certificate-beyond-the-list',
    what: 'a certificate that goes beyond its list',
    fields: () => ({ chain: { octets: Uint8Array.of(0, 3, 0, 2, 5) } }),
  },
  {
    requirement: 'WIR-017',
    slug: 'relay-2049',
    what: 'a relay of 2,049 octets',
    fields: (context) => ({ relay: 'r'.repeat(2049), chain: context.kit.credential('server').chain }),
  },
  {
    requirement: 'WIR-018',
    slug: 'relay-control-character',
    what: 'U+0007 in its relay',
    fields: (context) => ({ relay: 'relay\u0007', chain: context.kit.credential('server').chain }),
  },
  {
    requirement: 'WIR-018',
    slug: 'relay-no-utf-8',
    what: 'a relay that is no UTF-8',
    fields: (context) => ({ relay: Uint8Array.of(0xfe), chain: context.kit.credential('server').chain }),
  },
];

const malformedCases = MALFORMED.map(({ requirement, slug, what, fields }): Case => ({
  id: `${requirement}/client-prove-${slug}`,
  requirements: [requirement],
  title: `PROVE with ${what} is malformed`,
  stimulus: `The server answers OPEN with a PROVE that has ${what}.`,
  expectation: 'The client sends CLOSE(FRAME_MALFORMED).',
  run: async (context) => {
    const { peer, channel } = await asked(context);
    peer.send('PROVE', { channel, fields: { nonce: context.bytes(32), ...fields(context) } });
    await expectClose(context, peer, 'FRAME_MALFORMED', requirement);
  },
}));

/** Section 13.7, for a client: the question, and its answer. */
export const proof: readonly ClientCase[] = clientCases([
  ...keyCases,
  ...rightCases,
  ...wrongCases,
  ...chainCases,
  ...wholeChainCases,
  ...malformedCases,
  {
    id: 'CHN-003/client-refused-before-proof',
    requirements: ['CHN-003', 'CHN-032'],
    title: 'a channel may be refused while the client judges PROVE',
    stimulus: 'The server sends PROVE and REFUSED(PROOF_INVALID) in one TLS record.',
    expectation:
      'The client reports the channel as refused, whether it has sent PROOF or not, and the session goes on.',
    run: async (context) => {
      const met = await asked(context);
      const { peer, client, channel } = met;
      const { chain } = context.kit.credential('server');
      const { code } = errorNamed('PROOF_INVALID');
      peer.sendTogether([
        peer.build('PROVE', { channel, fields: { nonce: context.bytes(32), chain } }),
        peer.build('REFUSED', { channel, fields: { code, retry_after_ms: 0 } }),
      ]);
      const refused = await client.expectEvent('refused', 'CHN-003');
      assertEqual('code', refused.code, code, 'CHN-003');
      await peer.barrier('CHN-003');
      const next = await open(met);
      peer.sendOpened(next.channel);
      await requireOpen(next, 'CHN-032');
    },
  },
  {
    id: 'CHN-003/client-refused-behind-proof',
    requirements: ['CHN-003', 'CHN-032'],
    title: 'a channel may be refused because of its PROOF',
    stimulus: 'The server answers PROOF with REFUSED(PROOF_INVALID).',
    expectation: 'The client reports the channel as refused with that code, and the session goes on.',
    run: async (context) => {
      const met = await proved(context);
      const { peer, client, channel } = met;
      const { code } = errorNamed('PROOF_INVALID');
      peer.send('REFUSED', { channel, fields: { code, retry_after_ms: 0 } });
      const refused = await client.expectEvent('refused', 'CHN-003');
      assertEqual('code', refused.code, code, 'CHN-003');
      await peer.barrier('CHN-003');
      const next = await open(met);
      peer.sendOpened(next.channel);
      await requireOpen(next, 'CHN-032');
    },
  },
  {
    id: 'RLY-042/client-octets-of-open',
    requirements: ['RLY-042'],
    title: 'PROOF is signed over OPEN as it was sent',
    stimulus: 'The client is asked to open a channel with application_data, and the server asks for proof.',
    expectation: 'PROOF arrives, and its signature verifies over the payload of OPEN as it was received.',
    run: async (context) => {
      const met = await asked(context, { data: context.bytes(500) });
      met.peer.sendProve(met.channel);
      await met.peer.expectProof(met.channel);
    },
  },
  {
    id: 'RLY-042/client-side-by-side',
    requirements: ['RLY-042', 'RLY-046', 'CHN-032'],
    title: 'a client proves on several channels at once',
    stimulus:
      'The client opens three channels; the server asks for proof on all of them, in the reverse order, and opens them in another one.',
    expectation: 'A PROOF arrives for each, and each is reported as open.',
    run: async (context) => {
      const first = await asked(context);
      const [second, third] = [await open(first), await open(first)];
      const { peer, client } = first;
      for (const { channel } of [third, second, first]) peer.sendProve(channel);
      for (const { channel } of [third, second, first]) await peer.expectProof(channel);
      for (const { channel } of [second, first, third]) peer.sendSignedOpened(channel);
      const opened = new Set<number | undefined>();
      while (opened.size < 3) opened.add((await client.expectEvent('opened', 'RLY-046')).channel);
    },
  },
  {
    id: 'RLY-042/client-same-question-twice',
    requirements: ['RLY-042'],
    title: 'each PROVE gets a PROOF of its own',
    stimulus: 'The client opens two channels, and the server sends the same PROVE on both.',
    expectation: 'Two PROOFs arrive, each signed over its own OPEN.',
    run: async (context) => {
      const first = await asked(context);
      const second = await open(first);
      const nonce = context.bytes(32);
      for (const { channel } of [first, second]) first.peer.sendProve(channel, { nonce });
      for (const { channel } of [first, second]) await first.peer.expectProof(channel);
    },
  },
  {
    id: 'CHN-010/client-nothing-before-opened',
    requirements: ['CHN-010'],
    title: 'a PROOF does not open the channel',
    stimulus:
      'The server asks for proof, and the client is asked to send a message. When PROOF has arrived the server sends a PING, and then OPENED.',
    expectation: 'Nothing arrives between PROOF and OPENED; then the channel is reported as open, and works.',
    run: async (context) => {
      const { peer, client, channel } = await asked(context);
      peer.sendProve(channel);
      client.send(channel, Uint8Array.of(9));
      await peer.expectProof(channel);
      const early = (await peer.barrier('CHN-010')).find((frame) => frame.channel === channel);
      if (early !== undefined) fail('nothing before OPENED', early.text, 'CHN-010');
      peer.sendSignedOpened(channel);
      await requireOpen({ peer, client, channel }, 'RLY-046');
    },
  },
  {
    id: 'RLY-041/client-other-channels',
    requirements: ['RLY-041', 'CHN-032'],
    title: 'a PROVE that is not answered ends its own channel only',
    stimulus: 'A client has a channel open, opens another one, and gets a PROVE of somebody else on it.',
    expectation: 'RESET(PROOF_INVALID) arrives on the second channel, and the first goes on.',
    run: async (context) => {
      const first = await context.opened();
      const second = await open(first);
      second.peer.sendProve(second.channel, { relay: 'spiffe://hawser.test/relay-of-others' });
      await requireAbandoned(second, 'RLY-041');
      first.client.send(first.channel, Uint8Array.of(4));
      await first.peer.expect('MESSAGE', { channel: first.channel, requirement: 'CHN-032' });
    },
  },
  {
    id: 'RLY-047/client-demanded',
    requirements: ['RLY-047'],
    title: 'a client that demands proof does not take an OPENED without it',
    stimulus:
      'The client is configured to demand proof for an application, and the server answers its OPEN with OPENED.',
    expectation: 'RESET(PROOF_INVALID) arrives, and the channel is not reported as open.',
    features: CONFIGURED,
    run: async (context) => {
      const met = await asked(context, { demandProof: true });
      met.peer.sendOpened(met.channel);
      await requireAbandoned(met, 'RLY-047');
    },
  },
  {
    id: 'RLY-047/client-demanded-with-data',
    requirements: ['RLY-047'],
    title: 'what stands in OPENED is no proof',
    stimulus:
      'The client is configured to demand proof, and the server answers with application_data in OPENED and a message behind it, in one TLS record.',
    expectation: 'RESET(PROOF_INVALID) arrives, and neither the channel nor the message is reported.',
    features: CONFIGURED,
    run: async (context) => {
      const met = await asked(context, { demandProof: true });
      const { peer, client, channel } = met;
      const parameters = [{ id: 'application_data', value: context.bytes(9) }];
      peer.sendTogether([
        peer.build('OPENED', { channel, fields: { parameters } }),
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(4) } }),
      ]);
      await requireAbandoned(met, 'RLY-047');
      const told = client.pendingEvents.find(({ event }) => event === 'message');
      if (told !== undefined) fail('no report of a message', describeEvent(told), 'RLY-047');
    },
  },
  {
    id: 'RLY-047/client-demanded-and-given',
    requirements: ['RLY-047', 'RLY-042'],
    title: 'a client that demands proof takes one',
    stimulus: 'The client is configured to demand proof; the server asks for it, and signs OPENED.',
    expectation: 'PROOF arrives, and the channel is reported as open.',
    features: CONFIGURED,
    run: async (context) => {
      const met = await proved(context, { demandProof: true });
      met.peer.sendSignedOpened(met.channel);
      await requireOpen(met, 'RLY-047');
    },
  },
  {
    id: 'RLY-047/client-not-demanded',
    requirements: ['RLY-047', 'CHN-010'],
    title: 'what is demanded for one application is not for another',
    stimulus:
      'The client opens a channel for which it demands proof and one for which it does not; both are answered with OPENED.',
    expectation: 'The first is reset with PROOF_INVALID, the second reported as open.',
    features: CONFIGURED,
    run: async (context) => {
      const first = await asked(context, { demandProof: true });
      const second = await open(first);
      first.peer.sendOpened(first.channel);
      await requireAbandoned(first, 'RLY-047');
      second.peer.sendOpened(second.channel);
      for (;;) {
        const event = await second.client.nextEvent('the event opened', 'RLY-047');
        if (event.event === 'opened' && event.channel === second.channel) return;
        if (event.channel !== first.channel) fail('the event opened', describeEvent(event), 'RLY-047');
      }
    },
  },
  {
    id: 'CNT-030/client-proof-lost',
    requirements: ['CNT-030', 'RLY-046'],
    title: 'a PROOF that was lost comes again as it was',
    stimulus:
      'In a resumable session PROVE is sent and the connection cut when PROOF has arrived, which the server does not hold. The client attaches the session again.',
    expectation: 'The same PROOF arrives, octet for octet, and the client takes an OPENED that is signed.',
    features: ['resumption'],
    run: async (context) => {
      const met = await open(await kept(context));
      met.peer.answerAcks = false;
      met.peer.sendProve(met.channel);
      const first = await met.peer.expectProof(met.channel);
      met.peer.receivedSeq = first.seq - 1n;
      const next = await cutAndAgain(context, met);
      const same = await next.peer.expect('PROOF', { channel: met.channel, requirement: 'CNT-030' });
      assertThat(equal(same.octets, first.octets), 'the same PROOF', same.text, 'CNT-030');
      next.peer.sendSignedOpened(met.channel);
      await next.client.expectEvent('opened', 'RLY-046');
    },
  },
  {
    id: 'CNT-030/client-prove-on-the-next-connection',
    requirements: ['CNT-030', 'RLY-042'],
    title: 'OPEN and PROVE may come over different connections',
    stimulus:
      'In a resumable session the connection is cut when OPEN has arrived. The client attaches the session again, and the server sends PROVE; another cut follows behind PROOF, and then OPENED.',
    expectation: 'PROOF arrives, signed over the OPEN of the first connection, and the channel is reported as open.',
    features: ['resumption'],
    run: async (context) => {
      const met = await open(await kept(context));
      const second = await cutAndAgain(context, met);
      second.peer.sendProve(met.channel);
      await second.peer.expectProof(met.channel);
      const third = await cutAndAgain(context, second);
      third.peer.sendSignedOpened(met.channel);
      for (;;) {
        const event = await third.client.nextEvent('the event opened', 'RLY-046');
        if (event.event === 'opened') return;
        if (event.event !== 'detached') fail('the event opened', describeEvent(event), 'RLY-046');
      }
    },
  },
]);

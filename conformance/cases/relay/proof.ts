/** Section 13.7, as far as it binds a relay: what proves passes unchanged, over one relay and no more. */
import { X509Certificate } from 'node:crypto';
import type { ParameterInput } from '../../model/codec.ts';
import { concat } from '../../model/codec.ts';
import { errorNamed, registry } from '../../model/registry.ts';
import type { ChannelEnd } from '../../peer/ends/channel-end.ts';
import type { ProofOptions, ProveOptions } from '../../peer/proof.ts';
import { requireProof, requireSignedOpened } from '../../peer/proof.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Asked, RelayContext } from '../relay-context.ts';
import { FAR_CLIENT, SHARED_APPLICATION, SOLO_APPLICATION } from '../relay-context.ts';
import { again, kept } from '../server/continuity/sessions.ts';
import type { Case } from './passing.ts';
import { passesBothWays, requireRefused, requireSame, requireSilence } from './passing.ts';

const REQUIREMENT = 'RLY-050';
const NONE = new Uint8Array(0);

/** Sends PROVE and demands it at the client, octet for octet. */
async function prove({ peer, channel }: Asked, end: ChannelEnd, options: ProveOptions): Promise<void> {
  const sent = end.trunk.peer.sendProve(end.channel, options);
  const came = await peer.expect('PROVE', { channel, requirement: REQUIREMENT });
  requireSame('the payload of PROVE', came.payload, sent, REQUIREMENT);
}

/** Sends PROOF and demands it at the application end, octet for octet. */
async function answer({ peer, channel }: Asked, end: ChannelEnd, options: ProofOptions = {}): Promise<void> {
  const sent = peer.sendProof(channel, options);
  const came = await end.expect('PROOF', { requirement: REQUIREMENT });
  requireSame('the payload of PROOF', came.payload, sent.subarray(registry.header.bytes), REQUIREMENT);
}

/** What else can stand in the frames of a proof. */
const FORMS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly as?: string;
  readonly features?: readonly string[];
  readonly prove?: (context: RelayContext) => ProveOptions;
  readonly data?: Uint8Array;
  readonly more?: readonly ParameterInput[];
}[] = [
  { slug: 'plain', words: 'a proof without anything else' },
  { slug: 'data', words: 'a proof with data in OPENED', data: Uint8Array.from({ length: 300 }, (_, at) => at % 256) },
  {
    slug: 'grease',
    words: 'a proof with ignorable parameters in OPENED',
    more: [
      { id: 0x801b, value: Uint8Array.of(1) },
      { id: 0xfbfc, value: new Uint8Array(40) },
    ],
  },
  {
    slug: 'chain',
    words: 'a proof of an application end with an intermediate authority',
    prove: (context) => ({ credential: context.kit.credential('servers/under-intermediate') }),
  },
  {
    slug: 'client-chain',
    words: 'a proof of a client with an intermediate authority',
    as: 'clients/under-intermediate',
  },
  { slug: 'p384', words: 'a proof with keys on P-384', as: 'clients/p384', features: ['p384'] },
  { slug: 'ed25519', words: 'a proof with Ed25519', as: 'clients/ed25519', features: ['ed25519'] },
  { slug: 'rsa', words: 'a proof with RSA', as: 'clients/rsa-2048', features: ['rsa'] },
  {
    slug: 'no-relay',
    words: 'a PROVE with an empty relay, which the relay does not judge',
    prove: () => ({ relay: '' }),
  },
];

const formCases = FORMS.map(({ slug, words, as = 'client', features, prove: options, data, more }): Case => ({
  id: `RLY-050/relay-${slug}`,
  requirements: ['RLY-050', 'RLY-005'],
  title: `${words} passes octet for octet, and holds at both ends`,
  stimulus: `The application end asks for proof, the client gives it, and the application end opens the channel: ${words}.`,
  expectation:
    'PROVE, PROOF and OPENED arrive with the payloads that they were sent with; both signatures verify over what each end has seen, and messages pass.',
  ...(features === undefined ? {} : { features }),
  run: async (context) => {
    const peer = await context.established({ as });
    const asked = context.ask(peer, SHARED_APPLICATION);
    const end = await context.endOf(asked);
    const asking = options?.(context) ?? {};
    await prove(asked, end, { relay: context.target.identity, ...asking });
    await answer(asked, end);
    const opened = end.trunk.peer.sendSignedOpened(end.channel, {
      ...(asking.credential === undefined ? {} : { credential: asking.credential }),
      ...(data === undefined ? {} : { data }),
      ...(more === undefined ? {} : { more }),
    });
    const came = await peer.expect('OPENED', { channel: asked.channel, requirement: REQUIREMENT });
    requireSame('the payload of OPENED', came.payload, opened.subarray(registry.header.bytes), REQUIREMENT);
    const [server = NONE] = (asking.credential ?? context.kit.credential('server')).chain;
    requireSignedOpened(came, new X509Certificate(server), peer.proofs.of(asked.channel));
    await passesBothWays({ ...asked, end }, REQUIREMENT);
  },
}));

/** Proofs that do not hold: the ends judge them, and the relay does not. */
const WRONG: readonly {
  readonly slug: string;
  readonly words: string;
  readonly proof: (context: RelayContext) => ProofOptions;
}[] = [
  {
    slug: 'signature',
    words: 'whose signature is altered',
    proof: () => ({ signature: (octets) => octets.map((octet, at) => (at === 3 ? octet ^ 0x10 : octet)) }),
  },
  {
    slug: 'other-chain',
    words: 'with the chain of another client',
    proof: (context) => ({ credential: context.kit.credential('client-2') }),
  },
  { slug: 'scheme', words: 'with a scheme that nobody knows', proof: () => ({ scheme: 0x7777 }) },
  {
    slug: 'not-a-certificate',
    words: 'whose chain is no certificate',
    proof: () => ({ chain: [concat(Uint8Array.of(0x30, 0x03), Uint8Array.of(1, 2, 3)), Uint8Array.of(0)] }),
  },
];

const wrongCases = WRONG.map(({ slug, words, proof }): Case => ({
  id: `RLY-050/relay-wrong-${slug}`,
  requirements: ['RLY-050', 'RLY-032'],
  title: `a PROOF ${words} passes too: the application end judges it`,
  stimulus: `The client answers PROVE with a PROOF ${words}. The application end refuses the channel with PROOF_INVALID.`,
  expectation: 'PROOF arrives as it was sent, and REFUSED(PROOF_INVALID) at the client.',
  run: async (context) => {
    const asked = context.ask(await context.established(), SHARED_APPLICATION);
    const end = await context.endOf(asked);
    await prove(asked, end, { relay: context.target.identity });
    await answer(asked, end, proof(context));
    end.refuse('PROOF_INVALID');
    await requireRefused(asked, 'PROOF_INVALID', 'RLY-032');
  },
}));

/** Section 13.7 at a relay. */
export const proof: readonly RelayCase[] = relayCases([
  ...formCases,
  ...wrongCases,
  {
    id: 'RLY-050/relay-verified',
    requirements: ['RLY-050', 'RLY-006'],
    title: 'a proof verifies over what the application end has seen',
    stimulus:
      'A client sends an OPEN with data, a priority and an ignorable parameter; the application end asks for proof and gets it.',
    expectation:
      'The signature in PROOF verifies over the OPEN in FORWARD, PROVE and PROOF as the application end has them.',
    run: async (context) => {
      const peer = await context.established();
      const asked = context.ask(peer, SHARED_APPLICATION, {
        data: context.bytes(100),
        more: [
          { id: 'priority', value: 0 },
          { id: 0x801b, value: context.bytes(5) },
        ],
      });
      const end = await context.endOf(asked);
      await prove(asked, end, { relay: context.target.identity });
      peer.sendProof(asked.channel);
      const came = await end.expect('PROOF', { requirement: REQUIREMENT });
      const [leaf] = context.kit.credential('client').chain;
      requireProof(came, leaf ?? NONE, end.trunk.peer.proofs.of(end.channel));
    },
  },
  {
    id: 'RLY-050/relay-client-declines',
    requirements: ['RLY-050', 'RLY-034', 'RLY-032'],
    title: 'a client that does not accept the question says so to the application end',
    stimulus: 'The client answers PROVE with RESET(PROOF_INVALID).',
    expectation: 'RESET(PROOF_INVALID) arrives at the application end.',
    run: async (context) => {
      const asked = context.ask(await context.established(), SHARED_APPLICATION);
      const end = await context.endOf(asked);
      await prove(asked, end, { relay: 'spiffe://hawser.test/somebody-else' });
      asked.peer.send('RESET', { channel: asked.channel, fields: { code: errorNamed('PROOF_INVALID').code } });
      const reset = await end.expect('RESET', { requirement: 'RLY-034' });
      reset.requireCode('PROOF_INVALID', 'RLY-034');
    },
  },
  {
    id: 'RLY-050/relay-refused-while-proving',
    requirements: ['RLY-050', 'RLY-032'],
    title: 'an application end that does not wait for PROOF refuses the channel',
    stimulus: 'The application end sends PROVE, and REFUSED(PROOF_INVALID) behind it, without a PROOF.',
    expectation: 'Both arrive at the client, in that order.',
    run: async (context) => {
      const asked = context.ask(await context.established(), SHARED_APPLICATION);
      const end = await context.endOf(asked);
      await prove(asked, end, { relay: context.target.identity });
      end.refuse('PROOF_INVALID', 77);
      await requireRefused(asked, 'PROOF_INVALID', 'RLY-032', 77);
    },
  },
  {
    id: 'RLY-050/relay-not-opened-before',
    requirements: ['RLY-050', 'RLY-005'],
    title: 'nothing is opened while a proof is under way',
    stimulus: 'The application end asks for proof, gets it, and answers late.',
    expectation: 'Nothing but PROVE arrives at the client before the application end has answered.',
    run: async (context) => {
      const asked = context.ask(await context.established(), SHARED_APPLICATION);
      const end = await context.endOf(asked);
      await prove(asked, end, { relay: context.target.identity });
      await requireSilence(asked, 'RLY-005');
      await answer(asked, end);
      await requireSilence(asked, 'RLY-005');
      end.trunk.peer.sendSignedOpened(end.channel);
      await asked.peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-005' });
    },
  },
  {
    id: 'RLY-050/relay-two-at-once',
    requirements: ['RLY-050', 'RLY-026'],
    title: 'the proofs of two clients are not mixed up',
    stimulus:
      'Two clients open a channel each. Both application ends ask for proof at the same time, and the clients answer in the other order.',
    expectation:
      'Each application end gets the PROOF of its own client, and each client the OPENED of its own application end.',
    run: async (context) => {
      const one = context.ask(await context.established(), SHARED_APPLICATION);
      const two = context.ask(await context.established({ as: 'client-2' }), SHARED_APPLICATION);
      const ends = [await context.endOf(one), await context.endOf(two)] as const;
      await prove(one, ends[0], { relay: context.target.identity });
      await prove(two, ends[1], { relay: context.target.identity });
      await answer(two, ends[1]);
      await answer(one, ends[0]);
      const data = [context.bytes(8), context.bytes(8)] as const;
      ends[0].trunk.peer.sendSignedOpened(ends[0].channel, { data: data[0] });
      ends[1].trunk.peer.sendSignedOpened(ends[1].channel, { data: data[1] });
      for (const [asked, own] of [
        [one, data[0]],
        [two, data[1]],
      ] as const) {
        const opened = await asked.peer.expect('OPENED', { channel: asked.channel, requirement: REQUIREMENT });
        requireSame('application_data', opened.parameterOctets('application_data', REQUIREMENT), own, REQUIREMENT);
      }
    },
  },
  {
    id: 'RLY-050/relay-across-cuts',
    requirements: ['RLY-050', 'RLY-031'],
    title: 'a proof goes on over other connections on both legs',
    stimulus:
      'Behind PROVE the connection of the client is cut, and behind PROOF that of the trunk; each is attached again.',
    expectation: 'PROOF and OPENED arrive as they were sent.',
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const first = await kept(context);
        const asked = context.ask(first, SOLO_APPLICATION);
        await solo.accept();
        const end = await solo.forwarded();
        await prove(asked, end, { relay: context.target.identity });
        first.destroy();
        const peer = await again(context, first);
        await answer({ ...asked, peer }, end);
        solo.cut();
        await solo.resumed(context.stepMs);
        const sent = end.trunk.peer.sendSignedOpened(end.channel, { data: context.bytes(9) });
        const opened = await peer.expect('OPENED', { channel: asked.channel, requirement: REQUIREMENT });
        requireSame('the payload of OPENED', opened.payload, sent.subarray(registry.header.bytes), REQUIREMENT);
        await passesBothWays({ ...asked, peer, end }, REQUIREMENT);
      });
    },
  },
  {
    id: 'RLY-051/relay-second-relay',
    requirements: ['RLY-051', 'RLY-036'],
    title: 'proof is not available behind two relays',
    stimulus:
      'A relay sends FORWARD for an application end that answers with PROVE; it has another channel on the same trunk.',
    expectation:
      'REFUSED(PROOF_UNAVAILABLE) arrives at the relay, RESET(PROOF_UNAVAILABLE) at the application end, and the other channel goes on.',
    run: async (context) => {
      const peer = await context.established({ as: 'clients/relay' });
      const other = await context.passedOn(peer);
      const asked = context.pass(peer, SHARED_APPLICATION);
      const end = await context.endOf(asked);
      end.trunk.peer.sendProve(end.channel, { relay: context.target.identity });
      await requireRefused(asked, 'PROOF_UNAVAILABLE', 'RLY-051');
      const reset = await end.expect('RESET', { requirement: 'RLY-051' });
      reset.requireCode('PROOF_UNAVAILABLE', 'RLY-051');
      await passesBothWays(other, 'RLY-036');
    },
  },
  {
    id: 'RLY-051/relay-with-route',
    requirements: ['RLY-051'],
    title: 'nor behind more than two',
    stimulus: 'A relay sends FORWARD with one relay in its route; the application end answers with PROVE.',
    expectation:
      'REFUSED(PROOF_UNAVAILABLE) arrives at the relay, and RESET(PROOF_UNAVAILABLE) at the application end.',
    run: async (context) => {
      const peer = await context.established({ as: 'clients/relay' });
      const asked = context.pass(peer, SHARED_APPLICATION, {
        route: ['spiffe://elsewhere.test/relay'],
        client: FAR_CLIENT,
      });
      const end = await context.endOf(asked);
      end.trunk.peer.sendProve(end.channel, { relay: context.target.identity });
      await requireRefused(asked, 'PROOF_UNAVAILABLE', 'RLY-051');
      const reset = await end.expect('RESET', { requirement: 'RLY-051' });
      reset.requireCode('PROOF_UNAVAILABLE', 'RLY-051');
    },
  },
]);

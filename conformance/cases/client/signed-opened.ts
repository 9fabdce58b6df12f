import type { ParameterInput } from '../../model/codec.ts';
import { buildPayload, concat, integer } from '../../model/codec.ts';
import { fail } from '../../peer/failure.ts';
import type { SignedOpenedOptions } from '../../peer/proof.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import { describeEvent } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { P256_FORMS } from '../signature-forms.ts';
import type { Asked } from './proving.ts';
import { APPLICATION, asked, CONFIGURED, open, proved, requireAbandoned, requireOpen } from './proving.ts';
import { expectClose } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;
type Proved = Asked & { readonly proof: ReceivedFrame };

const IGNORABLE = 0x8a0a;

function flipped(octets: Uint8Array, at: number): Uint8Array {
  return octets.map((octet, index) => (index === at ? octet ^ 1 : octet));
}

/** Parameters with another value of one of them. */
function changed(id: string | number, value: Uint8Array) {
  return (parameters: readonly ParameterInput[]): readonly ParameterInput[] =>
    parameters.map((parameter) => (parameter.id === id ? { id, value } : parameter));
}

const without =
  (id: string | number) =>
  (parameters: readonly ParameterInput[]): readonly ParameterInput[] =>
    parameters.filter((parameter) => parameter.id !== id);

interface WrongOpened {
  readonly slug: string;
  /** Continues "PROOF is answered with an OPENED ...". */
  readonly words: string;
  readonly options: (met: Proved, context: ClientContext) => SignedOpenedOptions;
}

const WRONG: readonly WrongOpened[] = [
  { slug: 'absent', words: 'without open_signature', options: () => ({ afterSigning: without('open_signature') }) },
  {
    slug: 'one-bit',
    words: 'with one bit of its signature inverted',
    options: () => ({ signature: (octets) => flipped(octets, 9) }),
  },
  {
    slug: 'another-key',
    words: 'signed by another application end',
    options: (_, context) => ({ key: context.kit.credential('servers/under-intermediate').key }),
  },
  {
    slug: 'key-of-the-client',
    words: 'signed with the key in PROOF',
    options: (_, context) => ({ key: context.kit.credential('client').key }),
  },
  { slug: 'unknown-scheme', words: 'with a scheme that nobody knows', options: () => ({ scheme: 0x0a0a }) },
  { slug: 'scheme-of-another-key', words: 'with the scheme of Ed25519', options: () => ({ scheme: 0x0807 }) },
  {
    slug: 'scheme-alone',
    words: 'with a signature of one octet',
    options: () => ({ signature: () => Uint8Array.of(1) }),
  },
  { slug: 'label-of-accept', words: 'signed with the label of ACCEPT', options: () => ({ label: 'accept' }) },
  { slug: 'label-of-proof', words: 'signed with the label of PROOF', options: () => ({ label: 'proof' }) },
  {
    slug: 'other-open-nonce',
    words: 'signed over an OPEN with another nonce',
    options: ({ peer, channel }) => ({ transcript: { open: flipped(peer.proofs.of(channel).open, 3) } }),
  },
  {
    slug: 'other-open-data',
    words: 'signed over an OPEN with other application_data',
    options: ({ peer, channel }) => {
      const { open: payload } = peer.proofs.of(channel);
      return { transcript: { open: flipped(payload, payload.length - 1) } };
    },
  },
  {
    slug: 'no-open',
    words: 'signed without OPEN',
    options: () => ({ transcript: { open: new Uint8Array(0) } }),
  },
  {
    slug: 'other-prove-nonce',
    words: 'signed over a PROVE with another nonce',
    options: ({ peer, channel }) => ({ transcript: { prove: flipped(peer.proofs.of(channel).prove, 0) } }),
  },
  {
    slug: 'other-prove-relay',
    words: 'signed over a PROVE that names a relay',
    options: (_, context) => {
      const { chain } = context.kit.credential('server');
      return { transcript: { prove: buildPayload('PROVE', { relay: context.kit.index.serverIdentity, chain }) } };
    },
  },
  {
    slug: 'other-proof',
    words: 'signed over a PROOF with another signature',
    options: ({ proof }) => ({ proof: flipped(proof.payload, proof.payload.length - 1) }),
  },
  {
    slug: 'proof-without-signature',
    words: 'signed over PROOF without its signature',
    options: ({ proof }) => ({ proof: proof.payload.slice(0, -(2 + proof.bytes('signature').length)) }),
  },
  {
    slug: 'data-changed',
    words: 'with other application_data than was signed',
    options: (_, context) => ({
      data: context.bytes(8),
      afterSigning: changed('application_data', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
    }),
  },
  {
    slug: 'data-removed',
    words: 'without the application_data that was signed',
    options: (_, context) => ({ data: context.bytes(8), afterSigning: without('application_data') }),
  },
  {
    slug: 'data-added',
    words: 'with application_data that was not signed',
    options: () => ({
      afterSigning: (parameters) => [{ id: 'application_data', value: Uint8Array.of(1) }, ...parameters],
    }),
  },
  {
    slug: 'ignorable-added',
    words: 'with an unknown parameter that may be ignored and was not signed',
    options: () => ({ afterSigning: (parameters) => [...parameters, { id: IGNORABLE, value: Uint8Array.of(1) }] }),
  },
  {
    slug: 'ignorable-changed',
    words: 'with another value of an unknown parameter than was signed',
    options: () => ({
      more: [{ id: IGNORABLE, value: Uint8Array.of(1) }],
      afterSigning: changed(IGNORABLE, Uint8Array.of(2)),
    }),
  },
  {
    slug: 'ignorable-removed',
    words: 'without an unknown parameter that was signed',
    options: () => ({ more: [{ id: IGNORABLE, value: Uint8Array.of(1) }], afterSigning: without(IGNORABLE) }),
  },
  ...P256_FORMS.map(({ slug, what, signature }): WrongOpened => ({
    slug: `form-${slug}`,
    words: `with a signature ${what}`,
    options: () => ({ signature }),
  })),
];

const wrongCases = WRONG.map(({ slug, words, options }): Case => ({
  id: `RLY-046/client-${slug}`,
  requirements: ['RLY-046'],
  title: `an OPENED ${words} does not open the channel`,
  stimulus: `PROOF is answered with an OPENED ${words}.`,
  expectation: 'RESET(PROOF_INVALID) arrives, the channel is not reported as open, and the session goes on.',
  run: async (context) => {
    const met = await proved(context, { data: context.bytes(8) });
    met.peer.sendSignedOpened(met.channel, options(met, context));
    await requireAbandoned(met, 'RLY-046');
  },
}));

/** What OPENED may hold besides the signature. */
const RIGHT: readonly {
  readonly slug: string;
  readonly what: string;
  readonly options: (context: ClientContext) => SignedOpenedOptions;
}[] = [
  { slug: 'signature-alone', what: 'nothing else', options: () => ({}) },
  { slug: 'data', what: '4,096 octets of application_data', options: (context) => ({ data: context.bytes(4096) }) },
  {
    slug: 'unknown-parameters',
    what: 'unknown parameters that may be ignored behind it',
    options: (context) => ({
      data: new Uint8Array(0),
      more: [
        { id: IGNORABLE, value: context.bytes(100) },
        { id: 0xfafa, value: new Uint8Array(0) },
      ],
    }),
  },
];

const rightCases = RIGHT.map(({ slug, what, options }): Case => ({
  id: `RLY-046/client-takes-${slug}`,
  requirements: ['RLY-046', 'WIR-023'],
  title: `an OPENED that is signed opens the channel: ${what}`,
  stimulus: `PROOF is answered with an OPENED that is rightly signed and holds ${what}.`,
  expectation: 'The channel is reported as open, and the client sends on it.',
  run: async (context) => {
    const met = await proved(context, { data: context.bytes(8) });
    met.peer.sendSignedOpened(met.channel, options(context));
    await requireOpen(met, 'RLY-046');
  },
}));

/** Keys of the server in PROVE, which sign OPENED. */
const KEYS = ['p384', 'ed25519', 'rsa-2048'];

const keyCases = KEYS.flatMap((slug) =>
  [true, false].map((right): Case => ({
    id: `RLY-046/client-${right ? 'takes' : 'one-bit'}-${slug}`,
    requirements: ['RLY-046', 'RLY-040'],
    title: `OPENED is signed with the key of the leaf in PROVE (${slug}${right ? '' : ', with one bit inverted'})`,
    stimulus: `PROVE comes with a certificate of type ${slug}, and OPENED is signed with its key${right ? '' : ', but one bit of the signature is inverted'}.`,
    expectation: right ? 'The channel is reported as open.' : 'RESET(PROOF_INVALID) arrives.',
    run: async (context) => {
      const credential = context.kit.credential(`servers/${slug}`);
      const met = await proved(context, { prove: { credential } });
      const signature = (octets: Uint8Array): Uint8Array => (right ? octets : flipped(octets, 20));
      met.peer.sendSignedOpened(met.channel, { credential, signature });
      if (right) await requireOpen(met, 'RLY-046');
      else await requireAbandoned(met, 'RLY-046');
    },
  })),
);

/** Lengths of open_signature that are outside of its bounds. */
const lengthCases = [
  { slug: 'of-two-octets', what: 'a scheme and no signature', value: integer(0x0403, 2) },
  { slug: 'empty', what: 'no octet', value: new Uint8Array(0) },
  { slug: 'of-1027-octets', what: '1,027 octets', value: concat(integer(0x0403, 2), new Uint8Array(1025)) },
].map(({ slug, what, value }): Case => ({
  id: `WIR-026/client-open-signature-${slug}`,
  requirements: ['WIR-026'],
  title: `an open_signature of ${what} is out of range`,
  stimulus: `PROOF is answered with an OPENED whose open_signature has ${what}.`,
  expectation: 'The client sends CLOSE(PARAMETER_INVALID).',
  run: async (context) => {
    const { peer, channel } = await proved(context);
    peer.send('OPENED', { channel, fields: { parameters: [{ id: 'open_signature', value }] } });
    await expectClose(context, peer, 'PARAMETER_INVALID', 'WIR-026');
  },
}));

/** Section 13.7, for a client: the answer to its PROOF. */
export const signedOpened: readonly ClientCase[] = clientCases([
  ...wrongCases,
  ...rightCases,
  ...keyCases,
  ...lengthCases,
  {
    id: 'RLY-046/client-replayed-from-another-channel',
    requirements: ['RLY-046'],
    title: 'an OPENED opens its own channel only',
    stimulus: 'The client proves on two channels, and on the second the OPENED of the first is sent, octet for octet.',
    expectation: 'The first is opened, and RESET(PROOF_INVALID) arrives on the second.',
    run: async (context) => {
      const first = await proved(context);
      const opened = first.peer.sendSignedOpened(first.channel);
      await first.client.expectEvent('opened', 'RLY-046');
      const second = await open(first);
      second.peer.sendProve(second.channel);
      await second.peer.expectProof(second.channel);
      second.peer.send('OPENED', { channel: second.channel, rawPayload: opened.slice(16) });
      await requireAbandoned(second, 'RLY-046');
    },
  },
  {
    id: 'RLY-046/client-replayed-with-its-prove',
    requirements: ['RLY-046', 'RLY-042'],
    title: 'an old opening cannot be played again',
    stimulus: 'On a second channel the PROVE and the OPENED of the first are sent again, octet for octet.',
    expectation: 'A fresh PROOF arrives behind PROVE, and RESET(PROOF_INVALID) behind OPENED.',
    run: async (context) => {
      const first = await asked(context);
      const prove = first.peer.sendProve(first.channel);
      await first.peer.expectProof(first.channel);
      const opened = first.peer.sendSignedOpened(first.channel);
      await first.client.expectEvent('opened', 'RLY-046');
      const second = await open(first);
      second.peer.send('PROVE', { channel: second.channel, rawPayload: prove });
      await second.peer.expectProof(second.channel);
      second.peer.send('OPENED', { channel: second.channel, rawPayload: opened.slice(16) });
      await requireAbandoned(second, 'RLY-046');
    },
  },
  {
    id: 'RLY-046/client-relay-signs-for-the-application',
    requirements: ['RLY-046'],
    title: 'a relay cannot sign for the application end',
    stimulus:
      'PROVE comes from the application end that the client is configured with, behind the server; OPENED is signed by the server.',
    expectation: 'RESET(PROOF_INVALID) arrives.',
    features: CONFIGURED,
    run: async (context) => {
      const credential = context.kit.credential(APPLICATION);
      const relay = context.kit.index.serverIdentity;
      const applicationIdentity = context.kit.entry(APPLICATION).identity ?? '';
      const met = await proved(context, { applicationIdentity, prove: { credential, relay } });
      met.peer.sendSignedOpened(met.channel);
      await requireAbandoned(met, 'RLY-046');
    },
  },
  {
    id: 'RLY-046/client-message-behind-it',
    requirements: ['RLY-046', 'CHN-031'],
    title: 'what follows an OPENED that does not hold is discarded',
    stimulus:
      'PROOF is answered with an OPENED whose signature is wrong and, in the same TLS record, a message and END.',
    expectation: 'RESET(PROOF_INVALID) arrives, and nothing of the channel is reported.',
    run: async (context) => {
      const met = await proved(context);
      const { peer, client, channel } = met;
      peer.sendTogether([
        peer.build('OPENED', {
          channel,
          fields: { parameters: [{ id: 'open_signature', value: concat(integer(0x0403, 2), context.bytes(64)) }] },
        }),
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(3) } }),
        peer.build('END', { channel }),
      ]);
      await requireAbandoned(met, 'RLY-046');
      const told = client.pendingEvents.find(({ event }) => event === 'message' || event === 'ended');
      if (told !== undefined) fail('no report of what follows', describeEvent(told), 'CHN-031');
    },
  },
  ...[false, true].map((withData): Case => ({
    id: `RLY-048/client-${withData ? 'beside-data' : 'alone'}`,
    requirements: ['RLY-048'],
    title: `open_signature without a PROVE before it is an error${withData ? ', beside application_data' : ''}`,
    stimulus: `OPEN is answered with an OPENED that has ${withData ? 'application_data and ' : ''}open_signature, and no PROVE before.`,
    expectation: 'The client sends CLOSE(PARAMETER_INVALID), and does not report the channel as open.',
    run: async (context) => {
      const { peer, channel } = await asked(context);
      const value = concat(integer(0x0403, 2), context.bytes(64));
      const data = withData ? [{ id: 'application_data', value: context.bytes(3) }] : [];
      peer.send('OPENED', { channel, fields: { parameters: [...data, { id: 'open_signature', value }] } });
      await expectClose(context, peer, 'PARAMETER_INVALID', 'RLY-048');
    },
  })),
]);

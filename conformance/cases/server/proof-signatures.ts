import { buildPayload, concat } from '../../model/codec.ts';
import { decodePayload } from '../../model/decode.ts';
import { frameNamed } from '../../model/registry.ts';
import { schemeOfKey } from '../../model/transcript.ts';
import type { ProofOptions } from '../../peer/proof.ts';
import { CLIENT_SUBJECTS } from '../../testee/kit-plan.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { P256_FORMS } from '../signature-forms.ts';
import { expectExactly } from './client-frames.ts';
import type { Proving } from './proving.ts';
import { PROOF, proving, requireNotProved } from './proving.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** The octets with one bit inverted at an offset, counted from the end where it is negative. */
function flipped(octets: Uint8Array, at: number): Uint8Array {
  const copy = octets.slice();
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

interface Alteration {
  readonly slug: string;
  /** Continues "A client answers PROVE with a PROOF ...". */
  readonly words: string;
  readonly options: (met: Proving, context: ServerContext) => ProofOptions;
  readonly features?: readonly string[];
}

/** What of the signed payloads is another one than what has passed. */
const ALTERED: readonly Alteration[] = [
  {
    slug: 'open-nonce',
    words: 'signed over an OPEN with another nonce',
    options: ({ peer, channel }) => ({ transcript: { open: flipped(peer.proofs.of(channel).open, 0) } }),
  },
  {
    slug: 'open-application',
    words: 'signed over an OPEN of another application',
    options: ({ peer, channel }) => ({
      transcript: {
        open: buildPayload('OPEN', { nonce: peer.proofs.of(channel).open.slice(0, 32), application: 'test/echo' }),
      },
    }),
  },
  {
    slug: 'open-data',
    words: 'signed over an OPEN with other application_data',
    options: ({ peer, channel }) => ({ transcript: { open: flipped(peer.proofs.of(channel).open, -1) } }),
  },
  {
    slug: 'open-without-parameters',
    words: 'signed over an OPEN without the parameters that were sent',
    options: ({ peer, channel }) => ({
      transcript: {
        open: buildPayload('OPEN', { nonce: peer.proofs.of(channel).open.slice(0, 32), application: 'test/prove' }),
      },
    }),
  },
  { slug: 'no-open', words: 'signed without OPEN', options: () => ({ transcript: { open: new Uint8Array(0) } }) },
  {
    slug: 'prove-nonce',
    words: 'signed over a PROVE with another nonce',
    options: ({ prove }) => ({ transcript: { prove: flipped(prove.payload, 31) } }),
  },
  {
    slug: 'prove-relay',
    words: 'signed over a PROVE that names a relay',
    options: ({ prove }) => ({
      transcript: {
        prove: buildPayload('PROVE', {
          nonce: prove.bytes('nonce'),
          relay: 'spiffe://hawser.test/relay',
          chain: prove.list('chain'),
        }),
      },
    }),
  },
  {
    slug: 'prove-chain',
    words: 'signed over a PROVE with the chain of another application end',
    options: ({ prove }, context) => ({
      transcript: {
        prove: buildPayload('PROVE', {
          nonce: prove.bytes('nonce'),
          chain: context.kit.credential('servers/application').chain,
        }),
      },
    }),
  },
  { slug: 'no-prove', words: 'signed without PROVE', options: () => ({ transcript: { prove: new Uint8Array(0) } }) },
  {
    slug: 'open-and-prove-in-the-wrong-order',
    words: 'signed over PROVE in front of OPEN',
    options: ({ peer, channel }) => {
      const { open, prove } = peer.proofs.of(channel);
      return { transcript: { open: prove, prove: open } };
    },
  },
  {
    slug: 'label-of-connect',
    words: 'signed with the label of CONNECT',
    options: () => ({ label: 'connect' }),
  },
  {
    slug: 'label-of-opened',
    words: 'signed with the label of OPENED',
    options: () => ({ label: 'opened' }),
  },
  {
    slug: 'another-key',
    words: "signed with another key than that of its chain's leaf",
    options: (_, context) => ({ key: context.kit.credential('client-2').key }),
  },
  {
    slug: 'unknown-scheme',
    words: 'with a scheme that nobody knows',
    options: () => ({ scheme: 0x0a0a }),
  },
  {
    slug: 'scheme-of-another-key',
    words: 'with the scheme of Ed25519 and a signature of P-256',
    options: () => ({ scheme: 0x0807 }),
  },
  {
    slug: 'p384-with-the-scheme-of-p256',
    words: 'with a chain on P-384 and the scheme of P-256',
    options: (_, context) => ({ credential: context.kit.credential('clients/p384'), scheme: 0x0403 }),
    features: ['p384'],
  },
  ...['p384', 'ed25519', 'rsa-2048'].map((subject): Alteration => ({
    slug: `one-bit-${subject}`,
    words: `with one bit of the signature inverted (${subject})`,
    options: (_, context) => ({
      credential: context.kit.credential(`clients/${subject}`),
      signature: (octets) => flipped(octets, 20),
    }),
    features: [subject === 'rsa-2048' ? 'rsa' : subject],
  })),
  {
    slug: 'one-bit-p256',
    words: 'with one bit of the signature inverted',
    options: () => ({ signature: (o) => flipped(o, 20) }),
  },
  ...P256_FORMS.map(({ slug, what, signature }): Alteration => ({
    slug: `form-${slug}`,
    words: `with a signature ${what}`,
    options: () => ({ signature }),
  })),
  {
    slug: 'leaf-of-another',
    words: 'with the leaf of another client in front of its own',
    options: (_, context) => ({
      chain: [...context.kit.credential('client-2').chain, ...context.kit.credential('client').chain],
    }),
  },
  {
    slug: 'leaf-behind',
    words: 'with its issuer in front of its leaf',
    options: (_, context) => {
      const credential = context.kit.credential('clients/under-intermediate');
      return { credential, chain: [...credential.chain].reverse() };
    },
  },
  {
    slug: 'intermediate-missing',
    words: 'without the intermediate authority in its chain',
    options: (_, context) => {
      const credential = context.kit.credential('clients/under-intermediate');
      return { credential, chain: credential.chain.slice(0, 1) };
    },
  },
  {
    slug: 'leaf-is-no-certificate',
    words: 'whose leaf is no certificate',
    options: (_, context) => ({ chain: [context.bytes(200)] }),
  },
  {
    slug: 'chain-of-a-server',
    words: 'with the chain of the server, signed with its key',
    options: (_, context) => ({ credential: context.kit.credential('server') }),
  },
];

const alteredCases = ALTERED.map(({ slug, words, options, features = [] }): NewCase => ({
  id: `RLY-044/${slug}`,
  requirements: ['RLY-044', 'RLY-043'],
  title: `PROOF does not hold ${words}`,
  stimulus: `A client opens test/prove with application_data, and answers PROVE with a PROOF ${words}.`,
  expectation: 'REFUSED(PROOF_INVALID) arrives, and the session goes on.',
  features: [...PROOF, ...features],
  run: async (context) => {
    const met = await proving(context, { data: context.bytes(8) });
    await requireNotProved(met, options(met, context));
  },
}));

/** Nine certificates do not fit into PROOF: that is another error. */
const chainCases = CLIENT_SUBJECTS.filter(({ wrong, name }) => wrong !== undefined && name !== 'chain-of-nine').map(
  ({ name, wrong = '' }): NewCase => ({
    id: `RLY-044/chain-${name}`,
    requirements: ['RLY-044', 'RLY-043'],
    title: `PROOF does not hold with a certificate of which is wrong: ${wrong}`,
    stimulus: `A client with a good certificate opens test/prove, and answers PROVE with a PROOF whose certificate is wrong: ${wrong}.`,
    expectation: 'REFUSED(PROOF_INVALID) arrives, and the session goes on.',
    features: PROOF,
    run: async (context) => {
      const credential = context.kit.credential(`clients/${name}`);
      // A key without a scheme signs nothing; what is wrong is the certificate.
      const scheme = schemeOfKey(credential.key) === undefined ? { scheme: 0x0603 } : {};
      await requireNotProved(await proving(context), { credential, ...scheme });
    },
  }),
);

interface MalformedProof {
  readonly requirement: string;
  readonly slug: string;
  readonly words: string;
  readonly payload: (right: Uint8Array) => Uint8Array;
}

/** The octets of a right PROOF with another list in the place of its chain. */
function withChain(right: Uint8Array, list: Uint8Array): Uint8Array {
  const { spans } = decodePayload(frameNamed('PROOF'), right);
  const end = spans.find(({ field }) => field === 'scheme')?.offset ?? 0;
  return concat(list, right.slice(end));
}

const MALFORMED: readonly MalformedProof[] = [
  {
    requirement: 'WIR-017',
    slug: 'no-chain',
    words: 'no certificate',
    payload: (o) => withChain(o, Uint8Array.of(0, 0)),
  },
  {
    requirement: 'WIR-017',
    slug: 'nine-certificates',
    words: 'nine certificates',
    payload: (o) =>
      withChain(o, concat(Uint8Array.of(0, 27), ...Array.from({ length: 9 }, () => Uint8Array.of(0, 1, 5)))),
  },
  {
    requirement: 'WIR-017',
    slug: 'empty-certificate',
    words: 'an empty certificate behind the leaf',
    payload: (o) => withChain(o, Uint8Array.of(0, 5, 0, 1, 5, 0, 0)),
  },
  {
    requirement: 'WIR-014',
    slug: 'certificate-beyond-the-list',
    words: 'a certificate that goes beyond the list, into what follows',
    payload: (o) => withChain(o, Uint8Array.of(0, 3, 0, 2, 5)),
  },
  {
    requirement: 'WIR-014',
    slug: 'half-a-length',
    words: 'a chain that ends inside the length of a certificate',
    payload: (o) => withChain(o, Uint8Array.of(0, 4, 0, 1, 5, 0)),
  },
  {
    requirement: 'WIR-014',
    slug: 'chain-beyond-the-payload',
    words: 'a chain that announces more than the payload has',
    payload: (o) => withChain(o, Uint8Array.of(0xff, 0xff, 0, 1, 5)),
  },
  {
    requirement: 'WIR-017',
    slug: 'empty-signature',
    words: 'an empty signature',
    payload: (o) => concat(o.slice(0, -66), Uint8Array.of(0, 0)),
  },
  {
    requirement: 'WIR-017',
    slug: 'signature-1025',
    words: 'a signature of 1,025 octets',
    payload: (o) => concat(o.slice(0, -66), Uint8Array.of(4, 1), new Uint8Array(1025)),
  },
];

const malformedCases = MALFORMED.map(({ requirement, slug, words, payload }): NewCase => ({
  id: `${requirement}/proof-${slug}`,
  requirements: [requirement],
  title: `PROOF with ${words} is malformed`,
  stimulus: `A client answers PROVE with a PROOF that has ${words}.`,
  expectation: 'The server answers with CLOSE(FRAME_MALFORMED).',
  features: PROOF,
  run: async (context) => {
    const { peer, channel } = await proving(context);
    peer.send('PROOF', { channel, rawPayload: payload(peer.buildProof(channel)) });
    await expectExactly(peer, 'FRAME_MALFORMED', requirement);
  },
}));

/** Section 13.7, for the application end in a server: PROOFs that do not hold. */
export const proofSignatures: readonly ServerCase[] = serverCases([...alteredCases, ...chainCases, ...malformedCases]);

/** An opening that is proved on paper (section 13.7), and how the vectors of proofs.json are written down. */
import { buildPayload, concat, integer, toHex } from '../../conformance/model/codec.ts';
import type { FieldInput, ParameterInput } from '../../conformance/model/codec.ts';
import {
  openingTranscript,
  proofTranscript,
  schemeOfKey,
  sha256,
  signedContent,
} from '../../conformance/model/transcript.ts';
import type { Leaf } from './authority.ts';
import { octetsFor } from './octet-source.ts';
import { SERVER_IDENTITY } from './parties.ts';
import { signerOf } from './signatures.ts';
import type { Signer } from './signatures.ts';
import { fails, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

export type Draft = DraftFile['drafts'][number];
export type Signed = 'proof' | 'opened';

/** The payloads of an opening, and who has signed them. */
export interface Opening {
  readonly client: Leaf;
  readonly application: Leaf;
  readonly open: Uint8Array;
  readonly prove: Uint8Array;
  readonly proof: Uint8Array;
  readonly opened: Uint8Array;
}

type Fields = Readonly<Record<string, FieldInput>>;

/** Changes to an ordinary opening, before it is signed. */
export interface OpeningOptions {
  readonly label?: string;
  readonly open?: Fields;
  readonly prove?: Fields;
  readonly proof?: Fields;
  /** Parameters of OPENED besides the signature, in front of it and behind it. */
  readonly before?: readonly ParameterInput[];
  readonly behind?: readonly ParameterInput[];
  readonly openedScheme?: number;
  readonly signProof?: Signer;
  readonly signOpened?: Signer;
  /** What is signed instead of the signed content of the transcript. */
  readonly proofContent?: (parts: Omit<Opening, 'opened'>) => Uint8Array;
  readonly openedContent?: (parts: Opening) => Uint8Array;
}

const schemeFor = (leaf: Leaf): number => schemeOfKey(leaf.key)?.id ?? 0;

/** Opens a channel on paper, with proof. */
export function opening(client: Leaf, application: Leaf, options: OpeningOptions = {}): Opening {
  const { label = 'opening', before = [], behind = [] } = options;
  const open = buildPayload('OPEN', {
    nonce: octetsFor(`${label} open`, 32),
    application: 'ledger/transfer',
    ...options.open,
  });
  const prove = buildPayload('PROVE', {
    nonce: octetsFor(`${label} prove`, 32),
    relay: SERVER_IDENTITY,
    chain: application.chain,
    ...options.prove,
  });
  const fields = { chain: client.chain, scheme: schemeFor(client), ...options.proof };
  const proofContent = options.proofContent ?? ((parts) => signedContent('proof', proofTranscript(parts, parts.proof)));
  const unsigned = { client, application, open, prove, proof: buildPayload('PROOF', fields) };
  const signature = (options.signProof ?? signerOf(client.key))(proofContent(unsigned));
  const parts = { ...unsigned, proof: buildPayload('PROOF', { ...fields, signature }) };

  const bare = buildPayload('OPENED', { parameters: [...before, ...behind] });
  const openedContent =
    options.openedContent ?? ((all) => signedContent('opened', openingTranscript(all, all.proof, all.opened)));
  const openSignature = (options.signOpened ?? signerOf(application.key))(openedContent({ ...parts, opened: bare }));
  const value = concat(integer(options.openedScheme ?? schemeFor(application), 2), openSignature);
  const parameters = [...before, { id: 'open_signature', value }, ...behind];
  return { ...parts, opened: buildPayload('OPENED', { parameters }) };
}

function base(comment: string, requirements: readonly string[], flag: string, signed: Signed, parts: Opening) {
  const signer = signed === 'proof' ? parts.client : parts.application;
  return {
    comment: `${signed === 'proof' ? 'PROOF' : 'OPENED'}: ${comment}`,
    requirements,
    flags: [flag],
    signed,
    open: toHex(parts.open),
    prove: toHex(parts.prove),
    proof: toHex(parts.proof),
    ...(signed === 'opened' ? { opened: toHex(parts.opened) } : {}),
    privateKey: signer.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export function good(comment: string, signed: Signed, parts: Opening): Draft {
  const { proof, opened } = parts;
  const transcript = signed === 'proof' ? proofTranscript(parts, proof) : openingTranscript(parts, proof, opened);
  const expected = {
    transcriptHash: toHex(sha256(transcript)),
    signedContent: toHex(signedContent(signed, transcript)),
  };
  const requirements = signed === 'proof' ? ['RLY-042', 'RLY-043'] : ['RLY-045', 'RLY-046'];
  return { ...base(comment, requirements, 'ValidSignature', signed, parts), ...VALID, expected };
}

export function bad(comment: string, flag: string, signed: Signed, parts: Opening): Draft {
  const requirements = signed === 'proof' ? ['RLY-044'] : ['RLY-046'];
  return { ...base(comment, requirements, flag, signed, parts), ...fails('signature', 'PROOF_INVALID') };
}

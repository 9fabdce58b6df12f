import type { Signer, Verifier } from './authentication.ts';
import { InternalError } from './errors.ts';
import { decodeOpened, encodeOpened, signedParameters } from './frames/opened.ts';
import { decodeProof, encodeProof } from './frames/proof.ts';
import { decodeProve } from './frames/prove.ts';
import { concat, viewOf } from './octets.ts';
import { encodeParameters, type RawParameter } from './parameters.ts';
import { openingContent, proofContent, type ProofPayloads, signatureOf, signFrame } from './transcript.ts';

/** The verifier of signatures that are made with the key of a leaf certificate, given in DER; of any octets. */
export type LeafVerifier = (leaf: Uint8Array) => Verifier;

/** What a client expects of the proof of a channel that it opens. */
export interface ProofTerms {
  /** Identity that the application end has to prove; by default the audience of the session. [RLY-038] */
  readonly applicationIdentity?: string | undefined;
  /** Whether the channel is abandoned where no proof is asked for. [RLY-047] */
  readonly demandProof?: boolean | undefined;
}

/**
 * What is kept of a channel from its request until it is open: the payloads that end-to-end proof is made over, as they were
 * sent or received (section 13.7), and what the client expects.
 */
export interface Opening extends ProofTerms {
  readonly open: Uint8Array;
  readonly prove?: Uint8Array | undefined;
  readonly proof?: Uint8Array | undefined;
}

/** Why a client does not take an OPENED for proved. */
export type OpeningFlaw = 'no-prove' | 'no-signature' | 'wrong-signature';

/** Octets of the scheme in `open_signature`. */
const SCHEME_BYTES = 2;

/** The payload of PROOF for a PROVE that has come. [RLY-042] */
export function signProof(opening: Opening, chain: readonly Uint8Array[], signer: Signer): Uint8Array {
  const { scheme, signatureBytes } = signer;
  const proof = encodeProof({ chain, scheme, signature: new Uint8Array(signatureBytes) });
  signFrame(proof, proofContent(payloadsOf({ ...opening, proof }), signatureBytes), signer);
  return proof;
}

/** Whether the signature in the PROOF that has come verifies with the key of its leaf. [RLY-043] */
export function isProofSigned(opening: Opening, verifierOf: LeafVerifier): boolean {
  const payloads = payloadsOf(opening);
  const { chain, scheme, signature } = decodeProof(payloads.proof);
  return verifierOf(leafOf(chain)).verify(proofContent(payloads, signature.length), scheme, signature);
}

/** The payload of OPENED for a PROOF that holds. [RLY-045] */
export function signOpened(
  opening: Opening,
  applicationData: Uint8Array | undefined,
  ignorable: readonly RawParameter[],
  signer: Signer,
): Uint8Array {
  const parameters = { application_data: applicationData };
  const content = openingContent(payloadsOf(opening), encodeParameters(parameters, ignorable));
  const scheme = Uint8Array.of(signer.scheme >>> 8, signer.scheme & 0xff);
  const signature = concat(scheme, signatureOf(content, signer));
  return encodeOpened({ parameters: { ...parameters, open_signature: signature } }, ignorable);
}

/** What is wrong with the signature of an OPENED that follows the own PROOF; undefined where it verifies. [RLY-046] */
export function openedFlaw(opening: Opening, opened: Uint8Array, verifierOf: LeafVerifier): OpeningFlaw | undefined {
  const { open_signature: field } = decodeOpened(opened).parameters;
  if (field === undefined) return 'no-signature';
  const payloads = payloadsOf(opening);
  const content = openingContent(payloads, signedParameters(opened));
  const verifier = verifierOf(leafOf(decodeProve(payloads.prove).chain));
  const scheme = viewOf(field).getUint16(0);
  return verifier.verify(content, scheme, field.subarray(SCHEME_BYTES)) ? undefined : 'wrong-signature';
}

/** The leaf certificate in the PROVE of a channel; undefined where there was none. */
export function provedLeaf({ prove }: Opening): Uint8Array | undefined {
  return prove && leafOf(decodeProve(prove).chain);
}

function payloadsOf({ open, prove, proof }: Opening): ProofPayloads {
  if (prove === undefined || proof === undefined) throw new InternalError('There is no PROVE or PROOF to go by.');
  return { open, prove, proof };
}

function leafOf([leaf]: readonly Uint8Array[]): Uint8Array {
  if (leaf === undefined) throw new InternalError('A chain that was read has a leaf.');
  return leaf;
}

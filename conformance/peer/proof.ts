/** What an end-to-end proof carries and signs (section 13.7), right or as wrong as a case wants it. */
import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import type { ParameterInput } from '../model/codec.ts';
import { buildPayload, concat, decodeFrame, decodeHeader, equal, integer, readInteger } from '../model/codec.ts';
import { frameOfType, registry } from '../model/registry.ts';
import type { ProofInput, SignatureLabel } from '../model/transcript.ts';
import { openingTranscript, proofTranscript, schemeOfKey, sign, signedContent, verify } from '../model/transcript.ts';
import type { Credential } from './credential.ts';
import { fail } from './failure.ts';
import type { ReceivedFrame } from './received-frame.ts';

/** The payloads of a channel's opening, as far as they have passed. */
export interface ProofExchange {
  readonly open: Uint8Array;
  readonly prove?: Uint8Array;
  readonly proof?: Uint8Array;
}

/** What may be wrong about a signature of a proof, on purpose. Everything absent is as it should be. */
export interface ProofSigning {
  /** Whose key signs, and in PROOF whose chain is sent; that of the connection if absent. */
  readonly credential?: Credential;
  readonly key?: KeyObject;
  readonly scheme?: number;
  readonly label?: SignatureLabel;
  /** Replaces payloads in the transcript. */
  readonly transcript?: Partial<ProofInput>;
  /** Changes the signature. */
  readonly signature?: (signature: Uint8Array) => Uint8Array;
}

/** What may be wrong about PROOF. */
export interface ProofOptions extends ProofSigning {
  readonly chain?: readonly Uint8Array[];
}

/** What may be wrong about an OPENED that is signed. */
export interface SignedOpenedOptions extends ProofSigning {
  readonly data?: Uint8Array;
  /** Parameters besides the data and the signature. */
  readonly more?: readonly ParameterInput[];
  /** Replaces the payload of PROOF in the transcript. */
  readonly proof?: Uint8Array;
  /** Changes the parameters after they were signed. */
  readonly afterSigning?: (parameters: readonly ParameterInput[]) => readonly ParameterInput[];
}

/** What may be wrong about PROVE. */
export interface ProveOptions {
  readonly nonce?: Uint8Array;
  /** Empty if absent. */
  readonly relay?: string;
  /** Whose chain is sent; that of the connection if absent. */
  readonly credential?: Credential;
  readonly chain?: readonly Uint8Array[];
}

/** The openings of the channels of a session, from both directions. */
export class ProofBook {
  readonly #exchanges = new Map<number, ProofExchange>();

  /** Takes note of a frame, sent or received. Of each kind the first one counts. */
  note(octets: Uint8Array): void {
    const header = decodeHeader(octets);
    const name = header && frameOfType(header.type)?.name;
    if (header === undefined || name === undefined) return;
    const payload = octets.slice(registry.header.bytes);
    const known = this.#exchanges.get(header.channel);
    if (name === 'OPEN' && known === undefined) this.#exchanges.set(header.channel, { open: payload });
    if (name === 'FORWARD' && known === undefined) {
      const read = decodeFrame(octets);
      const open = 'fields' in read ? read.fields['open'] : undefined;
      if (open instanceof Uint8Array) this.#exchanges.set(header.channel, { open: open.slice() });
    }
    if (known === undefined) return;
    if (name === 'PROVE') this.#exchanges.set(header.channel, { prove: payload, ...known });
    if (name === 'PROOF') this.#exchanges.set(header.channel, { proof: payload, ...known });
  }

  /** The payloads of a channel's opening through PROVE, and PROOF where it has passed. */
  of(channel: number): ProofInput & Pick<ProofExchange, 'proof'> {
    const { open, prove, proof } = this.#exchanges.get(channel) ?? {};
    if (open === undefined || prove === undefined) throw new TypeError(`no PROVE on channel ${channel}`);
    return { open, prove, ...(proof === undefined ? {} : { proof }) };
  }
}

/** The payload of a PROVE. */
export function buildProve(own: Credential, nonce: Uint8Array, options: ProveOptions = {}): Uint8Array {
  const chain = options.chain ?? (options.credential ?? own).chain;
  return buildPayload('PROVE', { nonce: options.nonce ?? nonce, relay: options.relay ?? '', chain });
}

/** The payload of a PROOF. */
export function buildProof(own: Credential, input: ProofInput, options: ProofOptions = {}): Uint8Array {
  const credential = options.credential ?? own;
  const key = options.key ?? credential.key;
  const fields = {
    chain: options.chain ?? credential.chain,
    scheme: options.scheme ?? schemeOfKey(key)?.id ?? 0,
  };
  const transcript = proofTranscript({ ...input, ...options.transcript }, buildPayload('PROOF', fields));
  const signature = signed(key, options.label ?? 'proof', transcript, options);
  return buildPayload('PROOF', { ...fields, signature });
}

/** The parameters of an OPENED that is signed. */
export function buildSignedOpened(
  own: Credential,
  { proof, ...input }: ProofInput & Pick<ProofExchange, 'proof'>,
  options: SignedOpenedOptions = {},
): readonly ParameterInput[] {
  const key = options.key ?? (options.credential ?? own).key;
  const data = options.data === undefined ? [] : [{ id: 'application_data', value: options.data }];
  const bare: readonly ParameterInput[] = [...data, ...(options.more ?? [])];
  const last = options.proof ?? proof;
  if (last === undefined) throw new TypeError('no PROOF on the channel');
  const payload = buildPayload('OPENED', { parameters: bare });
  const transcript = openingTranscript({ ...input, ...options.transcript }, last, payload);
  const signature = signed(key, options.label ?? 'opened', transcript, options);
  const scheme = options.scheme ?? schemeOfKey(key)?.id ?? 0;
  const value = concat(integer(scheme, 2), signature);
  // In ascending order of ids: what is unknown and ignorable has higher ones.
  const parameters = [...data, { id: 'open_signature', value }, ...(options.more ?? [])];
  return options.afterSigning?.(parameters) ?? parameters;
}

function signed(key: KeyObject, label: SignatureLabel, transcript: Uint8Array, options: ProofSigning): Uint8Array {
  const admitted = schemeOfKey(key) !== undefined;
  const signature = admitted ? sign(key, signedContent(label, transcript)).signature : new Uint8Array(64);
  return options.signature?.(signature) ?? signature;
}

/** The chain that a PROVE or PROOF carries. */
export function chainOf(frame: ReceivedFrame): readonly [X509Certificate, ...X509Certificate[]] {
  const [leaf, ...rest] = frame.list('chain').map((der) => new X509Certificate(der));
  if (leaf === undefined) throw new TypeError(`${frame.name} without a leaf`);
  return [leaf, ...rest];
}

/** Fails unless PROOF has the chain of this leaf and is signed with its key over what has passed. */
export function requireProof(proof: ReceivedFrame, leaf: Uint8Array, input: ProofInput): void {
  const requirement = 'RLY-042';
  const [own] = chainOf(proof);
  if (!equal(own.raw, leaf)) fail("the client's own certificate as the leaf in PROOF", own.subject, requirement);
  requireSigned(proof.integer('scheme'), own.publicKey, 'proof', proofTranscript(input, proof.payload), {
    signature: proof.bytes('signature'),
    what: 'PROOF',
    requirement,
  });
}

/** Fails unless OPENED is signed with the key of the leaf in PROVE over what has passed. */
export function requireSignedOpened(
  opened: ReceivedFrame,
  leaf: X509Certificate,
  { proof, ...input }: ProofInput & Pick<ProofExchange, 'proof'>,
): void {
  const requirement = 'RLY-045';
  const value = opened.parameterOctets('open_signature', requirement);
  if (proof === undefined) throw new TypeError('no PROOF on the channel');
  const transcript = openingTranscript(input, proof, opened.payload);
  requireSigned(readInteger(value.subarray(0, 2)), leaf.publicKey, 'opened', transcript, {
    signature: value.subarray(2),
    what: 'OPENED',
    requirement,
  });
}

function requireSigned(
  scheme: bigint,
  key: KeyObject,
  label: SignatureLabel,
  transcript: Uint8Array,
  { signature, what, requirement }: { signature: Uint8Array; what: string; requirement: string },
): void {
  const own = schemeOfKey(key);
  if (own === undefined || BigInt(own.id) !== scheme) {
    fail(
      `a signature with ${own?.name ?? 'a scheme of its key'} in ${what}`,
      `scheme 0x${scheme.toString(16)}`,
      requirement,
    );
  }
  if (verify(own.id, key, signedContent(label, transcript), signature)) return;
  fail(`a signature of ${what} that verifies over the transcript of section 13.7`, 'one that does not', requirement);
}

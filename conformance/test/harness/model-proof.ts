/** The judgement of proofs by the model endpoints: chapter 2 as far as node:crypto goes, and section 13.7. */
import { X509Certificate } from 'node:crypto';
import type { ModelFields, ModelParameter } from '../../model/codec.ts';
import { readInteger } from '../../model/codec.ts';
import { openingTranscript, proofTranscript, signedContent, verify } from '../../model/transcript.ts';
import type { ProofBook } from '../../peer/proof.ts';

const PURPOSE = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' };

/** The identity in a leaf certificate; empty where it has none. */
export function identityOf(leaf: X509Certificate): string {
  const names = (leaf.subjectAltName ?? '').split(', ');
  const name = names.find((each) => each.startsWith('URI:')) ?? names[0] ?? '';
  return name.slice(4);
}

/** The certificates of a chain; undefined where one of them is none. */
function certificatesOf(fields: ModelFields): readonly X509Certificate[] | undefined {
  try {
    return (fields['chain'] as readonly Uint8Array[]).map((der) => new X509Certificate(der));
  } catch {
    return undefined;
  }
}

/** The leaf of a chain that leads to the authority and is good for a role; undefined for any other chain. */
function judgedLeaf(fields: ModelFields, caPem: string, role: 'client' | 'server'): X509Certificate | undefined {
  const certificates = certificatesOf(fields) ?? [];
  const path = [...certificates, new X509Certificate(caPem)];
  const now = Date.now();
  const sound = certificates.every((certificate, at) => {
    const issuer = path[at + 1];
    const valid = Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
    return issuer !== undefined && valid && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  });
  const [leaf] = certificates;
  // node:crypto leaves it out where the certificate does.
  const purposes = leaf?.keyUsage as readonly string[] | undefined;
  return sound && purposes?.includes(PURPOSE[role]) === true ? leaf : undefined;
}

/** What the receiver of PROVE or PROOF knows by itself. */
export interface ProofJudge {
  readonly proofs: ProofBook;
  readonly caPem: string;
  /** The identity that the leaf has to have. */
  readonly identity: string;
}

/** Whether a client may answer this PROVE with PROOF. */
export function judgeProve(fields: ModelFields, audience: string, { caPem, identity }: ProofJudge): boolean {
  const leaf = judgedLeaf(fields, caPem, 'server');
  const relay = fields['relay'];
  return (
    leaf !== undefined &&
    identityOf(leaf) === identity &&
    (relay === audience || (relay === '' && identity === audience))
  );
}

/** Whether a PROOF holds. */
export function judgeProof(channel: number, fields: ModelFields, { proofs, caPem, identity }: ProofJudge): boolean {
  const { proof, ...input } = proofs.of(channel);
  const leaf = judgedLeaf(fields, caPem, 'client');
  if (proof === undefined || leaf === undefined || identityOf(leaf) !== identity) return false;
  const content = signedContent('proof', proofTranscript(input, proof));
  return verify(Number(fields['scheme']), leaf.publicKey, content, fields['signature'] as Uint8Array);
}

/** Whether an OPENED is signed by the application end that has asked for proof. */
export function judgeOpened(
  channel: number,
  fields: ModelFields,
  payload: Uint8Array,
  leafDer: Uint8Array,
  proofs: ProofBook,
): boolean {
  const { proof, ...input } = proofs.of(channel);
  const signature = (fields['parameters'] as readonly ModelParameter[]).find(({ name }) => name === 'open_signature');
  if (proof === undefined || !(signature?.value instanceof Uint8Array)) return false;
  const content = signedContent('opened', openingTranscript(input, proof, payload));
  const scheme = Number(readInteger(signature.value.subarray(0, 2)));
  return verify(scheme, new X509Certificate(leafDer).publicKey, content, signature.value.subarray(2));
}

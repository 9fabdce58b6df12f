/** How the vectors of transcripts.json are written down. */
import { toHex } from '../../conformance/model/codec.ts';
import {
  acceptTranscript,
  connectTranscript,
  exporterContext,
  sha256,
  signedContent,
  withoutSignature,
} from '../../conformance/model/transcript.ts';
import { transcriptInput } from './parties.ts';
import type { Establishment } from './parties.ts';
import { fails, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

export type Draft = DraftFile['drafts'][number];
type Signed = 'connect' | 'accept';

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
export const flip = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, index) => (index === (at + octets.length) % octets.length ? octet ^ 1 : octet));

function base(
  comment: string,
  requirements: readonly string[],
  flag: string,
  signed: Signed,
  parts: Establishment,
): Omit<Draft, 'result' | 'layer' | 'error' | 'reason'> & {
  comment: string;
  requirements: readonly string[];
  flags: readonly string[];
} {
  const signer = signed === 'connect' ? parts.client : parts.server;
  return {
    comment: `${signed.toUpperCase()}: ${comment}`,
    requirements,
    flags: [flag],
    signed,
    exporter: toHex(parts.exporter),
    clientCertificate: base64(parts.client.der),
    serverCertificate: base64(parts.server.der),
    challenge: toHex(parts.challenge),
    connect: toHex(parts.connect),
    ...(signed === 'accept' ? { accept: toHex(parts.accept) } : {}),
    privateKey: signer.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export function good(comment: string, flag: string, signed: Signed, parts: Establishment): Draft {
  const input = transcriptInput(parts);
  const transcript = signed === 'connect' ? connectTranscript(input) : acceptTranscript(input, parts.accept);
  const expected = {
    exporterContext: toHex(exporterContext(parts.challenge)),
    clientLeaf: toHex(input.clientLeaf),
    serverLeaf: toHex(input.serverLeaf),
    transcriptHash: toHex(sha256(transcript)),
    signedContent: toHex(signedContent(signed, transcript)),
  };
  return { ...base(comment, ['EST-001', 'EST-003'], flag, signed, parts), ...VALID, expected };
}

export function bad(comment: string, requirement: string, flag: string, signed: Signed, parts: Establishment): Draft {
  return { ...base(comment, [requirement], flag, signed, parts), ...fails('signature', 'SIGNATURE_INVALID') };
}

export function signatureOf(frame: Uint8Array): Uint8Array {
  return frame.slice(withoutSignature(frame).length + 2);
}

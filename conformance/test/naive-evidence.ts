/** A verifier for evidence records, written down from section 4.8 with Node's certificates: as much of chapter 2 as the vectors need. */
import { X509Certificate } from 'node:crypto';
import { decodeFrame, fromHex } from '../model/codec.ts';
import type { ModelFields } from '../model/codec.ts';
import { registry } from '../model/registry.ts';
import { acceptTranscript, connectTranscript, leafHash, signedContent, verify } from '../model/transcript.ts';

const MEMBERS = [
  'format',
  'recordedBy',
  'recordedAt',
  'exporter',
  'clientChain',
  'serverChain',
  'challenge',
  'connect',
  'accept',
];
const EXTENDED_KEY_USAGE = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' };
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
const HEX = /^([0-9a-f]{2})+$/;

export type EvidenceVerdict =
  | { readonly result: 'valid'; readonly clientIdentity: string; readonly serverIdentity: string }
  | { readonly result: 'invalid'; readonly reason: string };

const invalid = (reason: string): EvidenceVerdict => ({ result: 'invalid', reason });

function parse(text: string): Readonly<Record<string, unknown>> | string {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return 'not-a-record';
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return 'not-a-record';
  const members = record as Readonly<Record<string, unknown>>;
  const names = Object.keys(members);
  if (names.some((name) => text.split(`"${name}":`).length > 2)) return 'not-a-record';
  if (MEMBERS.some((name) => !names.includes(name))) return 'missing-member';
  if (names.length > MEMBERS.length) return 'unknown-member';
  if (members['format'] !== registry.protocol.evidenceFormat) return 'unknown-format';
  const { recordedBy, recordedAt, exporter, challenge, connect, accept, clientChain, serverChain } = members;
  const isHex = (value: unknown): boolean => typeof value === 'string' && HEX.test(value);
  const sound =
    (recordedBy === 'client' || recordedBy === 'server') &&
    typeof recordedAt === 'string' &&
    TIME.test(recordedAt) &&
    [exporter, challenge, connect, accept].every(isHex) &&
    [clientChain, serverChain].every((chain) => Array.isArray(chain) && chain.every(isHex));
  return sound ? members : 'invalid-member';
}

function fieldsOf(name: string, octets: Uint8Array): ModelFields | undefined {
  const result = decodeFrame(octets);
  if (!('frame' in result)) return undefined;
  return result.frame.name === name && result.consumed === octets.length ? result.fields : undefined;
}

/** The identity in a leaf certificate (TLS-020, TLS-021); undefined when there is none. */
function identityOf(leaf: X509Certificate): string | undefined {
  const names = (leaf.subjectAltName ?? '').split(', ').map((entry) => entry.split(/:(.*)/s));
  const of = (type: string): readonly string[] => names.filter(([kind]) => kind === type).map(([, name]) => name ?? '');
  const [identity, ...others] = of('URI').length > 0 ? of('URI') : of('DNS');
  return others.length > 0 ? undefined : identity;
}

function judgeChain(
  chain: readonly Uint8Array[],
  role: 'client' | 'server',
  anchors: readonly X509Certificate[],
  at: Date,
): { readonly leaf: X509Certificate; readonly identity: string } | undefined {
  let certificates: readonly X509Certificate[];
  try {
    certificates = chain.map((der) => new X509Certificate(der));
  } catch {
    return undefined;
  }
  const [leaf] = certificates;
  if (leaf === undefined) return undefined;
  const inTime = ({ validFrom, validTo }: X509Certificate): boolean =>
    at >= new Date(validFrom) && at <= new Date(validTo);
  let current = leaf;
  for (const next of [...certificates.slice(1), undefined]) {
    if (!inTime(current)) return undefined;
    const signer = anchors.find((anchor) => anchor.subject === current.issuer && current.verify(anchor.publicKey));
    if (signer !== undefined) break;
    if (next === undefined || !next.ca || next.subject !== current.issuer || !current.verify(next.publicKey))
      return undefined;
    current = next;
  }
  const identity = identityOf(leaf);
  // Node's types say that a certificate always has an extended key usage.
  const usages = leaf.keyUsage as readonly string[] | undefined;
  return identity !== undefined && usages?.includes(EXTENDED_KEY_USAGE[role]) === true ? { leaf, identity } : undefined;
}

/** Verifies the text of a record for the trust anchors given in DER. */
export function verifyRecord(text: string, trustAnchors: readonly Uint8Array[]): EvidenceVerdict {
  const members = parse(text);
  if (typeof members === 'string') return invalid(members);
  const octets = (name: string): Uint8Array => fromHex(String(members[name]));
  const chain = (name: string): readonly Uint8Array[] => (members[name] as readonly string[]).map(fromHex);
  const challenge = octets('challenge');
  const connect = octets('connect');
  const accept = octets('accept');
  const connectFields = fieldsOf('CONNECT', connect);
  const acceptFields = fieldsOf('ACCEPT', accept);
  if (!fieldsOf('CHALLENGE', challenge) || !connectFields || !acceptFields) return invalid('invalid-frame');
  const anchors = trustAnchors.map((der) => new X509Certificate(der));
  const at = new Date(String(members['recordedAt']));
  const client = judgeChain(chain('clientChain'), 'client', anchors, at);
  if (client === undefined) return invalid('client-chain');
  const server = judgeChain(chain('serverChain'), 'server', anchors, at);
  if (server === undefined) return invalid('server-chain');
  if (connectFields['audience'] !== server.identity) return invalid('audience-mismatch');
  const input = {
    exporter: octets('exporter'),
    clientLeaf: leafHash(client.leaf.raw),
    serverLeaf: leafHash(server.leaf.raw),
    challenge,
    connect,
  };
  const signs = (fields: ModelFields, leaf: X509Certificate, content: Uint8Array): boolean =>
    verify(Number(fields['scheme']), leaf.publicKey, content, fields['signature'] as Uint8Array);
  if (!signs(connectFields, client.leaf, signedContent('connect', connectTranscript(input)))) {
    return invalid('connect-signature');
  }
  if (!signs(acceptFields, server.leaf, signedContent('accept', acceptTranscript(input, accept)))) {
    return invalid('accept-signature');
  }
  return { result: 'valid', clientIdentity: client.identity, serverIdentity: server.identity };
}

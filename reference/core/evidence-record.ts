import type { EvidenceMaterial } from './evidence-material.ts';
import { encodeHex, parseHex } from './octets.ts';
import { PROTOCOL } from './registry.gen.ts';

/** An evidence record (chapter 4.8), its octets decoded. */
export interface EvidenceRecord extends EvidenceMaterial {
  /** Time at the recorder, RFC 3339, UTC, with `Z`. */
  readonly recordedAt: string;
  /** DER certificates, leaf first. */
  readonly clientChain: readonly Uint8Array[];
  readonly serverChain: readonly Uint8Array[];
}

/** Why a record is not valid. */
export interface EvidenceFailure {
  readonly valid: false;
  /** Id of the requirement that it breaks. */
  readonly requirement: string;
  /** One sentence for people. */
  readonly reason: string;
}

const OCTETS = ['exporter', 'challenge', 'connect', 'accept'] as const;
const CHAINS = ['clientChain', 'serverChain'] as const;
const MEMBERS: readonly string[] = ['format', 'recordedBy', 'recordedAt', ...OCTETS, ...CHAINS];
const RECORDED_AT = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?Z$/;

/** Writes a record as JSON, members in the order of the specification's table. */
export function serializeEvidenceRecord(record: EvidenceRecord): string {
  const { recordedBy, recordedAt, exporter, clientChain, serverChain, challenge, connect, accept } = record;
  const members = {
    format: PROTOCOL.evidenceFormat,
    recordedBy,
    recordedAt,
    exporter: encodeHex(exporter),
    clientChain: clientChain.map(encodeHex),
    serverChain: serverChain.map(encodeHex),
    challenge: encodeHex(challenge),
    connect: encodeHex(connect),
    accept: encodeHex(accept),
  };
  return `${JSON.stringify(members, undefined, 2)}\n`;
}

/**
 * Reads a record: whether its form is right, not whether it is true.
 *
 * @returns the record, or why it is not one. [EST-031]
 */
export function parseEvidenceRecord(text: string): EvidenceRecord | EvidenceFailure {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return failure('A record is one JSON object.');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return failure('A record is one JSON object.');
  }
  const members = json as Readonly<Record<string, unknown>>;
  const twice = memberNames(text).find((name, index, names) => names.indexOf(name) !== index);
  if (twice !== undefined) return failure(`The member ${twice} stands more than once.`);
  const unknown = Object.keys(members).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) return failure(`The member ${unknown} is unknown.`);
  for (const name of MEMBERS) {
    if (!Object.hasOwn(members, name)) return failure(`The member ${name} is missing.`);
  }
  if (members['format'] !== PROTOCOL.evidenceFormat) return failure('The format is unknown.');
  const recordedBy = members['recordedBy'];
  const recordedAt = members['recordedAt'];
  if (recordedBy !== 'client' && recordedBy !== 'server') return failure('recordedBy is client or server.');
  if (typeof recordedAt !== 'string' || !RECORDED_AT.test(recordedAt)) {
    return failure('recordedAt is a time of RFC 3339 in UTC with Z.');
  }
  const octets = OCTETS.map((name) => toOctets(members[name]));
  const chains = CHAINS.map((name) => toChain(members[name]));
  const [exporter, challenge, connect, accept] = octets;
  const [clientChain, serverChain] = chains;
  if (!exporter || !challenge || !connect || !accept || !clientChain || !serverChain) {
    const wrong = [...OCTETS, ...CHAINS].find((_, index) => [...octets, ...chains][index] === undefined);
    return failure(`The member ${wrong ?? ''} does not hold octets in lower-case hexadecimal.`);
  }
  return { recordedBy, recordedAt, exporter, clientChain, serverChain, challenge, connect, accept };
}

/** The names of all members in a JSON text: I-JSON has none twice, and `JSON.parse` keeps the last one silently. */
function memberNames(text: string): readonly string[] {
  return [...text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)/gs)].flatMap(([, name = '', colon]) =>
    colon === ':' ? [JSON.parse(name) as string] : [],
  );
}

function failure(reason: string): EvidenceFailure {
  return { valid: false, requirement: 'EST-031', reason };
}

function toOctets(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' && value !== '' ? parseHex(value) : undefined;
}

function toChain(value: unknown): readonly Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const certificates = value.map(toOctets);
  return certificates.every((certificate) => certificate !== undefined) ? certificates : undefined;
}

import { ConfigError, HEADER_BYTES, MAX_PAYLOAD_BYTES, PROTOCOL, PeerViolationError, FRAME_TYPE } from '../core/index.ts';
import { decodeAccept } from '../core/frames/accept.ts';
import { decodeChallenge } from '../core/frames/challenge.ts';
import { decodeConnect } from '../core/frames/connect.ts';
import { decodeHeader, payloadOf } from '../core/frames/header.ts';
import { acceptContent, connectContent } from '../core/transcript.ts';
import type { EvidenceRecord } from './evidence-record.ts';
import { sha256 } from './sha256.ts';
import { createVerifier } from './signatures.ts';
import { type Trust, judgeChain } from './trust.ts';

/** What {@link verifyEvidence} finds. */
export type EvidenceVerdict =
  | {
      readonly valid: true;
      /** Verified identities. */
      readonly client: string;
      readonly server: string;
      /** Session id in lower-case hex. */
      readonly session: string;
      readonly recordedBy: 'client' | 'server';
      /** As the recorder stated it: a record holds no trusted time. */
      readonly recordedAt: string;
    }
  | {
      readonly valid: false;
      /** Id of the requirement that the record fails. */
      readonly requirement: string;
      readonly reason: string;
    };

/** Names of the members and what their texts look like; there are no others. [EST-031] */
const HEX = /^(?:[0-9a-f]{2})+$/;
const MEMBERS: Readonly<Record<keyof EvidenceRecord, (value: unknown) => boolean>> = {
  format: (value) => value === PROTOCOL.evidenceFormat,
  recordedBy: (value) => value === 'client' || value === 'server',
  recordedAt: (value) =>
    isText(value, /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/) && !Number.isNaN(Date.parse(value as string)),
  exporter: (value) => isText(value, HEX) && (value as string).length === 2 * PROTOCOL.exporterBytes,
  clientChain: isChain,
  serverChain: isChain,
  challenge: (value) => isText(value, HEX),
  connect: (value) => isText(value, HEX),
  accept: (value) => isText(value, HEX),
};

function isText(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}

function isChain(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => isText(one, HEX));
}

/**
 * Reads the text of a file that should hold an evidence record.
 *
 * @param name - of the file, for the message.
 * @returns what to give to {@link verifyEvidence}.
 * @throws ConfigError `HAWSER_ERR_CONFIG_NOT_EVIDENCE` for a file that is nothing of the kind.
 */
export function parseEvidenceRecord(text: string, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notEvidence(name, 'it is not JSON', cause);
  }
  const record = value as Readonly<Record<string, unknown>> | null;
  if (record === null || typeof record !== 'object' || typeof record['format'] !== 'string') {
    throw notEvidence(name, 'it has no member "format"');
  }
  return record;
}

function notEvidence(name: string, why: string, cause?: unknown): ConfigError {
  const message = `${name} is no evidence record: ${why}. Give a file that a client or server has recorded.`;
  return new ConfigError('HAWSER_ERR_CONFIG_NOT_EVIDENCE', 'evidence', message, { cause });
}

/**
 * Verifies an evidence record: its form, both chains at the time it states, the audience, and both signatures over its
 * octets. [EST-029] [EST-030] [EST-031]
 *
 * @param record - the parsed JSON, whatever it holds.
 * @param trust - trust anchors of both ends, and the revocation lists that were in force.
 */
export async function verifyEvidence(
  record: Readonly<Record<string, unknown>>,
  trust: Trust,
): Promise<EvidenceVerdict> {
  const form = checkForm(record);
  if (form !== undefined) return invalid('EST-031', form);
  const evidence = record as unknown as EvidenceRecord;
  const recordedAt = new Date(evidence.recordedAt);
  const [challenge, connect, accept] = [octets(evidence.challenge), octets(evidence.connect), octets(evidence.accept)];
  const frames = decodeFrames(challenge, connect, accept);
  if (typeof frames === 'string') return invalid('EST-030', frames);

  const clientChain = evidence.clientChain.map(octets);
  const serverChain = evidence.serverChain.map(octets);
  const client = await judgeChain(clientChain, 'client', trust, recordedAt);
  if (!client.ok) return invalid('EST-029', `The client's chain: ${client.message} [${client.requirement}]`);
  const server = await judgeChain(serverChain, 'server', trust, recordedAt);
  if (!server.ok) return invalid('EST-029', `The server's chain: ${server.message} [${server.requirement}]`);
  if (frames.connect.audience !== server.identity.value) {
    return invalid('EST-030', `The audience is "${frames.connect.audience}", the server "${server.identity.value}".`);
  }

  const [clientLeaf, serverLeaf] = [clientChain[0] ?? new Uint8Array(), serverChain[0] ?? new Uint8Array()];
  const bound = {
    exporter: octets(evidence.exporter),
    clientLeafHash: sha256(clientLeaf),
    serverLeafHash: sha256(serverLeaf),
  };
  const connectSignature = frames.connect.signature;
  const connectSigned = connectContent(bound, challenge, connect, connectSignature.length);
  if (!createVerifier(client.publicKey).verify(connectSigned, frames.connect.scheme, connectSignature)) {
    return invalid('EST-029', "The client's signature does not verify.");
  }
  const acceptSignature = frames.accept.signature;
  const acceptSigned = acceptContent(bound, challenge, connect, accept, acceptSignature.length);
  if (!createVerifier(server.publicKey).verify(acceptSigned, frames.accept.scheme, acceptSignature)) {
    return invalid('EST-029', "The server's signature does not verify.");
  }
  return {
    valid: true,
    client: client.identity.value,
    server: server.identity.value,
    session: Buffer.from(frames.accept.sessionId).toString('hex'),
    recordedBy: evidence.recordedBy,
    recordedAt: evidence.recordedAt,
  };
}

function checkForm(record: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of Object.keys(record)) {
    if (!Object.hasOwn(MEMBERS, name)) return `There is an unknown member "${name}".`;
  }
  for (const [name, isRight] of Object.entries(MEMBERS)) {
    if (!Object.hasOwn(record, name)) return `The member "${name}" is missing.`;
    if (!isRight(record[name])) return `The member "${name}" is not what it has to be.`;
  }
  return undefined;
}

function decodeFrames(
  challenge: Uint8Array,
  connect: Uint8Array,
  accept: Uint8Array,
): { readonly connect: ReturnType<typeof decodeConnect>; readonly accept: ReturnType<typeof decodeAccept> } | string {
  const frames = { CHALLENGE: challenge, CONNECT: connect, ACCEPT: accept } as const;
  for (const [name, frame] of Object.entries(frames)) {
    const problem = checkHeader(name as keyof typeof frames, frame);
    if (problem !== undefined) return problem;
  }
  try {
    decodeChallenge(payloadOf(challenge));
    return { connect: decodeConnect(payloadOf(connect)), accept: decodeAccept(payloadOf(accept)) };
  } catch (error) {
    if (error instanceof PeerViolationError) return `A frame does not decode: ${error.message}`;
    throw error;
  }
}

function checkHeader(name: 'CHALLENGE' | 'CONNECT' | 'ACCEPT', frame: Uint8Array): string | undefined {
  if (frame.length < HEADER_BYTES) return `${name} is shorter than a header.`;
  const { type, flags, length, channel, seq } = decodeHeader(frame);
  if (type !== FRAME_TYPE[name]) return `${name} has the type of another frame.`;
  if (length > MAX_PAYLOAD_BYTES || frame.length !== HEADER_BYTES + length) return `${name} has a wrong length.`;
  if (flags !== 0 || channel !== 0 || seq !== 0) return `${name} has flags, a channel or a sequence number.`;
  return undefined;
}

function invalid(requirement: string, reason: string): EvidenceVerdict {
  return { valid: false, requirement, reason };
}

function octets(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

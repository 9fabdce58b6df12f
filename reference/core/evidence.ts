import { sha256 } from '@noble/hashes/sha2.js';
import type { Verifier } from './authentication.ts';
import { PeerViolationError } from './errors.ts';
import { type EvidenceFailure, type EvidenceRecord, parseEvidenceRecord } from './evidence-record.ts';
import { type Accept, decodeAccept } from './frames/accept.ts';
import { type Challenge, decodeChallenge } from './frames/challenge.ts';
import { type Connect, decodeConnect } from './frames/connect.ts';
import { decodeHeader, payloadOf } from './frames/header.ts';
import { FRAME_TYPE, HEADER_BYTES, PROTOCOL } from './registry.gen.ts';
import { acceptContent, connectContent } from './transcript.ts';

/** What a judge finds out about the chain of one end. */
export type ChainVerdict =
  | {
      readonly ok: true;
      /** The identity in the leaf certificate. */
      readonly identity: string;
      /** Checks signatures with the key of the leaf certificate. */
      readonly verifier: Verifier;
    }
  | {
      readonly ok: false;
      /** One sentence for people. */
      readonly reason: string;
    };

/**
 * Judges a chain by chapter 2, for the trust anchors that the verifier was given.
 *
 * @param chain - DER certificates, leaf first.
 * @param role - of the end that presented it.
 * @param recordedAt - the moment for which to judge, RFC 3339 in UTC.
 */
export type ChainJudge = (
  chain: readonly Uint8Array[],
  role: 'client' | 'server',
  recordedAt: string,
) => ChainVerdict | Promise<ChainVerdict>;

/** A valid record, and what it is evidence of. */
export interface ValidEvidence {
  readonly valid: true;
  readonly record: EvidenceRecord;
  readonly clientIdentity: string;
  readonly serverIdentity: string;
  /** The mode in which the client asked for the session. */
  readonly mode: Connect['mode'];
  /** 16 octets. */
  readonly sessionId: Uint8Array;
  readonly epoch: number;
}

/** The verdict on a record. */
export type EvidenceVerdict = ValidEvidence | EvidenceFailure;

/**
 * Verifies an evidence record (chapter 4.8): without either side's help, at any time after.
 *
 * @param record - the JSON text, or a record that was parsed from it.
 * @param judge - judges the chains.
 * @returns the verdict; a defect of the record is one, never an exception. [EST-029] [EST-030] [EST-031]
 */
export async function verifyEvidence(record: string | EvidenceRecord, judge: ChainJudge): Promise<EvidenceVerdict> {
  const parsed = typeof record === 'string' ? parseEvidenceRecord(record) : record;
  if ('valid' in parsed) return parsed;
  const frames = decodeFrames(parsed);
  if ('valid' in frames) return frames;
  const client = await judge(parsed.clientChain, 'client', parsed.recordedAt);
  if (!client.ok) return failure('EST-029', `The chain of the client is not valid: ${client.reason}`);
  const server = await judge(parsed.serverChain, 'server', parsed.recordedAt);
  if (!server.ok) return failure('EST-029', `The chain of the server is not valid: ${server.reason}`);
  const { connect, accept } = frames;
  if (connect.audience !== server.identity) {
    const reason = `The request names ${connect.audience}, the certificate of the server ${server.identity}.`;
    return failure('EST-030', reason);
  }
  const bound = {
    exporter: parsed.exporter,
    clientLeafHash: leafHash(parsed.clientChain),
    serverLeafHash: leafHash(parsed.serverChain),
  };
  const requested = connectContent(bound, parsed.challenge, parsed.connect, connect.signature.length);
  if (!client.verifier.verify(requested, connect.scheme, connect.signature)) {
    return failure('EST-029', 'The signature of CONNECT does not verify.');
  }
  const granted = acceptContent(bound, parsed.challenge, parsed.connect, parsed.accept, accept.signature.length);
  if (!server.verifier.verify(granted, accept.scheme, accept.signature)) {
    return failure('EST-029', 'The signature of ACCEPT does not verify.');
  }
  return {
    valid: true,
    record: parsed,
    clientIdentity: client.identity,
    serverIdentity: server.identity,
    mode: connect.mode,
    sessionId: accept.sessionId,
    epoch: accept.epoch,
  };
}

interface EvidenceFrames {
  readonly challenge: Challenge;
  readonly connect: Connect;
  readonly accept: Accept;
}

function decodeFrames(record: EvidenceRecord): EvidenceFrames | EvidenceFailure {
  if (record.exporter.length !== PROTOCOL.exporterBytes) {
    return failure('EST-030', `The exporter value has ${record.exporter.length} octets.`);
  }
  try {
    return {
      challenge: decodeChallenge(payloadIn('CHALLENGE', record.challenge)),
      connect: decodeConnect(payloadIn('CONNECT', record.connect)),
      accept: decodeAccept(payloadIn('ACCEPT', record.accept)),
    };
  } catch (error) {
    if (error instanceof PeerViolationError) return failure('EST-030', error.message);
    throw error;
  }
}

/** The payload of a frame whose header says just what it has to. */
function payloadIn(name: 'CHALLENGE' | 'CONNECT' | 'ACCEPT', frame: Uint8Array): Uint8Array {
  if (frame.length >= HEADER_BYTES) {
    const { type, flags, length, channel, seq } = decodeHeader(frame);
    const plain = flags === 0 && channel === 0 && seq === 0;
    if (type === FRAME_TYPE[name] && plain && length === frame.length - HEADER_BYTES) return payloadOf(frame);
  }
  throw new PeerViolationError('FRAME_MALFORMED', 'EST-030', `The frame is not a complete ${name}.`, FRAME_TYPE[name]);
}

function leafHash([leaf]: readonly Uint8Array[]): Uint8Array {
  return sha256(leaf ?? new Uint8Array(0));
}

function failure(requirement: string, reason: string): EvidenceFailure {
  return { valid: false, requirement, reason };
}

/** Sessions of the core with a past: what an end knows of one, as the vectors of chapter 12 state it. */
import { encodeAccept } from '../../core/frames/accept.ts';
import { encodeFrame } from '../../core/frames/header.ts';
import { encodeReject } from '../../core/frames/reject.ts';
import {
  type Connection,
  createClientConnection,
  type ParameterSet,
  Session,
  type Signer,
  type Verifier,
} from '../../core/index.ts';
import { type JournalEntry, sentKey, STATE_KEY } from '../../core/journal.ts';
import { encodeState, type SessionTerms, type StoredChannel } from '../../core/session-state.ts';
import { clientOptions, deterministicRandom, outputOf } from './core/pair.ts';
import { octets } from './core/wire.ts';

export const NOW = 0;
export const RETENTION_MS = 60_000;
const SCHEME = 0x0807;
const SIGNATURE = new Uint8Array(64);

/** Verifies everything: signatures are not what these vectors are about. */
export const trusting: { readonly verifier: Verifier; readonly signer: Signer } = {
  verifier: { verify: () => true },
  signer: { scheme: SCHEME, signatureBytes: SIGNATURE.length, sign: () => SIGNATURE },
};

const TERMS: SessionTerms = {
  own: { maxMessageBytes: 65_536, initialMessageCredit: 64, initialByteCredit: 65_536, maxChannels: 64 },
  peer: {
    livenessIntervalMs: 15_000,
    maxMessageBytes: 65_536,
    initialMessageCredit: 64,
    initialByteCredit: 65_536,
    maxChannels: 64,
    custody: 'received',
    retentionMs: RETENTION_MS,
    deadlineMs: 0,
  },
  retentionMs: RETENTION_MS,
  custody: 'received',
  peerCustody: 'received',
};

/** What an end remembers. */
export interface Past {
  readonly role: 'client' | 'server';
  readonly sessionId: string;
  readonly epoch: number;
  readonly received: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly channels?: readonly StoredChannel[];
}

/** A frame that was sent and is not acknowledged. */
export interface KeptFrame {
  readonly seq: number;
  readonly octets: Uint8Array;
  /** For a fragment: the number of its message, and its place in it. */
  readonly message?: number;
  readonly offset?: number;
  /** Whether a verdict tells what became of the message. */
  readonly judged?: boolean;
}

/** What a store holds of such a session. */
export function entriesOf(past: Past, frames: readonly KeptFrame[]): readonly JournalEntry[] {
  const { role, sessionId, epoch, received, sent, acknowledged, channels = [] } = past;
  const state = encodeState({
    role,
    id: octets(sessionId),
    epoch,
    terms: TERMS,
    receiveCursor: received,
    sendCursor: sent,
    acknowledged,
    opened: Math.max(0, ...channels.map(({ number }) => number)),
    channels,
  });
  return [
    { key: STATE_KEY, value: state },
    ...frames.map((kept) => ({ key: sentKey(kept.seq), value: encodeKept(kept) })),
  ];
}

/** The form in which the core keeps a frame: whether it has a verdict to come, which message, the place in it, the octets. */
function encodeKept({ message = 0, offset = 0, judged = false, octets: frame }: KeptFrame): Uint8Array {
  const prefix = new DataView(new ArrayBuffer(17));
  prefix.setUint8(0, judged ? JUDGED : 0);
  prefix.setFloat64(1, message);
  prefix.setFloat64(9, offset);
  return Uint8Array.of(...new Uint8Array(prefix.buffer), ...frame);
}

const JUDGED = 2;

/** The session, detached. */
export function sessionOf(entries: readonly JournalEntry[]): Session {
  return Session.restore(entries, { random: deterministicRandom('remembered'), grease: false, now: NOW });
}

/** A connection on which a client has asked to resume its session, and the CONNECT of it. */
export function asking(
  session: Session,
  attempt: number,
  deadlineMs?: number,
): { readonly connection: Connection; readonly connect: Uint8Array } {
  const continuity = { retentionMs: RETENTION_MS, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  const connection = createClientConnection(clientOptions({ ...trusting, mode: 'resume', continuity }));
  connection.receive(encodeFrame('CHALLENGE', octets(`${'00'.repeat(32)} 0000`)), NOW);
  connection.resume(session, { attempt }, NOW);
  return { connection, connect: outputOf(connection) };
}

/** The server's ACCEPT. */
export function accept(sessionId: string, epoch: number, receiveCursor: number, deadlineMs = 0): Uint8Array {
  const parameters: ParameterSet = deadlineMs === 0 ? {} : { connection_deadline_ms: deadlineMs };
  const fields = { sessionId: octets(sessionId), epoch, receiveCursor, parameters };
  return encodeFrame('ACCEPT', encodeAccept({ ...fields, scheme: SCHEME, signature: SIGNATURE }));
}

/** The server's REJECT. */
export function reject(code: number, parameters: ParameterSet = {}): Uint8Array {
  return encodeFrame('REJECT', encodeReject({ code, retryAfterMs: 0, parameters }));
}

/** How the frames of frames.json are written down. */
import { buildFrame, buildPayload, toHex } from '../../conformance/model/codec.ts';
import type { FieldInput, FrameInput } from '../../conformance/model/codec.ts';
import { frameNamed } from '../../conformance/model/registry.ts';
import type { FrameRow, Role } from '../../conformance/model/registry.ts';
import { octetsFor } from './octet-source.ts';
import { decodingFails, VALID } from './vector.ts';
import type { DraftFile, Outcome } from './vector.ts';

/** Who reads the frame and where it stands: `due` is the sequence number that the receiver expects next. */
export interface Context {
  readonly role: Role;
  readonly state: string;
  readonly due: number;
}

export type Draft = DraftFile['drafts'][number];
export type Fields = Readonly<Record<string, FieldInput>>;

export const MAX_U53: bigint = 2n ** 53n - 1n;
export const DUE = 7;

/** A fitting payload for each frame; what is left out takes the builder's smallest value. */
const FIELDS: Readonly<Record<string, Fields>> = {
  CHALLENGE: { server_nonce: octetsFor('server nonce', 32) },
  CONNECT: {
    client_nonce: octetsFor('client nonce', 32),
    audience: 'spiffe://example.test/server',
    scheme: 0x0807,
    signature: octetsFor('signature', 64),
  },
  ACCEPT: { session_id: octetsFor('session', 16), scheme: 0x0807, signature: octetsFor('signature', 64) },
  REJECT: { code: 0x0205, retry_after_ms: 1000 },
  PING: { data: octetsFor('ping', 8) },
  PONG: { data: octetsFor('ping', 8) },
  ACK: { receive_cursor: 5 },
  DRAIN: { code: 0x0302, deadline_ms: 30_000 },
  CLOSE: { receive_cursor: 3, send_cursor: 6 },
  OPEN: { nonce: octetsFor('open', 32), application: 'test/echo' },
  OPENED: {},
  REFUSED: { code: 0x0401 },
  PROVE: { nonce: octetsFor('prove', 32), chain: [octetsFor('certificate', 40)] },
  PROOF: { chain: [octetsFor('certificate', 40)], scheme: 0x0807, signature: octetsFor('signature', 64) },
  FORWARD: {
    hop_limit: 3,
    client: 'spiffe://example.test/client',
    open: buildPayload('OPEN', { nonce: octetsFor('open', 32), application: 'test/echo' }),
  },
  MESSAGE: { fragment: octetsFor('message', 24) },
  CREDIT: { message_limit: 128, byte_limit: 2_097_152 },
  OUTCOME: { last_message: 1, verdict: 0 },
  END: {},
  RESET: { code: 0x0403 },
};

/** The receiver that a frame is fit for. */
function contextOf(row: FrameRow): Context {
  const role: Role = row.sender === 'client' ? 'server' : 'client';
  const states: Readonly<Record<string, string>> = {
    CHALLENGE: 'awaiting-challenge',
    ACCEPT: 'awaiting-accept',
    REJECT: 'awaiting-accept',
    CONNECT: 'awaiting-connect',
  };
  return { role, state: states[row.name] ?? 'established', due: DUE };
}

/** A fitting frame with changes. */
export function frame(name: string, input: FrameInput = {}): Uint8Array {
  const row = frameNamed(name);
  return buildFrame(name, {
    flags: name === 'MESSAGE' ? ['FIRST', 'LAST'] : [],
    channel: row.layer === 'channel' ? 1 : 0,
    seq: row.sequenced ? DUE : 0,
    ...input,
    fields: { ...FIELDS[name], ...input.fields },
  });
}

export function draft(
  comment: string,
  requirements: readonly string[],
  flags: readonly string[],
  context: Context,
  octets: Uint8Array,
  outcome: Outcome,
): Draft {
  return { comment, requirements, flags, ...context, frame: toHex(octets), ...outcome };
}

/** A known frame that has to be accepted. */
export function good(
  comment: string,
  name: string,
  input: FrameInput,
  flags: readonly string[] = ['Ordinary'],
  context?: Context,
): Draft {
  const octets = frame(name, input);
  const expected = { name };
  const base = draft(`${name}: ${comment}`, ['WIR-027'], flags, context ?? contextOf(frameNamed(name)), octets, VALID);
  return { ...base, expected };
}

/** A known frame with one defect. */
export function bad(
  comment: string,
  requirement: string,
  error: string,
  name: string,
  input: FrameInput,
  flag: string,
): Draft {
  return draft(
    `${name}: ${comment}`,
    [requirement],
    [flag],
    contextOf(frameNamed(name)),
    frame(name, input),
    decodingFails(error),
  );
}

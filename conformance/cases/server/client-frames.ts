/** Frames that are right in every respect but the one that a case changes, and the demand for an error by its code. */
import type { FrameInput, ParameterInput } from '../../model/codec.ts';
import { buildFrame, buildParameter, concat, integer, MAX_U53 } from '../../model/codec.ts';
import type { RawField } from '../../model/codec.ts';
import type { FrameRow } from '../../model/registry.ts';
import { errorNamed, frameRows, registry } from '../../model/registry.ts';
import { schemeOfKey, sign, signedContent } from '../../model/transcript.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { exporterValue } from '../../peer/establishment.ts';
import type { ViolationOptions } from '../../peer/peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { EstablishOptions, ServerContext } from '../server-context.ts';

/** The frames that a client sends in an established session. */
export const CLIENT_FRAMES: readonly FrameRow[] = frameRows.filter(
  ({ sender, layer }) => sender !== 'server' && layer !== 'establishment',
);

/** A peer in an established session, and the channel that a frame is to be sent on. */
export interface Ready {
  readonly peer: ClientPeer;
  readonly channel: number;
}

/** A session that outlives its connection, in which the harness acknowledges nothing by itself. */
export const RESUMABLE: EstablishOptions = {
  acknowledge: false,
  connect: { parameters: [{ id: 'session_retention_ms', value: 60_000 }] },
};

/** An established session in which a frame of this type is in order: a channel is open where the frame needs one. */
export async function readyFor(context: ServerContext, row: FrameRow): Promise<Ready> {
  if (row.name === 'ACK') {
    const { peer } = await context.opened('test/echo', RESUMABLE);
    return { peer, channel: 0 };
  }
  if (row.name === 'OUTCOME') {
    const { peer, channel } = await context.opened('test/echo', { more: [{ id: 'outcomes', value: 1 }] });
    peer.sendMessage(channel, context.bytes(3));
    await context.dependency('a message of test/echo', () => peer.expect('MESSAGE', { channel }));
    return { peer, channel };
  }
  if (row.name === 'PROOF') {
    context.need('proof');
    const peer = await context.established();
    const channel = peer.sendOpen('test/prove');
    await context.dependency('PROVE of test/prove', () => peer.expect('PROVE', { channel }));
    return { peer, channel };
  }
  if (row.layer === 'channel' && row.name !== 'OPEN' && row.name !== 'FORWARD') return context.opened('test/echo');
  return { peer: await context.established(), channel: row.layer === 'channel' ? 1 : 0 };
}

/** A frame that the server has no reason to refuse, except that a PONG answers no PING. */
export function rightInput(context: ServerContext, { peer, channel }: Ready, row: FrameRow): FrameInput {
  const base: FrameInput = { channel };
  switch (row.name) {
    case 'PING':
    case 'PONG':
      return { ...base, fields: { data: context.bytes(8) } };
    case 'ACK':
      return { ...base, fields: { receive_cursor: peer.receivedSeq } };
    case 'OUTCOME':
      return { ...base, fields: { last_message: 1, verdict: 0 } };
    case 'CLOSE':
      return {
        ...base,
        flags: ['END_SESSION'],
        fields: { code: 0, receive_cursor: peer.receivedSeq, send_cursor: peer.nextSeq - 1n },
      };
    case 'OPEN':
      return { ...base, fields: { nonce: context.bytes(32), application: 'test/echo', parameters: [] } };
    case 'FORWARD':
      return { ...base, fields: peer.forwardFields('test/echo') };
    case 'PROOF':
      return {
        ...base,
        fields: { chain: context.kit.credential('client').chain, scheme: 0x0403, signature: context.bytes(64) },
      };
    case 'MESSAGE':
      return { ...base, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(8) } };
    case 'CREDIT':
      return { ...base, fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } };
    case 'RESET':
      return { ...base, fields: { code: errorNamed('CANCELLED').code } };
    default:
      return base;
  }
}

/** Prepares a session and sends one frame in it that differs from a right one in what is given. */
export async function sendChanged(
  context: ServerContext,
  row: FrameRow,
  change: (input: FrameInput, ready: Ready) => FrameInput,
): Promise<Ready> {
  const ready = await readyFor(context, row);
  const input = rightInput(context, ready, row);
  ready.peer.send(row.name, { ...input, ...change(input, ready) });
  return ready;
}

/** The flags octet of an input. */
export function flagBits(row: FrameRow, flags: FrameInput['flags']): number {
  if (typeof flags === 'number') return flags;
  return row.flags.reduce((bits, { name, bit }) => (flags?.includes(name) === true ? bits | bit : bits), 0);
}

/**
 * A CONNECT signed over exactly its own octets, however malformed they are, so that a server which overlooks the fault has no
 * other reason to refuse it. A `signature` among the fields stands as it is given.
 */
export function signedConnect(context: ServerContext, peer: ClientPeer, input: FrameInput = {}): Uint8Array {
  const credential = context.kit.credential('client');
  const challenge = peer.challenge?.octets;
  if (challenge === undefined) throw new TypeError('CHALLENGE was not received');
  const unsigned = buildFrame('CONNECT', {
    ...input,
    fields: {
      mode: 'new',
      client_nonce: context.bytes(32),
      audience: context.target.identity,
      scheme: schemeOfKey(credential.key)?.id ?? 0,
      signature: new Uint8Array(sign(credential.key, new Uint8Array(0)).signature.length),
      ...input.fields,
    },
  });
  if (input.fields?.['signature'] !== undefined || input.rawPayload !== undefined) return unsigned;
  const size = sign(credential.key, new Uint8Array(0)).signature.length;
  const at = unsigned.length - (input.trailing?.length ?? 0) - size;
  const exporter = exporterValue(peer.socket, challenge);
  const { leafHash: serverLeaf } = context.kit.credential('server');
  const transcript = concat(exporter, credential.leafHash, serverLeaf, challenge, unsigned.subarray(0, at - 2));
  unsigned.set(sign(credential.key, signedContent('connect', transcript)).signature, at);
  return unsigned;
}

/** Reads CHALLENGE and answers with {@link signedConnect}. */
export async function connectChanged(context: ServerContext, input: FrameInput = {}): Promise<ClientPeer> {
  const peer = await context.challenged();
  peer.connectFrame = signedConnect(context, peer, input);
  peer.sendFrame(peer.connectFrame);
  return peer;
}

/** A parameter list of these parameters, as they stand and in this order. */
export function parameterList(...parameters: readonly ParameterInput[]): RawField {
  return rawList(concat(...parameters.map(buildParameter)));
}

/** A parameter list of any octets. */
export function rawList(octets: Uint8Array): RawField {
  return { octets: concat(integer(octets.length, 2), octets) };
}

/**
 * Demands the answer to an error with exactly its code. For stimuli that the server has to refuse one way or the other, so that
 * only the code tells whether it made the check.
 */
export async function expectExactly(
  peer: ClientPeer,
  code: string,
  requirement: string,
  options: ViolationOptions = {},
): Promise<ReceivedFrame> {
  const answer = await peer.expectViolation(code, { requirement, ...options });
  return answer.requireCode(code, requirement);
}

/** `PING` as `a PING`, `OPEN` as `an OPEN`. */
export function a(name: string): string {
  return /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** The same at the beginning of a sentence. */
export function A(name: string): string {
  return /^[AEIO]/.test(name) ? `An ${name}` : `A ${name}`;
}

/** `0x3f`, with at least `digits` digits. */
export function hex(number: number, digits = 2): string {
  return `0x${number.toString(16).padStart(digits, '0')}`;
}

/** The largest payload that a frame may have, in octets. */
export const MAX_PAYLOAD: number = registry.header.maxPayloadBytes;

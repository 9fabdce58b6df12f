/** Frames of a server that are right in every respect but the one that a case changes, and the demand for an error. */
import type { FrameInput } from '../../model/codec.ts';
import { buildFrame, concat, MAX_U53 } from '../../model/codec.ts';
import type { FrameRow } from '../../model/registry.ts';
import { errorNamed, frameNamed, frameRows } from '../../model/registry.ts';
import { schemeOfKey, sign, signedContent } from '../../model/transcript.ts';
import { exporterValue } from '../../peer/establishment.ts';
import { fail } from '../../peer/failure.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../../testee/connection-under-test.ts';
import type { ClientContext } from '../client-context.ts';

/** The frames that a server sends in an established session. */
export const SESSION_FRAMES: readonly FrameRow[] = frameRows.filter(
  ({ sender, layer }) => sender !== 'client' && layer !== 'establishment',
);

/** The frames that a server sends before the session is established. */
export const EARLY_FRAMES: readonly FrameRow[] = ['CHALLENGE', 'ACCEPT', 'REJECT'].map(frameNamed);

/** A client in the state that a frame belongs into, and the channel that the frame is to be sent on. */
export interface Ready {
  readonly peer: ServerPeer;
  readonly client: ConnectionUnderTest;
  readonly channel: number;
}

/** The states in which a client reads frames. */
export const STATES = ['awaiting-challenge', 'awaiting-accept', 'established'] as const;
export type State = (typeof STATES)[number];

/** How a stimulus begins that happens in a state. */
export const STATE_WORDS: Readonly<Record<State, string>> = {
  'awaiting-challenge': 'Instead of CHALLENGE',
  'awaiting-accept': 'Instead of ACCEPT',
  established: 'In an established session',
};

/** A client in a state, without channels. */
export async function inState(context: ClientContext, state: State): Promise<Ready> {
  const reach = {
    'awaiting-challenge': () => context.connected(),
    'awaiting-accept': () => context.connecting(),
    established: () => context.established(),
  };
  return { ...(await reach[state]()), channel: 0 };
}

/** A client in the state that this frame belongs into: where the frame needs a channel, one is open, or asked for. */
export async function readyFor(context: ClientContext, row: FrameRow): Promise<Ready> {
  if (row.name === 'CHALLENGE') return inState(context, 'awaiting-challenge');
  if (row.layer === 'establishment') return inState(context, 'awaiting-accept');
  if (row.name === 'ACK') return acknowledgeable(context);
  if (row.layer === 'session') return inState(context, 'established');
  if (!['OPENED', 'REFUSED', 'PROVE'].includes(row.name)) return context.opened();
  const met = await context.established();
  return context.dependency('asking for a channel', async () => {
    const channel = await met.client.open('test/echo');
    await met.peer.expect('OPEN', { channel });
    return { ...met, channel };
  });
}

/** A resumable session, if the client can be asked for one, in which a frame of the client can be acknowledged. */
async function acknowledgeable(context: ClientContext): Promise<Ready> {
  const parameters = [{ id: 'session_retention_ms', value: 60_000 }];
  const options = context.has('resumption')
    ? { request: { continuity: { retentionMs: 60_000 } }, accept: { parameters } }
    : {};
  return context.opened('test/echo', options).then((ready) => ({ ...ready, channel: 0 }));
}

/** A frame that the client has no reason to refuse, except that a PONG answers no PING. ACCEPT is made by {@link signedAccept}. */
export function rightInput(context: ClientContext, { peer, channel }: Ready, row: FrameRow): FrameInput {
  const base: FrameInput = { channel };
  switch (row.name) {
    case 'CHALLENGE':
      return { ...base, fields: { server_nonce: context.bytes(32), parameters: [] } };
    case 'REJECT':
      return { ...base, fields: { code: errorNamed('BUSY').code } };
    case 'PING':
    case 'PONG':
      return { ...base, fields: { data: context.bytes(8) } };
    case 'ACK':
      return { ...base, fields: { receive_cursor: peer.receivedSeq } };
    case 'DRAIN':
      return { ...base, fields: { code: errorNamed('SHUTTING_DOWN').code, deadline_ms: 60_000 } };
    case 'OUTCOME':
      return { ...base, fields: { last_message: 1, verdict: 0 } };
    case 'CLOSE':
      return {
        ...base,
        flags: ['END_SESSION'],
        fields: { code: 0, receive_cursor: peer.receivedSeq, send_cursor: peer.nextSeq - 1n },
      };
    case 'OPENED':
      return { ...base, fields: { parameters: [] } };
    case 'PROVE':
      return { ...base, fields: { nonce: context.bytes(32), chain: context.kit.credential('server').chain } };
    case 'REFUSED':
      return { ...base, fields: { code: errorNamed('APPLICATION_REFUSED').code } };
    case 'MESSAGE':
      return { ...base, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(8) } };
    case 'CREDIT':
      return { ...base, fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } };
    case 'RESET':
      return { ...base, fields: { code: errorNamed('APPLICATION_ERROR').code } };
    default:
      return base;
  }
}

/** Brings the client into the right state and sends one frame that differs from a right one in what is given. */
export async function sendChanged(
  context: ClientContext,
  row: FrameRow,
  change: (input: FrameInput, ready: Ready) => FrameInput,
): Promise<Ready> {
  const ready = await readyFor(context, row);
  const { peer } = ready;
  const input = rightInput(context, ready, row);
  if (row.name === 'ACCEPT') {
    peer.acceptFrame = signedAccept(context, peer, change(input, ready));
    peer.sendFrame(peer.acceptFrame);
    return ready;
  }
  const octets = peer.send(row.name, { ...input, ...change(input, ready) });
  if (row.name === 'CHALLENGE') peer.challengeFrame = octets;
  return ready;
}

/**
 * An ACCEPT signed over exactly its own octets, however malformed they are, so that a client which overlooks the fault has no
 * other reason to refuse it. A `signature` among the fields stands as it is given.
 */
export function signedAccept(context: ClientContext, peer: ServerPeer, input: FrameInput = {}): Uint8Array {
  const { key, leafHash: serverLeaf } = context.kit.credential('server');
  const size = sign(key, new Uint8Array(0)).signature.length;
  const unsigned = buildFrame('ACCEPT', {
    ...input,
    fields: {
      session_id: context.bytes(16),
      epoch: 1,
      receive_cursor: 0,
      scheme: schemeOfKey(key)?.id ?? 0,
      signature: new Uint8Array(size),
      ...input.fields,
    },
  });
  if (input.fields?.['signature'] !== undefined || input.rawPayload !== undefined) return unsigned;
  const challenge = peer.challengeFrame;
  const connect = peer.connect?.octets;
  if (challenge === undefined || connect === undefined) throw new TypeError('CHALLENGE or CONNECT is missing');
  const at = unsigned.length - (input.trailing?.length ?? 0) - size;
  const exporter = exporterValue(peer.socket, challenge);
  const { leafHash: clientLeaf } = context.kit.credential('client');
  const transcript = concat(exporter, clientLeaf, serverLeaf, challenge, connect, unsigned.subarray(0, at - 2));
  unsigned.set(sign(key, signedContent('accept', transcript)).signature, at);
  return unsigned;
}

/** Options of {@link expectClose}. */
export interface CloseOptions {
  /** For stimuli that the client has to refuse one way or the other: only the code tells whether it made the check. */
  readonly exact?: true;
  /** As for `expectViolation`. */
  readonly probe?: boolean;
  /** Replaces the step's time limit before ACCEPT. */
  readonly withinMs?: number;
}

/**
 * Demands the answer of a client to an error: CLOSE with the code and the orderly end of the stream. Before ACCEPT, no other frame
 * may come first, and both cursors have to be zero. Another code is noted as lenient unless `exact` is set.
 */
export async function expectClose(
  context: ClientContext,
  peer: ServerPeer,
  code: string,
  requirement: string,
  { exact, probe, withinMs }: CloseOptions = {},
): Promise<ReceivedFrame> {
  const what = `CLOSE(${code})`;
  if (peer.established) {
    const answer = await peer.expectViolation(code, { requirement, ...(probe === undefined ? {} : { probe }) });
    return exact === true ? answer.requireCode(code, requirement) : answer;
  }
  const answer = await peer.next(what, 'CLOSE', { requirement, ...(withinMs === undefined ? {} : { withinMs }) });
  if (answer.name !== 'CLOSE') fail(what, answer.text, requirement);
  if (exact === true) answer.requireCode(code, requirement);
  else if (answer.code !== code) context.lenient.push({ requirement, expected: what, actual: `CLOSE(${answer.code})` });
  for (const cursor of ['receive_cursor', 'send_cursor']) {
    if (answer.integer(cursor) !== 0n) fail('CLOSE with both cursors zero', answer.text, 'EST-027');
  }
  await peer.expectEnd('SES-014');
  return answer;
}

/** The first frame that came in since `from` entries of the log, except those that only keep a session alive. */
export function receivedSince(peer: ServerPeer, from: number): string | undefined {
  return peer.log.entries
    .slice(from)
    .find(
      ({ direction, octets }) =>
        direction === 'received' && octets?.[0] !== frameNamed('PING').type && (octets?.[0] ?? 0) < 0x80,
    )?.text;
}

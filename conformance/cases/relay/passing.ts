/** What goes from one end of a relay to the other, and the demands that many cases have in common. */
import { concat } from '../../model/codec.ts';
import { errorNamed } from '../../model/registry.ts';
import { assertEqual, fail, show } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { RelayCase } from '../case.ts';
import type { Asked, Led } from '../relay-context.ts';
import { receiveMessage } from '../server/message-flow.ts';

/** A case before its file marks it as one for a relay. */
export type Case = Omit<RelayCase, 'role'>;

/** Parameters of OPEN that ask for verdicts. */
export const JUDGED: readonly { readonly id: string; readonly value: number }[] = [{ id: 'outcomes', value: 1 }];

/** Parameters of CONNECT with which the client grants nothing by itself. */
export const NO_CREDIT: readonly { readonly id: string; readonly value: number }[] = [
  { id: 'initial_message_credit', value: 0 },
  { id: 'initial_byte_credit', value: 0 },
];

/** Fails unless the octets are those expected; the first difference is named. */
export function requireSame(what: string, came: Uint8Array, expected: Uint8Array, requirement: string): void {
  if (Buffer.compare(came, expected) === 0) return;
  const at = expected.findIndex((octet, index) => octet !== came[index]);
  const from = at === -1 ? expected.length : at;
  fail(
    `${what} of ${expected.length} octets, ${show(expected.subarray(from))} from octet ${from} on`,
    `${came.length} octets, ${show(came.subarray(from))} from there on`,
    requirement,
  );
}

/** Sends a message from the client and demands it at the application end. */
export async function passesForth(
  { peer, channel, end }: Led,
  message: Uint8Array,
  requirement: string,
): Promise<void> {
  peer.sendMessage(channel, message);
  requireSame('the message', await end.receive(requirement), message, requirement);
}

/** Sends a message from the application end and demands it at the client. */
export async function passesBack({ peer, channel, end }: Led, message: Uint8Array, requirement: string): Promise<void> {
  end.sendMessage(message);
  await requireMessage(peer, channel, message, requirement);
}

/** Demands the next message at the client to be this one. */
export async function requireMessage(
  peer: ClientPeer,
  channel: number,
  message: Uint8Array,
  requirement: string,
): Promise<void> {
  requireSame('the message', await receiveMessage(peer, channel, requirement), message, requirement);
}

/** Messages in both directions: the channel is in use, and nothing else is. */
export async function passesBothWays(led: Led, requirement: string): Promise<void> {
  await passesForth(led, led.peer.random(24), requirement);
  await passesBack(led, led.peer.random(24), requirement);
}

/** Demands REFUSED with a code, and where it is given with a time to wait. */
export async function requireRefused(
  { peer, channel }: Asked,
  code: string,
  requirement: string,
  retryAfterMs?: number,
  withinMs?: number,
): Promise<ReceivedFrame> {
  const frame = await peer.expect('REFUSED', {
    channel,
    requirement,
    ...(withinMs === undefined ? {} : { withinMs }),
  });
  frame.requireCode(code, requirement);
  if (retryAfterMs !== undefined) {
    assertEqual('retry_after_ms', frame.integer('retry_after_ms'), BigInt(retryAfterMs), requirement);
  }
  return frame;
}

/** Demands RESET with a code at the client, and answers it. What was under way before is passed over. */
export async function requireReset(
  { peer, channel }: Pick<Asked, 'peer' | 'channel'>,
  code: string,
  requirement: string,
): Promise<ReceivedFrame> {
  const what = `RESET(${code})`;
  const frame = await peer.expectWhere(what, ({ name }) => name === 'RESET' || name === 'REFUSED', {
    channel,
    requirement,
  });
  if (frame.name !== 'RESET') fail(what, frame.text, requirement);
  frame.requireCode(code, requirement);
  answerReset(peer, channel);
  return frame;
}

/** Answers a RESET that has come to the client. */
export function answerReset(peer: ClientPeer, channel: number): void {
  peer.send('RESET', { channel, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
}

/** Demands that nothing but CREDIT comes on a channel of the client before the answer to a PING. */
export async function requireSilence(
  { peer, channel }: Pick<Asked, 'peer' | 'channel'>,
  requirement: string,
): Promise<void> {
  const frames = await peer.barrier(requirement);
  const frame = frames.find((passed) => passed.channel === channel && passed.name !== 'CREDIT');
  if (frame !== undefined) fail('nothing on the channel of the client', frame.text, requirement);
}

/** Octets that hold every value, so that none is taken for anything else. */
export function everyOctet(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => value);
}

/** So many messages, each with its number. */
export function numbered(count: number, from = 1): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => Uint8Array.from([0, from + index]));
}

/** A message cut into pieces of these sizes; the rest, if any, is the last piece. */
export function divided(message: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at < message.length) pieces.push(message.subarray(at, at + size));
    at += size;
  }
  return at < message.length ? [...pieces, message.subarray(at)] : pieces;
}

/** All of these, one after the other. */
export const joined = (parts: readonly Uint8Array[]): Uint8Array => concat(...parts);

/** Sessions that outlive their connections, and the ways from one connection to the next. */
import type { ParameterInput } from '../../../model/codec.ts';
import { timer } from '../../../model/registry.ts';
import type { ClientPeer, ResumeOptions } from '../../../peer/client-peer.ts';
import { ConformanceFailure, fail } from '../../../peer/failure.ts';
import type { ReceivedFrame } from '../../../peer/received-frame.ts';
import type { AttemptOptions, OpenOptions, ServerContext } from '../../server-context.ts';
import { expectExactly } from '../client-frames.ts';
import { receiveMessage } from '../message-flow.ts';

/** What a case asks for when nothing depends on it: longer than any case. */
export const RETENTION_MS = 60_000;

/** How long an acknowledgement may take, with room for the way. */
export const ACK_MS: number = timer('ack_deadline_ms') + 500;

/** How a case asks for a session that is kept. */
export type KeptOptions = Omit<OpenOptions, 'connect'> & {
  readonly retentionMs?: number;
  readonly deadlineMs?: number;
  /** Parameters of CONNECT with ids below that of the retention. */
  readonly parameters?: readonly ParameterInput[];
};

/** The parameters of a CONNECT that asks for a session that is kept. */
export function asking(options: KeptOptions = {}): readonly ParameterInput[] {
  const { retentionMs = RETENTION_MS, deadlineMs, parameters = [] } = options;
  return [
    ...parameters,
    { id: 'session_retention_ms', value: retentionMs },
    ...(deadlineMs === undefined ? [] : [{ id: 'connection_deadline_ms', value: deadlineMs }]),
  ];
}

/** A resumable session. */
export async function kept(context: ServerContext, options: KeptOptions = {}): Promise<ClientPeer> {
  const { retentionMs: _, deadlineMs: __, parameters: ___, data: ____, more: _____, ...rest } = options;
  const peer = await context.established({ ...rest, connect: { parameters: asking(options) } });
  return context.dependency('a session with retention', () => {
    if (peer.session === undefined) fail('a granted session_retention_ms', peer.accept?.text ?? 'none', 'APP-008');
    return Promise.resolve(peer);
  });
}

/** A resumable session with one channel open. */
export async function keptOpen(
  context: ServerContext,
  application: string,
  options: KeptOptions = {},
): Promise<{ readonly peer: ClientPeer; readonly channel: number }> {
  const peer = await kept(context, options);
  const channel = await context.dependency(`opening ${application}`, () =>
    peer.open(application, options.data, options.more),
  );
  return { peer, channel };
}

/** Attaches the session to a fresh connection. Its failure is one of the case. */
export async function again(
  context: ServerContext,
  former: ClientPeer,
  { connection = {}, ...resume }: ResumeOptions & { readonly connection?: AttemptOptions } = {},
): Promise<ClientPeer> {
  const peer = await context.challenged(connection);
  peer.answerAcks = former.answerAcks;
  await peer.resumeFrom(former, resume);
  return peer;
}

/** Asks to attach the session and demands that it is refused with exactly this code. */
export async function refused(
  context: ServerContext,
  former: ClientPeer,
  code: string,
  requirement: string,
  { connection = {}, ...resume }: ResumeOptions & { readonly connection?: AttemptOptions } = {},
): Promise<ReceivedFrame> {
  const peer = await context.challenged(connection);
  peer.sendResume(former, resume);
  return expectExactly(peer, code, requirement);
}

/** A parameter of REJECT, zero where it is absent. */
export function stated(reject: ReceivedFrame, name: string): number {
  return Number(reject.parameter(name) ?? 0);
}

/** Fails unless REJECT states exactly these numbers. */
export function requireStated(reject: ReceivedFrame, numbers: Readonly<Record<string, number | bigint>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    const requirement = name.startsWith('gap') || reject.code === 'RESUME_GAP' ? 'CNT-026' : 'CNT-036';
    if (stated(reject, name) !== Number(value)) {
      fail(`${name} ${value}`, `${stated(reject, name)} in ${reject.text}`, requirement);
    }
  }
}

/** Sends a message and demands it back. */
export async function requireEcho(
  peer: ClientPeer,
  channel: number,
  message: Uint8Array,
  requirement: string,
): Promise<void> {
  peer.sendMessage(channel, message);
  await requireMessage(peer, channel, message, requirement);
}

/** Demands the next message of a channel to be this one. */
export async function requireMessage(
  peer: ClientPeer,
  channel: number,
  message: Uint8Array,
  requirement: string,
): Promise<void> {
  const echo = await receiveMessage(peer, channel, requirement);
  if (Buffer.compare(echo, message) !== 0) {
    fail(
      `the message ${Buffer.from(message).toString('hex').slice(0, 40)}`,
      Buffer.from(echo).toString('hex'),
      requirement,
    );
  }
}

/** Ends a channel to test/sink and demands what it says to have received. */
export async function requireCount(
  peer: ClientPeer,
  channel: number,
  messages: number,
  octets: number,
  requirement: string,
): Promise<void> {
  peer.send('END', { channel });
  const text = Buffer.from(await receiveMessage(peer, channel, requirement)).toString();
  if (text !== `${messages} ${octets}`) fail(`the count "${messages} ${octets}"`, `"${text}"`, requirement);
  await peer.expect('END', { channel, requirement });
}

/** Waits for time to pass on a connection on which nothing is due; only for cases of time. */
export async function pass(peer: ClientPeer, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) await peer.arrival(end - performance.now());
}

/** A finding about what did not happen. */
export function missing(expected: string, actual: string, requirement: string): never {
  throw new ConformanceFailure({ expected, actual, requirement });
}

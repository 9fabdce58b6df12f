/** Sessions of a client that outlive their connections, and the ways from one connection to the next. */
import type { ParameterInput } from '../../model/codec.ts';
import { errorNamed } from '../../model/registry.ts';
import type { SigningOptions } from '../../peer/establishment.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest, OpenRequest } from '../../testee/connection-under-test.ts';
import { describeEvent } from '../../testee/connection-under-test.ts';
import type { DriverEvent, DriverEventName } from '../../testee/driver-protocol.ts';
import type { ClientContext, GrantOptions, Met } from '../client-context.ts';

/** What a case asks for and grants when nothing depends on it: longer than any case. */
export const RETENTION_MS = 10_000;

/** Bound of the client's first random wait, so that nobody waits for it. */
const BOUND_MS = 5;

/** How a session that is kept comes about; everything absent is right. */
export interface KeptOptions extends GrantOptions, OpenRequest {
  /** What the client asks for, and what the server grants unless `granted` says otherwise. */
  readonly retentionMs?: number;
  readonly deadlineMs?: number;
  readonly granted?: { readonly retentionMs?: number; readonly deadlineMs?: number };
  readonly reconnectBoundMs?: number;
}

/** A session at both its ends. */
export interface Kept extends Met {
  /** The CONNECT of its connection. */
  readonly connect: ReceivedFrame;
}

/** The same, on its way to another connection. */
export interface Coming extends Kept {
  /** The connection that carried it before. */
  readonly former: ServerPeer;
}

/** The parameters of ACCEPT that grant a session. */
export function grants({ retentionMs, deadlineMs }: { retentionMs?: number; deadlineMs?: number }): ParameterInput[] {
  return [
    ...(retentionMs === undefined ? [] : [{ id: 'session_retention_ms', value: retentionMs }]),
    ...(deadlineMs === undefined ? [] : [{ id: 'connection_deadline_ms', value: deadlineMs }]),
  ];
}

/** What the client is asked for and what it is granted. */
export function keeping(options: KeptOptions = {}): GrantOptions & OpenRequest {
  const { retentionMs = RETENTION_MS, deadlineMs, granted, reconnectBoundMs = BOUND_MS, ...rest } = options;
  const deadline = deadlineMs === undefined ? {} : { deadlineMs };
  const parameters = grants(granted ?? { retentionMs, ...deadline });
  return {
    ...rest,
    request: { continuity: { retentionMs, ...deadline, reconnectBoundMs }, ...rest.request },
    accept: { ...rest.accept, parameters: [...(rest.accept?.parameters ?? []), ...parameters] },
  };
}

/** A resumable session. */
export function kept(context: ClientContext, options?: KeptOptions): Promise<Kept> {
  return context.established(keeping(options));
}

/** A resumable session with an open channel. */
export function keptOpen(
  context: ClientContext,
  application = 'test/echo',
  options?: KeptOptions,
): Promise<Kept & { readonly channel: number; readonly open: ReceivedFrame }> {
  return context.opened(application, keeping(options));
}

/**
 * The next connection of the client, on which it has to ask for its session. CONNECT was received; the case goes on with
 * `sendAcceptResume` or `sendReject`.
 */
export async function comes(
  context: ClientContext,
  met: Kept,
  requirement = 'CNT-057',
  withinMs?: number,
): Promise<Coming> {
  const peer = await context.next(met.listener, withinMs);
  peer.answerAcks = met.peer.answerAcks;
  peer.sendChallenge();
  const connect = await peer.expectConnect();
  if (connect.integer('mode') !== 1n) fail('CONNECT in mode resume', connect.text, requirement);
  return { ...met, peer, connect, former: met.peer };
}

/** Demands that the client does not take the server on its next connection. */
export async function expectNotTaken(met: Kept, requirement: string): Promise<void> {
  const attempt = await met.listener.nextAttempt();
  if (attempt.type === 'refused') return;
  const { peer } = attempt;
  peer.sendChallenge();
  const what = 'the end of the connection, or CLOSE(AUTHENTICATION_FAILED)';
  const answer = await peer.nextOrEnd(what);
  if (typeof answer === 'string') return;
  if (answer.name !== 'CLOSE') fail(what, answer.text, requirement);
  answer.requireCode('AUTHENTICATION_FAILED', 'EST-010');
}

/** Grants the resumption that was asked for, and demands that the client reports it. */
export async function attach<Way extends Coming>(coming: Way, options: SigningOptions = {}): Promise<Way> {
  coming.peer.sendAcceptResume(coming.former, options);
  await expectAttached(coming.client);
  return coming;
}

/** Both, for a case that only builds on it that the client comes again. What is sent behind ACCEPT is judged. */
export async function again<Way extends Kept>(
  context: ClientContext,
  met: Way,
  options: SigningOptions = {},
): Promise<Way & Coming> {
  const coming = await context.dependency('a connection that asks for the session', () => comes(context, met));
  return attach({ ...met, ...coming }, options);
}

/** Cuts the connection without a word, and takes the next one. */
export async function cutAndAgain<Way extends Kept>(context: ClientContext, met: Way): Promise<Way & Coming> {
  met.peer.destroy();
  return again(context, met);
}

/** Demands that the client reports its session as attached; that it was detached may be told before. */
export async function expectAttached(client: ConnectionUnderTest, requirement = 'CNT-013'): Promise<void> {
  await expectAfterDetached(client, 'attached', requirement);
}

/** The next event, where the end of a connection may have been told before. */
export async function expectAfterDetached(
  client: ConnectionUnderTest,
  name: DriverEventName,
  requirement: string,
): Promise<DriverEvent> {
  for (;;) {
    const event = await client.nextEvent(`the event ${name} of the client`, requirement);
    if (event.event === name) return event;
    if (event.event !== 'detached') fail(`the event ${name} of the client`, describeEvent(event), requirement);
  }
}

/** The last event of a session that is over; what came before it is passed over. */
export async function expectOver(client: ConnectionUnderTest, requirement: string): Promise<DriverEvent> {
  for (;;) {
    const event = await client.nextEvent('the end of the session', requirement);
    if (['closed', 'failed', 'rejected'].includes(event.event)) return event;
    if (event.event === 'attached') fail('the end of the session', describeEvent(event), requirement);
  }
}

/** Demands that the session is over, and that no further connection has come since so many. */
export async function expectGivenUp(met: Kept, connections: number, requirement: string): Promise<DriverEvent> {
  const event = await expectOver(met.client, requirement);
  assertEqual('connections of the client', met.listener.connections, connections, requirement);
  return event;
}

/** Demands the CLOSE of an error that the client finds before it has verified ACCEPT. */
export async function expectRefusedAccept(peer: ServerPeer, code: string, requirement: string): Promise<void> {
  const close = await peer.expectViolation(code, { requirement, probe: false });
  if (!close.has('END_SESSION')) fail(`CLOSE(${code}) with END_SESSION`, close.text, 'SES-017');
}

/** Has the client send messages and takes them, with the frames that they came in. */
export async function sendAndTake(
  { peer, client, channel }: { peer: ServerPeer; client: ConnectionUnderTest; channel: number },
  messages: readonly Uint8Array[],
): Promise<readonly ReceivedFrame[]> {
  for (const message of messages) client.send(channel, message);
  const frames: ReceivedFrame[] = [];
  for (let complete = 0; complete < messages.length;) {
    const frame = await peer.expect('MESSAGE', { channel });
    frames.push(frame);
    if (frame.has('LAST')) complete += 1;
  }
  return frames;
}

/** Demands that frames come as they came before: the same numbers and the same octets, in the same order. */
export async function expectSame(
  peer: ServerPeer,
  frames: readonly ReceivedFrame[],
  requirement = 'CNT-030',
): Promise<void> {
  for (const before of frames) {
    const frame = await peer.expect(before.name, { requirement });
    if (!Buffer.from(frame.octets).equals(before.octets)) {
      fail(`the same frame as before: ${before.text}`, frame.text, requirement);
    }
  }
}

/** Demands the next message of the client's application to be this one. */
export async function expectDelivered(
  client: ConnectionUnderTest,
  message: Uint8Array,
  requirement: string,
): Promise<void> {
  const event = await client.expectEvent('message', requirement);
  assertEqual('the message', event.message, Buffer.from(message).toString('base64'), requirement);
}

/** Waits until the driver has taken every request so far: it answers them in order. */
export async function taken(client: ConnectionUnderTest): Promise<void> {
  await client.ask({ do: 'describe', protocol: 1 });
}

/** The number of an error. */
export function codeOf(name: string): number {
  return errorNamed(name).code;
}

/** Messages of one octet each: 1, 2, 3 and so on. */
export function small(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => Uint8Array.of(index + 1));
}

/** Sends messages to the client, each in one frame. */
export function deliver(peer: ServerPeer, channel: number, messages: readonly Uint8Array[]): void {
  for (const message of messages) peer.sendMessage(channel, message);
}

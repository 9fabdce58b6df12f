/** Channels of a client on which the harness, as an application end or as the relay in front of one, asks for proof. */
import { errorNamed } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ProveOptions } from '../../peer/proof.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest, OpenRequest } from '../../testee/connection-under-test.ts';
import { describeEvent } from '../../testee/connection-under-test.ts';
import type { ClientContext, GrantOptions, Met } from '../client-context.ts';

/** A channel whose OPEN has come and was not answered. */
export interface Asked extends Met {
  readonly channel: number;
  readonly open: ReceivedFrame;
}

/** The feature of a case in which the client's configuration says something about an application. */
export const CONFIGURED: readonly string[] = ['proof'];

/** What the harness presents in PROVE as an application end behind a relay. */
export const APPLICATION = 'servers/application';

/** Asks for a channel in a session that exists. */
export async function open<M extends Met>(met: M, request: OpenRequest = {}): Promise<M & Asked> {
  const channel = await met.client.open('test/echo', request);
  return { ...met, channel, open: await met.peer.expect('OPEN', { channel }) };
}

/** A session with a channel that was asked for. */
export async function asked(
  context: ClientContext,
  { session = {}, ...request }: OpenRequest & { readonly session?: GrantOptions } = {},
): Promise<Asked> {
  const met = await context.established(session);
  return context.dependency('OPEN', () => open(met, request));
}

/** A session with a channel whose PROOF has come. */
export async function proved(
  context: ClientContext,
  { prove, ...options }: OpenRequest & { readonly session?: GrantOptions; readonly prove?: ProveOptions } = {},
): Promise<Asked & { readonly proof: ReceivedFrame }> {
  const met = await asked(context, options);
  met.peer.sendProve(met.channel, prove);
  return { ...met, proof: await context.dependency('PROOF', () => met.peer.expectProof(met.channel)) };
}

/** Demands RESET(PROOF_INVALID), that the channel is not reported as open, and that the session goes on. */
export async function requireAbandoned(
  { peer, client, channel }: Pick<Asked, 'peer' | 'client' | 'channel'>,
  requirement: string,
): Promise<void> {
  const reset = await peer.expect('RESET', { channel, requirement });
  reset.requireCode('PROOF_INVALID', requirement);
  peer.send('RESET', { channel, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
  const late = (await peer.barrier('CHN-030')).find((frame) => frame.channel === channel);
  if (late !== undefined) fail('nothing more on the channel', late.text, 'CHN-030');
  const opened = client.pendingEvents.find(({ event }) => event === 'opened');
  if (opened !== undefined) fail('no report of an open channel', describeEvent(opened), requirement);
}

/** Demands that the client takes the channel for open, and sends on it. */
export async function requireOpen(
  {
    peer,
    client,
    channel,
  }: { readonly peer: ServerPeer; readonly client: ConnectionUnderTest; readonly channel: number },
  requirement: string,
): Promise<void> {
  await client.expectEvent('opened', requirement);
  client.send(channel, Uint8Array.of(1, 2, 3));
  await peer.expect('MESSAGE', { channel, requirement });
}

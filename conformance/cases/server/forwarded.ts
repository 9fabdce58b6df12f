/** The harness as a relay: sessions in which it may send FORWARD, and what the application end is told. */
import { registry } from '../../model/registry.ts';
import type { ClientPeer, ForwardOptions } from '../../peer/client-peer.ts';
import { assertEqual } from '../../peer/failure.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { EstablishOptions, ServerContext } from '../server-context.ts';
import { receiveMessage } from './message-flow.ts';

/** A peer and the channel that it has asked for. */
export interface Forwarded {
  readonly peer: ClientPeer;
  readonly channel: number;
}

/** What the harness presents as a relay, unless a case needs another one. */
export const RELAY = 'clients/relay';

/** The features of a case that needs FORWARD to be taken. */
export const FORWARD: readonly string[] = ['forward'];

/** A session in which FORWARD may be sent. */
export function relaying(context: ServerContext, options: EstablishOptions = {}): Promise<ClientPeer> {
  return context.established({ as: RELAY, ...options });
}

/** A session in which a FORWARD has been sent and is not answered yet. */
export async function forwarding(
  context: ServerContext,
  application: string,
  { connection = {}, ...forward }: ForwardOptions & { readonly connection?: EstablishOptions } = {},
): Promise<Forwarded> {
  const peer = await relaying(context, connection);
  return { peer, channel: peer.sendForward(application, forward) };
}

/** The same with the channel open. Its refusal fails the case. */
export async function forwarded(
  context: ServerContext,
  application: string,
  options: ForwardOptions & { readonly connection?: EstablishOptions; readonly requirement?: string } = {},
): Promise<Forwarded & { readonly opened: ReceivedFrame }> {
  const { requirement = 'RLY-013', ...rest } = options;
  const { peer, channel } = await forwarding(context, application, rest);
  const opened = await peer.expect('OPENED', { channel, requirement });
  return { peer, channel, opened };
}

/** Demands REFUSED with exactly this code, and that the session goes on. */
export async function requireRefused(
  peer: ClientPeer,
  channel: number,
  code: string,
  requirement: string,
): Promise<ReceivedFrame> {
  const refused = await peer.expect('REFUSED', { channel, requirement });
  refused.requireCode(code, requirement);
  await peer.barrier(requirement);
  return refused;
}

/** Demands one message with this text, and END. */
export async function requireTold({ peer, channel }: Forwarded, text: string, requirement: string): Promise<void> {
  const told = Buffer.from(await receiveMessage(peer, channel, requirement)).toString();
  assertEqual('what the application end was told:', told, text, requirement);
  await peer.expect('END', { channel, requirement: 'APP-001' });
}

/** A text of so many octets that is a valid identity. */
export const identityOf = (octets: number): string => `spiffe://hawser.test/${'c'.repeat(octets)}`.slice(0, octets);

/** The largest number of values in `route`. */
export const MAX_ROUTE: number =
  registry.frames.find(({ name }) => name === 'FORWARD')?.fields.find(({ name }) => name === 'route')?.max ?? 0;

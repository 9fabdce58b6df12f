/** Channels to test/prove, and the answers that a PROOF gets. */
import type { ParameterInput } from '../../model/codec.ts';
import type { ClientPeer, ForwardOptions } from '../../peer/client-peer.ts';
import type { ProofOptions } from '../../peer/proof.ts';
import { chainOf, requireSignedOpened } from '../../peer/proof.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { EstablishOptions, ServerContext } from '../server-context.ts';
import { requireEcho } from './continuity/sessions.ts';
import { relaying, requireRefused } from './forwarded.ts';

/** A channel on which PROVE has come. */
export interface Proving {
  readonly peer: ClientPeer;
  readonly channel: number;
  readonly prove: ReceivedFrame;
}

/** The features of a case in which an application end asks for proof. */
export const PROOF: readonly string[] = ['proof'];
/** The same behind a relay. */
export const FORWARDED_PROOF: readonly string[] = ['forward', 'proof'];

/** How a case asks for a channel to test/prove. */
export interface AskOptions {
  readonly data?: Uint8Array;
  readonly more?: readonly ParameterInput[];
}

/** Asks for a channel to test/prove in a session that exists. PROVE has to come. */
export async function ask(peer: ClientPeer, { data, more }: AskOptions = {}): Promise<Proving> {
  const channel = peer.sendOpen('test/prove', data, more);
  return { peer, channel, prove: await peer.expect('PROVE', { channel, requirement: 'APP-001' }) };
}

/** A channel to test/prove on which PROVE has come. */
export function proving(context: ServerContext, options: EstablishOptions & AskOptions = {}): Promise<Proving> {
  const { data, more, ...connection } = options;
  const asked: AskOptions = { ...(data === undefined ? {} : { data }), ...(more === undefined ? {} : { more }) };
  return context.dependency('PROVE of test/prove', async () => ask(await context.established(connection), asked));
}

/** The same, asked for by a relay for the client of the kit. */
export function forwardedProving(context: ServerContext, options: ForwardOptions = {}): Promise<Proving> {
  return context.dependency('PROVE of test/prove', async () => {
    const peer = await relaying(context);
    const client = context.kit.index.clientIdentity;
    const channel = peer.sendForward('test/prove', { client, ...options });
    return { peer, channel, prove: await peer.expect('PROVE', { channel, requirement: 'APP-001' }) };
  });
}

/** Sends PROOF and demands an OPENED that is signed by the leaf in PROVE, and that the application works. */
export async function requireOpened(
  context: ServerContext,
  { peer, channel, prove }: Proving,
  options: ProofOptions = {},
): Promise<ReceivedFrame> {
  peer.sendProof(channel, options);
  const opened = await peer.expect('OPENED', { channel, requirement: 'RLY-043' });
  requireSignedOpened(opened, chainOf(prove)[0], peer.proofs.of(channel));
  await requireEcho(peer, channel, context.bytes(11), 'APP-001');
  return opened;
}

/** Sends PROOF and demands that the channel is refused because of it. */
export async function requireNotProved(
  { peer, channel }: Proving,
  options: ProofOptions = {},
  requirement = 'RLY-044',
): Promise<void> {
  peer.sendProof(channel, options);
  await requireRefused(peer, channel, 'PROOF_INVALID', requirement);
}

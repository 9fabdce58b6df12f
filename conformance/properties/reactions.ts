import { concat, decodeHeader } from '../model/codec.ts';
import type { Reaction } from '../model/machine.ts';
import { frameNamed } from '../model/registry.ts';
import { fail } from '../peer/failure.ts';
import type { Peer } from '../peer/peer.ts';

/** Demands what the model predicts for a frame that was sent in an established session. */
export async function requireReaction(peer: Peer, frame: Uint8Array, reaction: Reaction): Promise<void> {
  const { type } = decodeHeader(frame) ?? { type: 0 };
  if ('error' in reaction) {
    // Behind a frame that announces too much, or a CLOSE, there is no place for a PING.
    const probe = type !== frameNamed('CLOSE').type && reaction.error !== 'FRAME_TOO_LARGE';
    await peer.expectViolation(reaction.error, { requirement: reaction.requirement, probe });
  } else if (reaction.next === 'closed') {
    const close = await peer.expectWhere('CLOSE(NO_ERROR)', ({ name }) => name === 'CLOSE', { requirement: 'SES-012' });
    close.requireCode('NO_ERROR', 'SES-012');
    await peer.expectEnd('SES-012');
  } else {
    await peer.barrier('WIR-027');
  }
}

/** Reads one whole message from a channel. */
export async function readMessage(peer: Peer, channel: number, requirement: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const frame = await peer.expect('MESSAGE', { channel, requirement });
    if (frame.has('FIRST') !== (pieces.length === 0)) fail('FIRST on the first fragment alone', frame.text, 'CHN-012');
    pieces.push(frame.bytes('fragment'));
    if (frame.has('LAST')) return concat(...pieces);
  }
}

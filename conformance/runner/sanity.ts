import { equal } from '../model/codec.ts';
import { ClientContext } from '../cases/client-context.ts';
import { ServerContext } from '../cases/server-context.ts';
import { fail } from '../peer/failure.ts';

/**
 * A known-good exchange: a session, a message and its echo or a PING and its PONG, and an orderly end. What a good peer gets
 * before and after a bad one.
 */
export async function knownGoodExchange(context: ServerContext | ClientContext): Promise<void> {
  if (context instanceof ServerContext) {
    const peer = await context.connect();
    await peer.establish();
    const channel = await peer.open('test/echo');
    const message = context.bytes(32);
    peer.sendMessage(channel, message);
    const echo = await peer.expect('MESSAGE', { channel });
    if (!equal(echo.bytes('fragment'), message)) fail('the message that was sent', 'another one', 'APP-001');
    await peer.close();
  } else {
    const { peer, client } = await context.connected();
    await peer.establish();
    await client.expectEvent('established');
    await peer.barrier();
    await peer.close();
    await client.expectEvent('closed');
  }
}

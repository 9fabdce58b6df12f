import { equal } from '../model/codec.ts';
import { ClientContext } from '../cases/client-context.ts';
import { RelayContext, SHARED_APPLICATION } from '../cases/relay-context.ts';
import { ServerContext } from '../cases/server-context.ts';
import { fail } from '../peer/failure.ts';

/** What has to go well for an implementation to count as alive. */
export type SanityExchange = (context: ServerContext | ClientContext) => Promise<void>;

/** A session and nothing in it: for an implementation that fails in a plain exchange, but not in establishing. */
export async function sessionAlone(context: ServerContext | ClientContext): Promise<void> {
  if (context instanceof ServerContext) {
    const peer = await context.connect();
    await peer.establish();
  } else {
    const { peer, client } = await context.connected();
    await peer.establish();
    await client.expectEvent('established');
  }
}

/**
 * A known-good exchange: a session, a message and its echo or a PING and its PONG, and an orderly end. What a good peer gets
 * before and after a bad one.
 */
export async function knownGoodExchange(context: ServerContext | ClientContext): Promise<void> {
  if (context instanceof RelayContext) {
    await throughTheRelay(context);
  } else if (context instanceof ServerContext) {
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

/** A message to an application end and another one back, over the trunk that all cases share. */
async function throughTheRelay(context: RelayContext): Promise<void> {
  const peer = await context.connect();
  await peer.establish();
  const asked = context.ask(peer, SHARED_APPLICATION);
  const end = await context.endOf(asked);
  end.sendOpened();
  await peer.expect('OPENED', { channel: asked.channel });
  const message = context.bytes(32);
  peer.sendMessage(asked.channel, message);
  if (!equal(await end.receive(), message)) fail('the message that was sent', 'another one', 'RLY-016');
  end.sendMessage(message);
  const back = await peer.expect('MESSAGE', { channel: asked.channel });
  if (!equal(back.bytes('fragment'), message)) fail('the message that was sent', 'another one', 'RLY-016');
  await peer.close();
}

import fc from 'fast-check';
import type { ClientContext } from '../cases/client-context.ts';
import { equal } from '../model/codec.ts';
import { assertEqual, fail } from '../peer/failure.ts';
import type { ServerPeer } from '../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../testee/connection-under-test.ts';
import type { MessagePlan } from './arbitraries.ts';
import { fragmentsOf, messagePlans } from './arbitraries.ts';
import { readMessage } from './reactions.ts';

/** One thing that the client is asked to do, or that the server does; `channel` picks among the open ones. */
export type ClientCommand =
  | { readonly type: 'open'; readonly refuse: boolean; readonly prove: boolean }
  | { readonly type: 'send'; readonly channel: number; readonly octets: Uint8Array }
  | { readonly type: 'deliver'; readonly channel: number; readonly message: MessagePlan }
  | { readonly type: 'end'; readonly channel: number; readonly first: 'client' | 'server' }
  | { readonly type: 'reset'; readonly channel: number; readonly by: 'client' | 'server' }
  | { readonly type: 'ping' };

/** Sequences of commands; those that are not possible where they stand are passed over. */
export function clientCommands(): fc.Arbitrary<readonly ClientCommand[]> {
  const channel = fc.nat({ max: 7 });
  const side = fc.constantFrom('client' as const, 'server' as const);
  return fc.array(
    fc.oneof<fc.Arbitrary<ClientCommand>[]>(
      fc.record({ type: fc.constant('open' as const), refuse: fc.boolean(), prove: fc.boolean() }),
      fc.record({ type: fc.constant('send' as const), channel, octets: fc.uint8Array({ maxLength: 300 }) }),
      fc.record({ type: fc.constant('deliver' as const), channel, message: messagePlans() }),
      fc.record({ type: fc.constant('end' as const), channel, first: side }),
      fc.record({ type: fc.constant('reset' as const), channel, by: side }),
      fc.constant({ type: 'ping' as const }),
    ),
    { minLength: 1, maxLength: 24 },
  );
}

interface Session {
  readonly peer: ServerPeer;
  readonly client: ConnectionUnderTest;
  /** Numbers of the channels in use. */
  readonly open: number[];
}

/** Carries out the commands and demands, on the wire and in events, what each leads to. */
export async function runClientSequence(context: ClientContext, commands: readonly ClientCommand[]): Promise<void> {
  const { peer, client } = await context.established();
  const session: Session = { peer, client, open: [] };
  for (const command of commands) {
    if (command.type === 'ping') {
      await peer.barrier('SES-004');
    } else if (command.type === 'open') {
      if (session.open.length < 8) await carryOutOpen(session, command);
    } else {
      const channel = session.open[command.channel % Math.max(1, session.open.length)];
      if (channel !== undefined) await carryOut(session, channel, command);
    }
  }
  await peer.barrier('CHN-032');
  await peer.close();
  await client.expectEvent('closed', 'SES-012');
}

async function carryOutOpen(
  { peer, client, open }: Session,
  { refuse, prove }: Extract<ClientCommand, { type: 'open' }>,
): Promise<void> {
  const channel = await client.open('test/echo');
  await peer.expect('OPEN', { channel, requirement: 'CHN-001' });
  if (prove) {
    peer.sendProve(channel);
    await peer.expectProof(channel);
  }
  if (refuse) {
    peer.send('REFUSED', { channel, fields: { code: 0x0401 } });
    assertEqual('code', (await client.expectEvent('refused', 'CHN-003')).code, 0x0401, 'CHN-003');
  } else {
    if (prove) peer.sendSignedOpened(channel);
    else peer.sendOpened(channel);
    assertEqual('channel', (await client.expectEvent('opened', 'CHN-003')).channel, channel, 'CHN-003');
    open.push(channel);
  }
}

async function carryOut(
  session: Session,
  channel: number,
  command: Exclude<ClientCommand, { type: 'open' | 'ping' }>,
): Promise<void> {
  const { peer, client, open } = session;
  switch (command.type) {
    case 'send': {
      client.send(channel, command.octets);
      const message = await readMessage(peer, channel, 'CHN-015');
      if (!equal(message, command.octets)) fail('the message that was asked for', 'another one', 'CHN-015');
      break;
    }
    case 'deliver': {
      for (const { flags, fragment } of fragmentsOf(command.message)) {
        peer.send('MESSAGE', { channel, flags, fields: { fragment } });
      }
      const event = await client.expectEvent('message', 'CHN-015');
      assertEqual('channel', event.channel, channel, 'CHN-015');
      assertEqual('message', event.message, Buffer.from(command.message.octets).toString('base64'), 'CHN-015');
      break;
    }
    case 'end':
      for (const side of command.first === 'client' ? ['client', 'server'] : ['server', 'client']) {
        if (side === 'client') {
          await client.end(channel);
          await peer.expect('END', { channel, requirement: 'CHN-003' });
        } else {
          peer.send('END', { channel });
          assertEqual('channel', (await client.expectEvent('ended', 'CHN-003')).channel, channel, 'CHN-003');
        }
      }
      open.splice(open.indexOf(channel), 1);
      break;
    case 'reset':
      if (command.by === 'client') {
        await client.reset(channel);
        (await peer.expect('RESET', { channel, requirement: 'CHN-029' })).requireCode('CANCELLED', 'CHN-029');
        peer.send('RESET', { channel, fields: { code: 0x0405 } });
      } else {
        peer.send('RESET', { channel, fields: { code: 0x0404 } });
        const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
        answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
        assertEqual('channel', (await client.expectEvent('reset', 'CHN-029')).channel, channel, 'CHN-029');
      }
      open.splice(open.indexOf(channel), 1);
      break;
  }
}

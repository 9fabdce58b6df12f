import { equal } from '../../model/codec.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';

/** Chapter 6, for a client. */
export const channels: readonly ClientCase[] = clientCases([
  {
    id: 'CHN-001/numbers',
    requirements: ['CHN-001', 'CHN-004'],
    title: 'channels are numbered 1, 2, 3',
    stimulus: 'The client is asked to open three channels.',
    expectation: 'Three OPENs arrive for channels 1, 2 and 3, each with a nonce of its own.',
    run: async (context) => {
      const { peer, client } = await context.established();
      const nonces: Uint8Array[] = [];
      for (const channel of [1, 2, 3]) {
        await client.open('test/echo');
        const open = await peer.expect('OPEN', { requirement: 'CHN-001' });
        assertEqual('channel', open.channel, channel, 'CHN-001');
        const nonce = open.bytes('nonce');
        if (nonces.some((earlier) => equal(earlier, nonce))) fail('a fresh nonce', 'an earlier one', 'CHN-004');
        nonces.push(nonce);
      }
    },
  },
  {
    id: 'CHN-010/before-opened',
    requirements: ['CHN-010'],
    title: 'no message before OPENED',
    stimulus: 'The client is asked to open a channel and to send a message on it; the server waits with OPENED.',
    expectation: 'The message arrives only after OPENED.',
    run: async (context) => {
      const { peer, client } = await context.established();
      const channel = await client.open('test/echo');
      await peer.expect('OPEN', { channel });
      client.send(channel, context.bytes(8));
      const early = (await peer.barrier()).find((frame) => frame.name === 'MESSAGE');
      if (early !== undefined) fail('no MESSAGE before OPENED', early.text, 'CHN-010');
      peer.sendOpened(channel);
      await client.expectEvent('opened');
    },
  },
  {
    id: 'CHN-015/client-delivers',
    requirements: ['CHN-015', 'CHN-016'],
    title: 'a message in fragments is delivered whole',
    stimulus: 'The server sends one message in three fragments.',
    expectation: 'The client delivers one message with the same octets.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const message = context.bytes(30);
      const flags = [['FIRST'], [], ['LAST']];
      flags.forEach((set, at) => {
        peer.send('MESSAGE', { channel, flags: set, fields: { fragment: message.subarray(10 * at, 10 * at + 10) } });
      });
      const event = await client.expectEvent('message', 'CHN-015');
      assertEqual('message', event.message, Buffer.from(message).toString('base64'), 'CHN-015');
    },
  },
  {
    id: 'CHN-020/keeps-to-credit',
    requirements: ['CHN-020'],
    title: 'the client keeps to its credit',
    stimulus:
      'The server grants two messages per channel; the client is asked to send four, and later gets credit for them.',
    expectation: 'Two messages arrive, then nothing; after CREDIT the other two.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 2 }];
      const { peer, client, channel } = await context.opened('test/sink', { accept: { parameters } });
      for (let message = 0; message < 4; message += 1) client.send(channel, context.bytes(4));
      for (let message = 0; message < 2; message += 1)
        await peer.expect('MESSAGE', { channel, requirement: 'CHN-020' });
      const early = (await peer.barrier()).find((frame) => frame.name === 'MESSAGE');
      if (early !== undefined) fail('no MESSAGE beyond the credit', early.text, 'CHN-020');
      peer.send('CREDIT', { channel, fields: { message_limit: 4, byte_limit: 1_048_576 } });
      for (let message = 0; message < 2; message += 1)
        await peer.expect('MESSAGE', { channel, requirement: 'CHN-020' });
    },
  },
  {
    id: 'CHN-029/client-answers',
    requirements: ['CHN-029'],
    title: 'RESET is answered',
    stimulus: 'The server resets an open channel.',
    expectation: 'RESET(CHANNEL_CLOSED) arrives, the client reports the reset, and the session goes on.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      peer.send('RESET', { channel, fields: { code: 0x0404 } });
      const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      const event = await client.expectEvent('reset', 'CHN-029');
      assertEqual('code', event.code, 0x0404, 'CHN-029');
      await peer.barrier('CHN-032');
    },
  },
]);

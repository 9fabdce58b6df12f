import { concat, equal } from '../../model/codec.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** Chapter 6, for a server. */
export const channels: readonly ServerCase[] = serverCases([
  {
    id: 'CHN-002/skipped-number',
    requirements: ['CHN-002'],
    title: 'a skipped channel number is refused',
    stimulus: 'The first OPEN of a session is for channel 2.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.nextChannel = 2;
      peer.sendOpen('test/echo');
      await peer.expectViolation('CHANNEL_INVALID', { requirement: 'CHN-002' });
    },
  },
  {
    id: 'CHN-003/message-on-idle',
    requirements: ['CHN-003'],
    title: 'a message on a channel that was never opened is refused',
    stimulus: 'A MESSAGE arrives on channel 1 before any OPEN.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.sendMessage(1, context.bytes(4));
      await peer.expectViolation('CHANNEL_INVALID', { requirement: 'CHN-003' });
    },
  },
  {
    id: 'CHN-007/unknown-application',
    requirements: ['CHN-007', 'CHN-005'],
    title: 'an unknown application is refused',
    stimulus: 'The client opens an application that does not exist.',
    expectation: 'REFUSED(APPLICATION_REFUSED) arrives, and the session goes on.',
    run: async (context) => {
      const peer = await context.established();
      const channel = peer.sendOpen('no/such/application');
      const refused = await peer.expect('REFUSED', { channel, requirement: 'CHN-007' });
      refused.requireCode('APPLICATION_REFUSED', 'CHN-007');
      await peer.barrier('CHN-032');
    },
  },
  {
    id: 'CHN-013/second-first',
    requirements: ['CHN-013'],
    title: 'a message that begins inside another is refused',
    stimulus: 'A first fragment is followed by another first fragment on the same channel.',
    expectation: 'The server answers with CLOSE(FRAGMENT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      for (let time = 0; time < 2; time += 1) {
        peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: context.bytes(4) } });
      }
      await peer.expectViolation('FRAGMENT_INVALID', { requirement: 'CHN-013' });
    },
  },
  {
    id: 'CHN-015/fragments',
    requirements: ['CHN-015', 'CHN-016'],
    title: 'fragments make one message',
    stimulus: 'One message is sent to test/echo in three fragments.',
    expectation: 'One message with the same octets comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const parts = [context.bytes(5), context.bytes(1), context.bytes(300)];
      const flags = [['FIRST'], [], ['LAST']];
      parts.forEach((fragment, at) => peer.send('MESSAGE', { channel, flags: flags[at] ?? [], fields: { fragment } }));
      const echo: Uint8Array[] = [];
      for (let last = false; !last;) {
        const frame = await peer.expect('MESSAGE', { channel, requirement: 'CHN-015' });
        echo.push(frame.bytes('fragment'));
        last = frame.has('LAST');
      }
      if (!equal(concat(...echo), concat(...parts))) fail('the message that was sent', 'another one', 'CHN-015');
    },
  },
  {
    id: 'CHN-021/messages',
    requirements: ['CHN-021'],
    title: 'a message beyond the credit is refused',
    stimulus:
      'The client opens test/hold, which never grants more, and begins one message more than its credit allows.',
    expectation: 'The server answers with CLOSE(CREDIT_EXCEEDED).',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      const granted = peer.serverParameter('initial_message_credit');
      const message = (): Uint8Array =>
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: new Uint8Array(0) } });
      peer.sendTogether(Array.from({ length: granted }, message));
      await context.dependency('using up the credit', () => peer.barrier());
      peer.sendFrame(message());
      await peer.expectViolation('CREDIT_EXCEEDED', { requirement: 'CHN-021' });
    },
  },
  {
    id: 'CHN-022/lower',
    requirements: ['CHN-022'],
    title: 'a CREDIT that takes back is refused',
    stimulus: 'The client grants less on a channel than it has granted before.',
    expectation: 'The server answers with CLOSE(CREDIT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('CREDIT', { channel, fields: { message_limit: 1, byte_limit: 1 } });
      await peer.expectViolation('CREDIT_INVALID', { requirement: 'CHN-022' });
    },
  },
  {
    id: 'CHN-029/answered',
    requirements: ['CHN-029'],
    title: 'RESET is answered',
    stimulus: 'The client resets an open channel.',
    expectation: 'RESET(CHANNEL_CLOSED) arrives on the channel, nothing else, and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('RESET', { channel, fields: { code: 0x0403 } });
      const answer = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      const others = await peer.barrier('CHN-032');
      const [frame] = others.filter((other) => other.channel === channel);
      if (frame !== undefined) fail('nothing on the channel after its RESET', frame.text, 'CHN-029');
    },
  },
]);

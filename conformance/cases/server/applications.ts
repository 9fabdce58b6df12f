import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** The bounds of annex A on what a server in test mode declares. */
const BOUNDS = [
  { name: 'liveness_interval_ms', atMost: 2000 },
  { name: 'max_channels', atLeast: 8 },
  { name: 'initial_message_credit', atLeast: 16 },
  { name: 'initial_byte_credit', atLeast: 65_536 },
  { name: 'max_message_bytes', atLeast: 262_144 },
] as const;

/** Annex A: the applications of test mode. */
export const applications: readonly ServerCase[] = serverCases([
  {
    id: 'APP-005/declared',
    requirements: ['APP-005'],
    title: 'test mode declares values within its bounds',
    stimulus: 'A client establishes a session.',
    expectation: 'CHALLENGE and ACCEPT declare what annex A demands of test mode.',
    run: async (context) => {
      const peer = await context.established();
      for (const bound of BOUNDS) {
        const value = peer.serverParameter(bound.name);
        if ('atMost' in bound && value > bound.atMost) {
          fail(`${bound.name} of at most ${bound.atMost}`, String(value), 'APP-005');
        }
        if ('atLeast' in bound && value < bound.atLeast) {
          fail(`${bound.name} of at least ${bound.atLeast}`, String(value), 'APP-005');
        }
      }
    },
  },
  {
    id: 'APP-001/sink',
    requirements: ['APP-001'],
    title: 'test/sink counts',
    stimulus: 'Three messages of 10, 0 and 20 octets are sent to test/sink, then END.',
    expectation: 'One message, "3 30", and END arrive.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      for (const size of [10, 0, 20]) peer.sendMessage(channel, context.bytes(size));
      peer.send('END', { channel });
      const count = await peer.expect('MESSAGE', { channel, requirement: 'APP-001' });
      const text = Buffer.from(count.bytes('fragment')).toString();
      if (text !== '3 30') fail('the message "3 30"', `"${text}"`, 'APP-001');
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
  {
    id: 'APP-001/identity',
    requirements: ['APP-001', 'CHN-006'],
    title: 'test/identity knows the client',
    stimulus: 'The second client of the kit opens test/identity.',
    expectation: 'One message, the identity in its certificate, and END arrive.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/identity', { as: 'client-2' });
      const message = await peer.expect('MESSAGE', { channel, requirement: 'CHN-006' });
      const text = Buffer.from(message.bytes('fragment')).toString();
      const identity = context.kit.index.secondClientIdentity;
      if (text !== identity) fail(`the identity "${identity}"`, `"${text}"`, 'CHN-006');
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
]);

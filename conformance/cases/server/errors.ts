import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** Chapter 7, for a server. */
export const errors: readonly ServerCase[] = serverCases([
  {
    id: 'ERR-002/unknown-in-reset',
    requirements: ['ERR-002', 'ERR-003'],
    title: 'a RESET with an unknown code is a RESET',
    stimulus: 'The client resets a channel with the code 0x7777, which is not defined.',
    expectation: 'RESET(CHANNEL_CLOSED) arrives, and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('RESET', { channel, fields: { code: 0x7777 } });
      const answer = await peer.expect('RESET', { channel, requirement: 'ERR-002' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      await peer.barrier('ERR-003');
    },
  },
]);

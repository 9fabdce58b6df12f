import { equal } from '../../model/codec.ts';
import { fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';

/** Chapter 5, for a client. */
export const session: readonly ClientCase[] = clientCases([
  {
    id: 'SES-004/client-order',
    requirements: ['SES-004'],
    title: 'each PING gets its PONG, in order',
    stimulus: 'Sixteen PINGs with different data are sent at once.',
    expectation: 'Sixteen PONGs arrive with the same data in the same order.',
    run: async (context) => {
      const { peer } = await context.established();
      const data = Array.from({ length: 16 }, () => context.bytes(8));
      peer.sendTogether(data.map((octets) => peer.build('PING', { fields: { data: octets } })));
      for (const octets of data) {
        const pong = await peer.expect('PONG', { requirement: 'SES-004' });
        if (!equal(pong.bytes('data'), octets)) fail('PONGs in the order of the PINGs', pong.text, 'SES-004');
      }
    },
  },
  {
    id: 'SES-012/client-answers',
    requirements: ['SES-012', 'SES-017'],
    title: 'CLOSE is answered',
    stimulus: 'The server sends CLOSE(NO_ERROR) in an established session.',
    expectation: 'The client answers with CLOSE(NO_ERROR), END_SESSION set, ends its side, and reports an orderly end.',
    run: async (context) => {
      const { peer, client } = await context.established();
      await peer.close();
      await client.expectEvent('closed', 'SES-012');
    },
  },
  {
    id: 'SES-016/no-close',
    requirements: ['SES-016'],
    title: 'an end without CLOSE is not orderly',
    stimulus: 'The server ends its side of the TLS connection without CLOSE.',
    expectation: 'The client reports a failure, not an orderly end.',
    run: async (context) => {
      const { peer, client } = await context.established();
      peer.socket.end();
      await client.expectEvent('failed', 'SES-016');
    },
  },
  {
    id: 'SES-022/silent-server',
    requirements: ['SES-022', 'SES-003'],
    title: 'a silent server is given up',
    stimulus: 'The server promises an interval of 200 ms, establishes a session and then stays silent.',
    expectation: 'After about 600 ms the client sends CLOSE(LIVENESS_TIMEOUT), and not before.',
    timing: true,
    estimateMs: 800,
    run: async (context) => {
      const { peer } = await context.connecting({ parameters: [{ id: 'liveness_interval_ms', value: 200 }] });
      // From before ACCEPT: the client may have counted for a while when its event is read here.
      const startedAt = performance.now();
      peer.sendAccept();
      peer.answerPings = false;
      await peer.expectViolation('LIVENESS_TIMEOUT', { requirement: 'SES-022', probe: false });
      const waitedMs = Math.ceil(performance.now() - startedAt);
      if (waitedMs < 600) fail('CLOSE after 600 ms', `after ${waitedMs} ms`, 'SES-022');
    },
  },
]);

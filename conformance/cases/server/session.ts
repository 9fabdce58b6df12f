import { equal } from '../../model/codec.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** Chapter 5, for a server. */
export const session: readonly ServerCase[] = serverCases([
  {
    id: 'SES-004/order',
    requirements: ['SES-004'],
    title: 'each PING gets its PONG, in order',
    stimulus: 'Sixteen PINGs with different data are sent at once.',
    expectation: 'Sixteen PONGs arrive with the same data in the same order.',
    run: async (context) => {
      const peer = await context.established();
      const data = Array.from({ length: 16 }, () => context.bytes(8));
      peer.sendTogether(data.map((octets) => peer.build('PING', { fields: { data: octets } })));
      for (const octets of data) {
        const pong = await peer.expect('PONG', { requirement: 'SES-004' });
        if (!equal(pong.bytes('data'), octets)) fail('PONGs in the order of the PINGs', pong.text, 'SES-004');
      }
    },
  },
  {
    id: 'SES-007/unasked-pong',
    requirements: ['SES-007'],
    title: 'a PONG that answers nothing is refused',
    stimulus: 'A PONG arrives although the server has sent no PING with such data.',
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const peer = await context.established();
      peer.send('PONG', { fields: { data: context.bytes(8) } });
      await peer.expectViolation('FRAME_UNEXPECTED', { requirement: 'SES-007' });
    },
  },
  {
    id: 'SES-012/close',
    requirements: ['SES-012', 'SES-017'],
    title: 'CLOSE is answered',
    stimulus: 'The client sends CLOSE(NO_ERROR) in an established session.',
    expectation: 'The server answers with CLOSE(NO_ERROR), END_SESSION set, and ends its side of the TLS connection.',
    run: async (context) => {
      const peer = await context.established();
      await peer.close();
    },
  },
  {
    id: 'SES-013/receive-cursor',
    requirements: ['SES-013'],
    title: 'a cursor beyond what was sent is refused',
    stimulus: 'The client sends CLOSE that claims to have received one frame more than the server has sent.',
    expectation: 'The server answers with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: 1 } });
      await peer.expectViolation('CURSOR_INVALID', { requirement: 'SES-013' });
    },
  },
  {
    id: 'SES-019/keeps-its-promise',
    requirements: ['SES-019'],
    title: 'the server keeps the interval it promised',
    stimulus: 'After establishment the client says nothing but PONG for two of the intervals that the server promised.',
    expectation: 'In each interval at least one frame arrives.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const peer = await context.established();
      const intervalMs = peer.serverParameter('liveness_interval_ms');
      const startedAt = performance.now();
      while (performance.now() - startedAt < 2 * intervalMs) {
        const before = peer.log.entries.filter(({ direction }) => direction === 'received').length;
        // A fifth more than promised: loopback and scheduling on both sides.
        await peer.arrival(1.2 * intervalMs);
        const after = peer.log.entries.filter(({ direction }) => direction === 'received').length;
        if (after === before) fail(`a frame within ${intervalMs} ms`, 'silence', 'SES-019');
      }
    },
  },
  {
    id: 'SES-022/silent-client',
    requirements: ['SES-022', 'SES-003'],
    title: 'a silent client is given up',
    stimulus: 'The client promises an interval of 200 ms, establishes a session and then stays silent.',
    expectation: 'After about 600 ms the server sends CLOSE(LIVENESS_TIMEOUT), and not before.',
    timing: true,
    estimateMs: 800,
    run: async (context) => {
      const parameters = [{ id: 'liveness_interval_ms', value: 200 }];
      const peer = await context.challenged();
      // From before CONNECT: the server may have counted for a while when ACCEPT is read here.
      const startedAt = performance.now();
      peer.sendConnect({ parameters });
      await context.dependency('establishing a session', () => peer.expectAccept());
      peer.answerPings = false;
      await peer.expectViolation('LIVENESS_TIMEOUT', { requirement: 'SES-022', probe: false });
      const waitedMs = Math.ceil(performance.now() - startedAt);
      if (waitedMs < 600) fail('CLOSE after 600 ms', `after ${waitedMs} ms`, 'SES-022');
    },
  },
]);

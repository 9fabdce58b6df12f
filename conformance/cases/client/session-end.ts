import { setTimeout as elapse } from 'node:timers/promises';
import { registry } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';

const PROMISE = [{ id: 'liveness_interval_ms', value: 200 }];

/** PONG, CLOSE and liveness of chapter 5, for a client. */
export const sessionEnd: readonly ClientCase[] = clientCases([
  {
    id: 'SES-004/client-ping',
    requirements: ['SES-004'],
    title: 'PING is answered',
    stimulus: 'A PING arrives in an established session.',
    expectation: 'A PONG with its data arrives.',
    run: async (context) => {
      const { peer } = await context.established();
      await peer.barrier('SES-004');
    },
  },
  {
    id: 'SES-007/client-unasked-pong',
    requirements: ['SES-007'],
    title: 'a PONG that answers nothing is an error',
    stimulus: 'The server sends a PONG with data that no PING had.',
    expectation: 'The client answers with CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const { peer } = await context.established();
      peer.send('PONG', { fields: { data: new Uint8Array(8).fill(0xee) } });
      await peer.expectViolation('FRAME_UNEXPECTED', { requirement: 'SES-007' });
    },
  },
  {
    id: 'SES-009/client-train',
    requirements: ['SES-009'],
    title: 'as many PINGs as the budget allows are answered',
    stimulus: 'The server sends 200 PINGs, sixteen at a time, each sixteen after the PONGs of those before.',
    expectation: 'All are answered.',
    run: async (context) => {
      const { peer } = await context.established();
      for (let sent = 0; sent < 192; sent += 16) {
        const data = Array.from({ length: 16 }, () => context.bytes(8));
        peer.sendTogether(data.map((octets) => peer.build('PING', { fields: { data: octets } })));
        for (let count = 0; count < 16; count += 1) await peer.expect('PONG', { requirement: 'SES-009' });
      }
    },
  },
  {
    id: 'SES-010/client-flood',
    requirements: ['SES-010'],
    title: 'a flood of PINGs ends the session',
    stimulus: 'The server sends 10,000 PINGs at once.',
    expectation: 'The client ends the session with CLOSE(RATE_EXCEEDED).',
    run: async (context) => {
      const { peer } = await context.established();
      const ping = peer.build('PING', { fields: { data: new Uint8Array(8) } });
      peer.sendOctets(Buffer.concat(Array.from({ length: 10_000 }, () => ping)), '10,000 PINGs');
      const close = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-010' });
      close.requireCode('RATE_EXCEEDED', 'SES-010');
    },
  },
  {
    id: 'SES-011/client-quiet-after-close',
    requirements: ['SES-011', 'SES-017'],
    title: 'the client closes in order, and nothing follows',
    stimulus:
      'The client is asked to close the session, and then to open a channel; the server sends PINGs before it answers.',
    expectation: 'CLOSE(NO_ERROR) with END_SESSION arrives, nothing behind it, and the client reports an orderly end.',
    run: async (context) => {
      const { peer, client } = await context.established();
      await client.close();
      const close = await peer.expect('CLOSE', { requirement: 'SES-011' });
      close.requireCode('NO_ERROR', 'SES-011');
      assertEqual('END_SESSION', close.has('END_SESSION'), true, 'SES-017');
      peer.send('PING', { fields: { data: context.bytes(8) } });
      peer.sendClose();
      await peer.expectEnd('SES-028');
      await client.expectEvent('closed', 'SES-011');
    },
  },
  {
    id: 'SES-013/client-send-cursor',
    requirements: ['SES-013'],
    title: 'a send cursor that is not what came is an error',
    stimulus: 'The server sends CLOSE with a send cursor that is one too high.',
    expectation: 'The client answers with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const { peer } = await context.opened();
      peer.sendClose('NO_ERROR', { fields: { send_cursor: peer.nextSeq } });
      const answer = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-013' });
      answer.requireCode('CURSOR_INVALID', 'SES-013');
      await peer.expectEnd('SES-012');
    },
  },
  {
    id: 'SES-013/client-receive-cursor',
    requirements: ['SES-013'],
    title: 'a receive cursor beyond what was sent is an error',
    stimulus: 'The server sends CLOSE with a receive cursor that is one too high.',
    expectation: 'The client answers with CLOSE(CURSOR_INVALID).',
    run: async (context) => {
      const { peer } = await context.opened();
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: peer.receivedSeq + 1n } });
      const answer = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-013' });
      answer.requireCode('CURSOR_INVALID', 'SES-013');
      await peer.expectEnd('SES-012');
    },
  },
  {
    id: 'SES-014/client-lingers',
    requirements: ['SES-014'],
    title: 'the client reads on after its error',
    stimulus: 'The server sends an unknown critical frame and a megabyte of PINGs behind it.',
    expectation: 'CLOSE(FRAME_UNKNOWN) arrives, and the connection is not reset under it.',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendRaw({ type: 0x7f });
      const ping = peer.build('PING', { fields: { data: new Uint8Array(8) } });
      peer.sendOctets(Buffer.concat(Array.from({ length: 40_000 }, () => ping)), 'a megabyte of PINGs');
      await peer.expectViolation('FRAME_UNKNOWN', { requirement: 'SES-014', probe: false });
    },
  },
  {
    id: 'SES-018/client-fates',
    requirements: ['SES-018'],
    title: 'messages without an answer are reported as unknown when the connection is lost',
    stimulus: 'The client sends three messages; the server cuts the connection without a word.',
    expectation: 'The client reports a failure and three messages of unknown fate.',
    features: ['fates'],
    run: async (context) => {
      const { peer, client, channel } = await context.opened('test/sink');
      for (let count = 0; count < 3; count += 1) client.send(channel, context.bytes(10));
      for (let count = 0; count < 3; count += 1) await peer.expect('MESSAGE', { channel });
      peer.destroy();
      const event = await client.expectEvent('failed', 'SES-018');
      assertEqual('messages of unknown fate', event.unknown, 3, 'SES-018');
    },
  },
  {
    id: 'SES-018/client-covered',
    requirements: ['SES-018'],
    title: 'messages within the cursor of CLOSE are not unknown',
    stimulus: 'The client sends three messages; the server sends CLOSE that covers all of them.',
    expectation: 'The client reports an orderly end and no message of unknown fate.',
    features: ['fates'],
    run: async (context) => {
      const { peer, client, channel } = await context.opened('test/sink');
      for (let count = 0; count < 3; count += 1) client.send(channel, context.bytes(10));
      for (let count = 0; count < 3; count += 1) await peer.expect('MESSAGE', { channel });
      await peer.close();
      const event = await client.expectEvent('closed', 'SES-018');
      assertEqual('messages of unknown fate', event.unknown ?? 0, 0, 'SES-018');
    },
  },
  {
    id: 'SES-029/client-connection-only',
    requirements: ['SES-029'],
    title: 'CLOSE without END_SESSION ends the session too',
    stimulus: 'The server sends CLOSE without END_SESSION.',
    expectation: 'The client answers with CLOSE and ends its side.',
    run: async (context) => {
      const { peer, client } = await context.established();
      peer.sendClose('NO_ERROR', { flags: [] });
      await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-029' });
      await peer.expectEnd('SES-029');
      await client.expectEvent('closed', 'SES-029');
    },
  },
  {
    id: 'SES-019/client-keeps-its-promise',
    requirements: ['SES-019'],
    title: 'the client is never silent for longer than it promised',
    stimulus: 'The client promises an interval of 400 ms and has nothing to do; the server only answers PINGs.',
    expectation: 'In each 400 ms at least one frame arrives, three times in a row.',
    features: ['parameters'],
    timing: true,
    estimateMs: 1300,
    run: async (context) => {
      const { peer } = await context.established({ request: { parameters: { liveness_interval_ms: 400 } } });
      peer.keepIgnorable = true;
      peer.answerPings = false;
      for (let count = 0; count < 3; count += 1) {
        const frame = await peer.next('a frame', '*', { requirement: 'SES-019', withinMs: 600 });
        if (frame.name === 'PING') peer.send('PONG', { fields: { data: frame.bytes('data') } });
      }
    },
  },
  {
    id: 'SES-021/client-waits-for-a-suspect-server',
    requirements: ['SES-021', 'SES-020'],
    title: 'nothing new begins while the server is SUSPECT',
    stimulus:
      'The server promises 1,500 ms and is silent until the client regards it as SUSPECT; the client is asked to send a message; then the server sends a PING.',
    expectation: 'The message arrives only after the PING.',
    timing: true,
    estimateMs: 3500,
    run: async (context) => {
      const parameters = [{ id: 'liveness_interval_ms', value: 1500 }];
      const { peer, client, channel } = await context.opened('test/sink', { parameters });
      peer.answerPings = false;
      await elapse(3250);
      client.send(channel, Uint8Array.of(1));
      // The response to another request tells that the driver has taken this one.
      await client.ask({ do: 'describe', protocol: 1 });
      await elapse(50);
      const before = peer.log.entries.filter(
        ({ direction, text }) => direction === 'received' && text.startsWith('MESSAGE'),
      );
      if (before.length > 0) fail('no MESSAGE while the server is SUSPECT', 'a MESSAGE', 'SES-021');
      peer.send('PING', { fields: { data: context.bytes(8) } });
      await peer.expectWhere('MESSAGE', ({ name }) => name === 'MESSAGE', { requirement: 'SES-021' });
    },
  },
  {
    id: 'SES-022/client-octets-are-no-life',
    requirements: ['SES-022'],
    title: 'single octets are no sign of life',
    stimulus: 'The server promises 200 ms and then sends one octet of a long frame each 50 ms.',
    expectation: 'The client gives it up with CLOSE(LIVENESS_TIMEOUT).',
    timing: true,
    estimateMs: 900,
    run: async (context) => {
      const { peer } = await context.established({ parameters: PROMISE });
      peer.answerPings = false;
      const frame = peer.build('PING', { fields: { data: context.bytes(8) } });
      let at = 0;
      const drip = setInterval(() => {
        if (at < frame.length - 1) peer.sendOctets(frame.subarray(at, at + 1), 'one octet');
        at += 1;
      }, 50);
      try {
        const close = await peer.expectWhere('CLOSE', ({ name }) => name === 'CLOSE', { requirement: 'SES-022' });
        close.requireCode('LIVENESS_TIMEOUT', 'SES-022');
      } finally {
        clearInterval(drip);
      }
    },
  },
  {
    id: 'SES-015/client-cuts',
    requirements: ['SES-015'],
    title: 'the client cuts a connection that the server does not end',
    stimulus: 'The client is asked to close; the server neither answers nor ends its side.',
    expectation: 'Within the close deadline the client cuts the connection and reports the end.',
    timing: true,
    deep: true,
    estimateMs: 5500,
    run: async (context) => {
      const { peer, client } = await context.established();
      await client.close();
      await peer.expect('CLOSE', { requirement: 'SES-015' });
      const deadline = registry.timers.find(({ name }) => name === 'close_deadline_ms')?.value ?? 0;
      await client.nextEvent('the end of the connection', 'SES-015', deadline + 2000);
    },
  },
]);

import { buildFrame } from '../../model/codec.ts';
import { errorNamed, registry } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import { CLIENT_SUBJECTS } from '../../testee/kit-plan.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import { hex } from './client-frames.ts';

type Case = Omit<ServerCase, 'role'>;

/** Codes that a frame may not carry: some that nobody knows, some that belong elsewhere. */
function strangeCodes(frame: string): readonly { readonly code: number; readonly words: string }[] {
  const elsewhere = registry.errors.filter((row) => !row.in.includes(frame));
  return [
    { code: 0x0001, words: `${hex(0x0001, 4)}, which is not defined` },
    { code: 0xffff, words: `${hex(0xffff, 4)}, which is not defined` },
    ...elsewhere.map(({ code, name }) => ({ code, words: `${name}, which does not belong into ${frame}` })),
  ];
}

const closeCases = strangeCodes('CLOSE').map(({ code, words }): Case => ({
  id: `ERR-002/close-${hex(code, 4)}`,
  requirements: ['ERR-002', 'ERR-003', 'SES-012'],
  title: `CLOSE with ${words}, is a CLOSE`,
  stimulus: `In an established session CLOSE arrives with the code ${words}.`,
  expectation: 'The server answers with CLOSE(NO_ERROR), as it would for a code that it knows, and with nothing else.',
  run: async (context) => {
    const peer = await context.established();
    peer.sendClose('NO_ERROR', { fields: { code } });
    const answer = await peer.expect('CLOSE', { requirement: 'ERR-002' });
    answer.requireCode('NO_ERROR', 'ERR-003');
    await peer.expectEnd('SES-012');
  },
}));

const resetCases = strangeCodes('RESET')
  .filter(
    ({ code }) =>
      [0x0001, 0xffff].includes(code) || ['BUSY', 'SHUTTING_DOWN'].some((name) => errorNamed(name).code === code),
  )
  .map(({ code, words }): Case => ({
    id: `ERR-002/reset-${hex(code, 4)}`,
    requirements: ['ERR-002', 'ERR-003', 'CHN-029'],
    title: `RESET with ${words}, is a RESET`,
    stimulus: `The client resets an open channel with the code ${words}.`,
    expectation: 'RESET(CHANNEL_CLOSED) arrives on the channel, and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('RESET', { channel, fields: { code } });
      const answer = await peer.expect('RESET', { channel, requirement: 'ERR-002' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      await peer.barrier('ERR-003');
    },
  }));

/** Chapter 7 and annex B, for a server. */
export const errorCodes: readonly ServerCase[] = serverCases([
  ...closeCases,
  {
    id: 'ERR-003/early-close',
    requirements: ['ERR-003', 'EST-033'],
    title: 'a CLOSE with an unknown code before ACCEPT gets no frame',
    stimulus: 'Instead of CONNECT a CLOSE arrives with the code 0x7777, which is not defined.',
    expectation: 'The server ends the connection and sends no frame.',
    run: async (context) => {
      const peer = await context.challenged();
      peer.send('CLOSE', { flags: ['END_SESSION'], fields: { code: 0x7777 } });
      await peer.expectNoFrame('ERR-003');
    },
  },
  ...resetCases,
  {
    id: 'ERR-004/same-answer',
    requirements: ['ERR-004', 'EST-017'],
    title: 'a refused client learns no reason from REJECT',
    stimulus:
      'Clients with bad certificates of the kit connect, known and unknown identities among them: twelve chosen by the seed, or all in the deep profile.',
    expectation:
      'Those that get REJECT, and not a refusal by TLS, all get the same one: AUTHENTICATION_FAILED with the same retry_after_ms.',
    estimateMs: 300,
    deepEstimateMs: 1500,
    run: async (context) => {
      let first: string | undefined;
      const bad = CLIENT_SUBJECTS.filter(({ wrong }) => wrong !== undefined);
      const chosen = context.deep ? bad : Array.from({ length: 12 }, () => context.random.pick(bad));
      for (const { name } of chosen) {
        const attempt = await context.attempt({ as: `clients/${name}` });
        if (attempt.type === 'refused') continue;
        const { peer } = attempt;
        let answer = await peer.nextOrEnd('REJECT or the end');
        if (typeof answer !== 'string' && answer.name === 'CHALLENGE') {
          peer.challenge = answer;
          peer.sendConnect();
          answer = await peer.nextOrEnd('REJECT or the end');
        }
        peer.destroy();
        if (typeof answer === 'string') continue;
        if (answer.name !== 'REJECT') fail('REJECT or the end', `${answer.text} (${name})`, 'ERR-004');
        answer.requireCode('AUTHENTICATION_FAILED', 'EST-017');
        const text = `retry_after_ms ${answer.integer('retry_after_ms')}`;
        first ??= text;
        if (text !== first) fail(first, `${text} (${name})`, 'ERR-004');
      }
    },
  },
  {
    id: 'CST-003/unread-answers',
    requirements: ['CST-003'],
    title: 'a client that does not read is not read either',
    stimulus:
      'A client stops reading and sends one OPEN after the other of an application that does not exist, each of which the server has to answer.',
    expectation: 'Before 256 MiB the server stops reading: for two seconds nothing more can be written.',
    timing: true,
    deep: true,
    estimateMs: 8000,
    run: async (context) => {
      const peer = await context.established();
      peer.answerPings = false;
      peer.socket.pause();
      const limitOctets = 256 * 1024 * 1024;
      let sent = 0;
      for (let channel = 1, stopped = false; !stopped;) {
        const batch: Uint8Array[] = [];
        for (; batch.length < 2000; channel += 1) {
          const fields = { nonce: new Uint8Array(32), application: 'x', parameters: [] };
          batch.push(buildFrame('OPEN', { channel, seq: channel, fields }));
        }
        const octets = Buffer.concat(batch);
        sent += octets.length;
        if (sent > limitOctets) fail('an end of reading', `${sent} octets taken`, 'CST-003');
        stopped = await new Promise<boolean>((resolve) => {
          const timeout = setTimeout(() => resolve(true), 2000);
          peer.socket.write(octets, () => {
            clearTimeout(timeout);
            resolve(false);
          });
        });
        if (peer.socket.destroyed) fail('a connection that waits', 'the end of the connection', 'CST-003');
      }
    },
  },
  {
    id: 'CST-004/many-channels',
    requirements: ['CST-004'],
    title: 'a session does not run out of channels',
    stimulus:
      'A client opens, one after the other, 400 channels in one session; it resets every second of them, and has the server end the others.',
    expectation: 'Each is opened.',
    estimateMs: 1000,
    run: async (context) => {
      const peer = await context.established();
      for (let count = 0; count < 400; count += 1) {
        const channel = peer.sendOpen('test/echo');
        await peer.expect('OPENED', { channel, requirement: 'CST-004' });
        if (count % 2 === 0) {
          peer.send('RESET', { channel, fields: { code: errorNamed('CANCELLED').code } });
          await peer.expect('RESET', { channel, requirement: 'CST-004' });
        } else {
          peer.send('END', { channel });
          await peer.expect('END', { channel, requirement: 'CST-004' });
        }
      }
    },
  },
  {
    id: 'CST-004/pings-at-a-rate',
    requirements: ['CST-004', 'SES-009'],
    title: 'the budget for PING is a rate',
    stimulus: 'A client sends 256 PINGs at once, and then, over four seconds, 48 more in each second.',
    expectation: 'Each gets its PONG.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const peer = await context.established();
      const ping = (): Uint8Array => peer.build('PING', { fields: { data: context.bytes(8) } });
      const answered = async (count: number): Promise<void> => {
        for (let seen = 0; seen < count; seen += 1) await peer.expect('PONG', { requirement: 'CST-004' });
      };
      // In groups, since no endpoint may have more PINGs unanswered (SES-008).
      for (let group = 0; group < 16; group += 1) {
        peer.sendTogether(Array.from({ length: 16 }, ping));
        await answered(16);
      }
      for (let quarter = 0; quarter < 16; quarter += 1) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        peer.sendTogether(Array.from({ length: 12 }, ping));
        await answered(12);
      }
    },
  },
]);

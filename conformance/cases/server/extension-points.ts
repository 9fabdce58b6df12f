import { concat, decodeFrame, equal, greaseType, integer, readInteger } from '../../model/codec.ts';
import { errorNamed, errorOfCode, frameOfType, limit, parameterOfId, registry } from '../../model/registry.ts';
import { ConformanceFailure, DependencyFailure, fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { SentFrame } from '../sent-frames.ts';
import { framesOf, framesOfLogs, parametersOf } from '../sent-frames.ts';
import type { ServerContext } from '../server-context.ts';
import { connectChanged, hex, parameterList } from './client-frames.ts';

const { greaseFrameTypes, greaseParameters, frameIgnorableBit, parameterIgnorableBit } = registry.extension;

/** Lets the server send frames of every type that it can be made to send. */
async function exchangeEverything(context: ServerContext): Promise<void> {
  // Not `context.established`: where not even that comes about, the fault that these cases are about may be why.
  const peer = await context.connect();
  await peer.establish();
  const echo = await peer.open('test/data', context.bytes(5));
  const identity = await peer.open('test/identity');
  await peer.expectWhere('END', ({ name, channel }) => name === 'END' && channel === identity);
  const refused = peer.sendOpen('test/refuse');
  await peer.expect('REFUSED', { channel: refused });
  const reset = await peer.open('test/reset');
  peer.sendMessage(reset, context.bytes(1));
  await peer.expect('RESET', { channel: reset });
  peer.send('RESET', { channel: reset, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
  for (const flags of [['FIRST'], ['LAST']]) {
    peer.send('MESSAGE', { channel: echo, flags, fields: { fragment: context.bytes(10_000) } });
  }
  await peer.expectWhere('the end of the echo', (frame) => frame.name === 'MESSAGE' && frame.has('LAST'));
  await peer.barrier();
  await peer.close();
}

/** Judges each frame of the exchange, and then whether the exchange came to its end. */
async function judgeExchange(context: ServerContext, judge: (frame: SentFrame) => void): Promise<void> {
  let problem: ConformanceFailure | undefined;
  try {
    await exchangeEverything(context);
  } catch (error) {
    if (!(error instanceof ConformanceFailure)) throw error;
    problem = error;
  }
  framesOfLogs(context.logs).forEach(judge);
  if (problem !== undefined) throw new DependencyFailure('an exchange with frames of every type', problem);
}

/** One case about every frame of the exchange. */
function senderCase(
  text: Omit<ServerCase, 'role' | 'stimulus' | 'run' | 'requirements'> & { readonly requirement: string },
  wrong: (frame: SentFrame) => string | undefined,
): Omit<ServerCase, 'role'> {
  const { requirement, ...rest } = text;
  return {
    ...rest,
    requirements: [requirement],
    stimulus:
      'A client makes the server send frames of every type: it opens, is refused, resets, exchanges messages, pings and closes.',
    run: (context) =>
      judgeExchange(context, (frame) => {
        const actual = wrong(frame);
        if (actual !== undefined) fail(text.expectation, `${actual}: ${frame.text}`, requirement);
      }),
  };
}

const isGrease = (id: number): boolean => greaseParameters.includes(id);

/** Chapter 8 and the duties of a sender in chapter 3, for a server. */
export const extensionPoints: readonly ServerCase[] = serverCases([
  senderCase(
    {
      id: 'WIR-008/whole-exchange',
      requirement: 'WIR-008',
      title: 'the server sets no flag that is not defined',
      expectation: 'No frame has a flag that its type does not define.',
    },
    ({ header: { type, flags } }) => {
      const row = frameOfType(type);
      const defined = (row?.flags ?? []).reduce((bits, { bit }) => bits | bit, 0);
      return row !== undefined && (flags & ~defined) !== 0 ? `flags ${hex(flags)}` : undefined;
    },
  ),
  {
    id: 'WIR-010/whole-exchange',
    requirements: ['WIR-010'],
    title: 'the server numbers its sequenced frames without gaps',
    stimulus:
      'A client makes the server send sequenced frames of every type, on several channels that are opened, refused, reset and ended.',
    expectation: 'Over all channels together they are numbered 1, 2, 3 and so on.',
    run: async (context) => {
      let due = 1n;
      await judgeExchange(context, ({ header, text }) => {
        if (frameOfType(header.type)?.sequenced !== true) return;
        if (header.seq !== due) fail(`sequence number ${due}`, `${header.seq}: ${text}`, 'WIR-010');
        due += 1n;
      });
      if (due < 7n) fail('at least six sequenced frames', `${due - 1n}`, 'CHN-005');
    },
  },
  senderCase(
    {
      id: 'WIR-011/whole-exchange',
      requirement: 'WIR-011',
      title: 'the server gives no number to unsequenced frames',
      expectation: 'Every frame that is not sequenced has the sequence number 0.',
    },
    ({ header: { type, seq } }) =>
      frameOfType(type)?.sequenced !== true && seq !== 0n ? `sequence number ${seq}` : undefined,
  ),
  senderCase(
    {
      id: 'WIR-019/whole-exchange',
      requirement: 'WIR-019',
      title: 'the server writes parameters in ascending order',
      expectation: 'The parameters of each list stand in strictly ascending order of their ids.',
    },
    (frame) => {
      const ids = parametersOf(frame).map(({ id }) => id);
      const wrong = ids.find((id, at) => at > 0 && id <= (ids[at - 1] ?? 0));
      return wrong === undefined ? undefined : `${hex(wrong, 4)} out of order`;
    },
  ),
  senderCase(
    {
      id: 'EXT-001/whole-exchange',
      requirement: 'EXT-001',
      title: 'the server sends no unknown critical frame',
      expectation: 'Every frame is of a defined type, or of one that may be ignored.',
    },
    ({ header: { type } }) =>
      frameOfType(type) === undefined && (type & frameIgnorableBit) === 0 ? `type ${hex(type)}` : undefined,
  ),
  senderCase(
    {
      id: 'EXT-002/whole-exchange',
      requirement: 'EXT-002',
      title: 'the server sends no unknown critical parameter',
      expectation: 'Every parameter is a defined one that belongs into its frame, or one that may be ignored.',
    },
    (frame) => {
      const name = frameOfType(frame.header.type)?.name ?? '';
      const wrong = parametersOf(frame).find(({ id }) => {
        const row = parameterOfId(id);
        return row === undefined ? (id & parameterIgnorableBit) === 0 : !row.in.includes(name);
      });
      return wrong === undefined ? undefined : `parameter ${hex(wrong.id, 4)}`;
    },
  ),
  senderCase(
    {
      id: 'ERR-001/whole-exchange',
      requirement: 'ERR-001',
      title: 'the server sends each code only where it belongs',
      expectation: 'Every code in REFUSED, RESET and CLOSE is defined for that frame.',
    },
    ({ header, octets }) => {
      const row = frameOfType(header.type);
      if (row?.fields[0]?.name !== 'code') return undefined;
      const code = Number(readInteger(octets.subarray(registry.header.bytes, registry.header.bytes + 2)));
      return errorOfCode(code)?.in.includes(row.name) === true ? undefined : `code ${hex(code, 4)} in ${row.name}`;
    },
  ),
  {
    id: 'WIR-004/whole-frames',
    requirements: ['WIR-004'],
    level: 'SHOULD',
    title: 'the server does not cut frames into records',
    stimulus: 'A client opens test/echo and exchanges messages of 1, 5,000 and 16,368 octets.',
    expectation: 'Each TLS record ends where a frame ends.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const records: Buffer[] = [];
      peer.socket.on('data', (chunk: Buffer) => records.push(chunk));
      for (const size of [1, 5000, registry.header.maxPayloadBytes]) {
        peer.sendMessage(channel, context.bytes(size));
        await peer.expectWhere('the echo', (frame) => frame.name === 'MESSAGE' && frame.has('LAST'));
      }
      await peer.barrier();
      for (const record of records) {
        let at = 0;
        while (at < record.length) {
          const result = decodeFrame(record.subarray(at));
          if (!('consumed' in result)) fail('records of whole frames', 'a record that ends inside a frame', 'WIR-004');
          at += result.consumed;
        }
      }
    },
  },
  {
    id: 'EXT-003/grease-parameters',
    requirements: ['EXT-003'],
    level: 'SHOULD',
    title: 'the server keeps the parameters of its peers flexible',
    stimulus: 'A client establishes four sessions and opens a channel in each.',
    expectation:
      'Each CHALLENGE, ACCEPT and OPENED has at least one GREASE parameter of at most 16 octets; their ids are not always the same.',
    run: async (context) => {
      const ids = new Set<number>();
      for (let time = 0; time < 4; time += 1) {
        const { peer } = await context.opened('test/echo');
        for (const frame of framesOf(peer)) {
          const name = frameOfType(frame.header.type)?.name ?? '';
          if (!['CHALLENGE', 'ACCEPT', 'OPENED'].includes(name)) continue;
          const grease = parametersOf(frame).filter(({ id }) => isGrease(id));
          if (grease.length === 0) fail('a GREASE parameter', `none: ${frame.text}`, 'EXT-003');
          for (const { id, length } of grease) {
            ids.add(id);
            if (length > limit('grease_max_bytes')) fail('at most 16 octets', `${length}: ${frame.text}`, 'EXT-003');
          }
        }
      }
      if (ids.size < 2) fail('random ids', 'always the same one', 'EXT-003');
    },
  },
  {
    id: 'EXT-004/grease-frame',
    requirements: ['EXT-004'],
    level: 'SHOULD',
    title: 'the server keeps the frame types of its peers flexible',
    stimulus: 'A client establishes a session, opens a channel, exchanges a message, pings and closes.',
    expectation:
      'At least one GREASE frame of at most 16 octets, without flags and with channel 0, arrives in the session.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.sendMessage(channel, context.bytes(10));
      await peer.expect('MESSAGE', { channel });
      await peer.barrier();
      await peer.close();
      const grease = framesOf(peer).filter(({ header }) => greaseFrameTypes.includes(header.type));
      if (grease.length === 0) fail('a GREASE frame', 'none', 'EXT-004');
      const long = grease.find(({ header }) => header.length > limit('grease_max_bytes'));
      if (long !== undefined) fail('at most 16 octets', long.text, 'EXT-004');
      const marked = grease.find(({ header }) => header.flags !== 0 || header.channel !== 0);
      if (marked !== undefined) fail('no flags and channel 0', marked.text, 'EXT-004');
    },
  },
  {
    id: 'EXT-005/every-number-in-connect',
    requirements: ['EXT-005', 'WIR-023'],
    title: 'no GREASE number has a meaning in CONNECT',
    stimulus: 'CONNECT carries all 1,024 GREASE parameters, each with four random octets.',
    expectation: 'The session is established.',
    run: async (context) => {
      const parameters = parameterList(...greaseParameters.map((id) => ({ id, value: context.bytes(4) })));
      const peer = await connectChanged(context, { fields: { parameters } });
      await peer.expectAccept();
      await peer.close();
    },
  },
  {
    id: 'EXT-005/every-number-in-open',
    requirements: ['EXT-005', 'WIR-023'],
    title: 'no GREASE number has a meaning in OPEN',
    stimulus: 'The client opens test/data with application_data and all 1,024 GREASE parameters behind it.',
    expectation: 'OPENED arrives with the same application_data.',
    run: async (context) => {
      const peer = await context.established();
      const data = context.bytes(20);
      const grease = greaseParameters.map((id) => ({ id, value: context.bytes(4) }));
      const parameters = parameterList({ id: 'application_data', value: data }, ...grease);
      peer.send('OPEN', { channel: 1, fields: { nonce: context.bytes(32), application: 'test/data', parameters } });
      const opened = await peer.expect('OPENED', { channel: 1, requirement: 'EXT-005' });
      const back = opened.parameter('application_data');
      if (!(back instanceof Uint8Array) || !equal(back, data))
        fail('the same application_data', opened.text, 'EXT-005');
    },
  },
  {
    id: 'EXT-005/frames-that-look-known',
    requirements: ['EXT-005', 'WIR-006'],
    title: 'no GREASE frame has a meaning',
    stimulus:
      'In a session with an open channel each of the four GREASE types arrives with the payloads of a CLOSE, a PING, a RESET and a CREDIT, on the channel and beside it.',
    expectation: 'Nothing happens: the channel goes on, and no PONG, CLOSE or RESET arrives.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const closed = concat(integer(0, 2), integer(0, 8), integer(1, 8));
      const payloads = [closed, context.bytes(8), integer(errorNamed('CANCELLED').code, 2), context.bytes(16)];
      for (const [n, payload] of payloads.entries()) {
        for (const on of [0, channel]) peer.sendRaw({ type: greaseType(n), flags: 1, channel: on, payload });
      }
      const fragment = context.bytes(9);
      peer.sendMessage(channel, fragment);
      const echo = await peer.expect('MESSAGE', { channel, requirement: 'EXT-005' });
      if (!equal(echo.bytes('fragment'), fragment)) fail('the message that was sent', 'another one', 'EXT-005');
      const passed = await peer.barrier('EXT-005');
      const [unasked] = passed.filter(({ name }) => name !== 'CREDIT');
      if (unasked !== undefined) fail('nothing', unasked.text, 'EXT-005');
    },
  },
]);

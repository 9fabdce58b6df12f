import { concat, decodeFrame, greaseType, integer, readInteger } from '../../model/codec.ts';
import {
  errorNamed,
  errorOfCode,
  frameNamed,
  frameOfType,
  limit,
  parameterOfId,
  registry,
} from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import type { SentFrame } from '../sent-frames.ts';
import { framesOf, parametersOf } from '../sent-frames.ts';
import { hex, parameterList } from '../server/client-frames.ts';
import { sendChanged } from './server-frames.ts';

const { greaseFrameTypes, greaseParameters, frameIgnorableBit, parameterIgnorableBit } = registry.extension;

/** Lets the client send at least one frame of each type that it can be made to send, and gives them all. */
async function everything(context: ClientContext): Promise<readonly SentFrame[]> {
  return context.dependency('an exchange with frames of every type', async () => {
    const { peer, client } = await context.established();
    const open = async (data?: Uint8Array): Promise<number> => {
      const channel = await client.open('test/echo', data === undefined ? {} : { data });
      await peer.expect('OPEN', { channel });
      peer.sendOpened(channel);
      await client.expectEvent('opened');
      return channel;
    };
    const whole = await open(context.bytes(5));
    client.send(whole, context.bytes(20_000));
    await peer.expectWhere('the end of the message', (frame) => frame.name === 'MESSAGE' && frame.has('LAST'));
    await client.end(whole);
    await peer.expect('END', { channel: whole });
    const abandoned = await open();
    await client.reset(abandoned);
    await peer.expect('RESET', { channel: abandoned });
    peer.send('RESET', { channel: abandoned, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
    const reset = await open();
    peer.send('RESET', { channel: reset, fields: { code: errorNamed('APPLICATION_ERROR').code } });
    await peer.expect('RESET', { channel: reset });
    await peer.barrier();
    await peer.close();
    return framesOf(peer);
  });
}

/** One case about every frame of the exchange. */
function senderCase(
  text: Omit<ClientCase, 'role' | 'stimulus' | 'run' | 'requirements'> & { readonly requirement: string },
  wrong: (frame: SentFrame) => string | undefined,
): Omit<ClientCase, 'role'> {
  const { requirement, ...rest } = text;
  return {
    ...rest,
    requirements: [requirement],
    stimulus:
      'The client is made to send frames of every type: it opens, sends a message in fragments, ends, resets, is reset, answers PING and closes.',
    run: async (context) => {
      for (const frame of await everything(context)) {
        const actual = wrong(frame);
        if (actual !== undefined) fail(text.expectation, `${actual}: ${frame.text}`, requirement);
      }
    },
  };
}

/** Chapter 8 and the duties of a sender in chapter 3, for a client. */
export const extensionPoints: readonly ClientCase[] = clientCases([
  senderCase(
    {
      id: 'WIR-008/client-whole-exchange',
      requirement: 'WIR-008',
      title: 'the client sets no flag that is not defined',
      expectation: 'No frame has a flag that its type does not define.',
    },
    ({ header: { type, flags } }) => {
      const row = frameOfType(type);
      const defined = (row?.flags ?? []).reduce((bits, { bit }) => bits | bit, 0);
      return row !== undefined && (flags & ~defined) !== 0 ? `flags ${hex(flags)}` : undefined;
    },
  ),
  {
    id: 'WIR-010/client-whole-exchange',
    requirements: ['WIR-010'],
    title: 'the client numbers its sequenced frames without gaps',
    stimulus: 'The client is made to send sequenced frames of every type, on three channels.',
    expectation: 'Over all channels together they are numbered 1, 2, 3 and so on.',
    run: async (context) => {
      let due = 1n;
      for (const { header, text } of await everything(context)) {
        if (frameOfType(header.type)?.sequenced !== true) continue;
        if (header.seq !== due) fail(`sequence number ${due}`, `${header.seq}: ${text}`, 'WIR-010');
        due += 1n;
      }
    },
  },
  senderCase(
    {
      id: 'WIR-011/client-whole-exchange',
      requirement: 'WIR-011',
      title: 'the client gives no number to unsequenced frames',
      expectation: 'Every frame that is not sequenced has the sequence number 0.',
    },
    ({ header: { type, seq } }) =>
      frameOfType(type)?.sequenced !== true && seq !== 0n ? `sequence number ${seq}` : undefined,
  ),
  senderCase(
    {
      id: 'WIR-019/client-whole-exchange',
      requirement: 'WIR-019',
      title: 'the client writes parameters in ascending order',
      expectation: 'The parameters of each list stand in strictly ascending order of their ids.',
    },
    (frame) => {
      const ids = parametersOf(frame).map(({ id }) => id);
      const wrong = ids.find((id, at) => at > 0 && id <= (ids[at - 1] ?? 0));
      return wrong === undefined ? undefined : `${hex(wrong, 4)} out of order`;
    },
  ),
  {
    id: 'WIR-019/client-all-parameters',
    requirements: ['WIR-019'],
    title: 'the client declares all its parameters in ascending order',
    stimulus: 'The client is asked to declare four parameters, named in descending order of their ids.',
    expectation: 'CONNECT has all four with these values, in strictly ascending order.',
    features: ['parameters'],
    run: async (context) => {
      const asked = {
        initial_byte_credit: 70_000,
        initial_message_credit: 7,
        max_message_bytes: 50_000,
        liveness_interval_ms: 20_000,
      };
      const { peer } = await context.connected({ request: { parameters: asked } });
      peer.sendChallenge();
      const connect = await peer.expectConnect();
      for (const [name, value] of Object.entries(asked)) assertEqual(name, connect.parameter(name), value, 'WIR-019');
      const ids = connect.parameters.map(({ id }) => id);
      const sorted = ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? 0));
      if (!sorted) fail('strictly ascending ids', ids.map((id) => hex(id, 4)).join(' '), 'WIR-019');
    },
  },
  senderCase(
    {
      id: 'EXT-001/client-whole-exchange',
      requirement: 'EXT-001',
      title: 'the client sends no unknown critical frame',
      expectation: 'Every frame is of a defined type, or of one that may be ignored.',
    },
    ({ header: { type } }) =>
      frameOfType(type) === undefined && (type & frameIgnorableBit) === 0 ? `type ${hex(type)}` : undefined,
  ),
  senderCase(
    {
      id: 'EXT-002/client-whole-exchange',
      requirement: 'EXT-002',
      title: 'the client sends no unknown critical parameter',
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
      id: 'ERR-001/client-whole-exchange',
      requirement: 'ERR-001',
      title: 'the client sends each code only where it belongs',
      expectation: 'Every code in RESET and CLOSE is defined for that frame.',
    },
    ({ header, octets }) => {
      const row = frameOfType(header.type);
      if (row?.fields[0]?.name !== 'code') return undefined;
      const code = Number(readInteger(octets.subarray(registry.header.bytes, registry.header.bytes + 2)));
      return errorOfCode(code)?.in.includes(row.name) === true ? undefined : `code ${hex(code, 4)} in ${row.name}`;
    },
  ),
  {
    id: 'WIR-004/client-whole-frames',
    requirements: ['WIR-004'],
    level: 'SHOULD',
    title: 'the client does not cut frames into records',
    stimulus: 'The client is asked for CONNECT, OPEN and messages of 1, 5,000 and 16,368 octets.',
    expectation: 'Each TLS record ends where a frame ends.',
    run: async (context) => {
      const { peer, client } = await context.connected();
      const records: Buffer[] = [];
      peer.socket.on('data', (chunk: Buffer) => records.push(chunk));
      await context.dependency('establishing a session', () => peer.establish());
      await client.expectEvent('established');
      const channel = await client.open('test/sink');
      await peer.expect('OPEN', { channel });
      peer.sendOpened(channel);
      for (const size of [1, 5000, registry.header.maxPayloadBytes]) {
        client.send(channel, context.bytes(size));
        await peer.expectWhere('the message', (frame) => frame.name === 'MESSAGE' && frame.has('LAST'));
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
    id: 'EXT-003/client-grease-parameters',
    requirements: ['EXT-003'],
    level: 'SHOULD',
    title: 'the client keeps the parameters of its peers flexible',
    stimulus: 'The client establishes four sessions and opens a channel in each.',
    expectation:
      'Each CONNECT and OPEN has at least one GREASE parameter of at most 16 octets; their ids are not always the same.',
    run: async (context) => {
      const ids = new Set<number>();
      for (let time = 0; time < 4; time += 1) {
        const { peer } = await context.opened();
        for (const frame of framesOf(peer)) {
          if (!['CONNECT', 'OPEN'].includes(frameOfType(frame.header.type)?.name ?? '')) continue;
          const grease = parametersOf(frame).filter(({ id }) => greaseParameters.includes(id));
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
    id: 'EXT-004/client-grease-frame',
    requirements: ['EXT-004'],
    level: 'SHOULD',
    title: 'the client keeps the frame types of its peers flexible',
    stimulus: 'The client is made to send frames of every type in one session.',
    expectation: 'At least one GREASE frame of at most 16 octets is among them; it has no flags and channel 0.',
    run: async (context) => {
      const grease = (await everything(context)).filter(({ header }) => greaseFrameTypes.includes(header.type));
      if (grease.length === 0) fail('a GREASE frame', 'none', 'EXT-004');
      for (const { header, text } of grease) {
        if (header.length > limit('grease_max_bytes')) fail('at most 16 octets', text, 'EXT-004');
        if (header.flags !== 0 || header.channel !== 0) fail('no flags and channel 0', text, 'EXT-004');
      }
    },
  },
  ...(['CHALLENGE', 'ACCEPT', 'OPENED'] as const).map((name) => ({
    id: `EXT-005/every-number-in-${name.toLowerCase()}`,
    requirements: ['EXT-005', 'WIR-023'] as const,
    title: `no GREASE number has a meaning in ${name}`,
    stimulus: `${name}, otherwise right, carries all 1,024 GREASE parameters, each with four random octets.`,
    expectation: name === 'OPENED' ? 'The client reports the channel as open.' : 'The session is established.',
    run: async (context: ClientContext): Promise<void> => {
      const parameters = parameterList(...greaseParameters.map((id) => ({ id, value: context.bytes(4) })));
      const { peer, client } = await sendChanged(context, frameNamed(name), (input) => ({
        fields: { ...input.fields, parameters },
      }));
      if (name === 'CHALLENGE') {
        await peer.expectConnect();
        peer.sendAccept();
      }
      await client.expectEvent(name === 'OPENED' ? 'opened' : 'established', 'EXT-005');
      await peer.barrier('EXT-005');
    },
  })),
  {
    id: 'EXT-005/client-frames-that-look-known',
    requirements: ['EXT-005', 'WIR-006'],
    title: 'no GREASE frame has a meaning',
    stimulus:
      'In a session with an open channel each of the four GREASE types arrives with the payloads of a CLOSE, a PING, a RESET and a CREDIT, on the channel and beside it.',
    expectation: 'Nothing happens: the channel goes on, and no PONG, CLOSE or RESET arrives.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      const closed = concat(integer(0, 2), integer(0, 8), integer(1, 8));
      const payloads = [closed, context.bytes(8), integer(errorNamed('CANCELLED').code, 2), context.bytes(16)];
      for (const [n, payload] of payloads.entries()) {
        for (const on of [0, channel]) peer.sendRaw({ type: greaseType(n), flags: 1, channel: on, payload });
      }
      const fragment = context.bytes(9);
      peer.sendMessage(channel, fragment);
      const event = await client.expectEvent('message', 'EXT-005');
      assertEqual('message', event.message, Buffer.from(fragment).toString('base64'), 'EXT-005');
      const passed = await peer.barrier('EXT-005');
      const [unasked] = passed.filter(({ name }) => name !== 'CREDIT');
      if (unasked !== undefined) fail('nothing', unasked.text, 'EXT-005');
    },
  },
]);

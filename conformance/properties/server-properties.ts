import fc from 'fast-check';
import type { ServerCase } from '../cases/case.ts';
import { serverCases } from '../cases/case.ts';
import type { ServerContext } from '../cases/server-context.ts';
import { concat, decodeHeader, equal, greaseType, buildRawFrame } from '../model/codec.ts';
import { ReceiverModel } from '../model/machine.ts';
import type { ClientPeer } from '../peer/client-peer.ts';
import { fail } from '../peer/failure.ts';
import type { MessagePlan } from './arbitraries.ts';
import { applyEdits, chunkSizes, edits, fragmentsOf, messagePlans, showOctets, strayOctets } from './arbitraries.ts';
import { continuityCommands, runContinuity } from './continuity-sequence.ts';
import { checkProperty } from './property.ts';
import { readMessage, requireReaction } from './reactions.ts';
import { runSequence, serverCommands } from './server-sequence.ts';

/** Frames of a client in a session with channel 1 open, each right. */
const FRAMES: Readonly<Record<string, (peer: ClientPeer, context: ServerContext) => Uint8Array>> = {
  PING: (peer, context) => peer.build('PING', { fields: { data: context.bytes(8) } }),
  PONG: (peer, context) => peer.build('PONG', { fields: { data: context.bytes(8) } }),
  CLOSE: (peer) =>
    peer.build('CLOSE', {
      flags: ['END_SESSION'],
      fields: { receive_cursor: peer.receivedSeq, send_cursor: peer.nextSeq - 1n },
    }),
  OPEN: (peer, context) =>
    peer.build('OPEN', {
      channel: 2,
      fields: {
        nonce: context.bytes(32),
        application: 'test/data',
        parameters: [{ id: 'application_data', value: context.bytes(5) }],
      },
    }),
  FORWARD: (peer, context) =>
    peer.build('FORWARD', {
      channel: 2,
      fields: peer.forwardFields('test/data', { route: ['relay-a', 'relay-b'], data: context.bytes(5) }),
    }),
  PROOF: (peer, context) =>
    peer.build('PROOF', { channel: 1, fields: { chain: [context.bytes(9)], signature: context.bytes(64) } }),
  MESSAGE: (peer, context) =>
    peer.build('MESSAGE', { channel: 1, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(12) } }),
  CREDIT: (peer) => peer.build('CREDIT', { channel: 1, fields: { message_limit: 1000, byte_limit: 2_000_000 } }),
  END: (peer) => peer.build('END', { channel: 1 }),
  RESET: (peer) => peer.build('RESET', { channel: 1, fields: { code: 0x0403 } }),
  IGNORABLE: (_peer, context) => buildRawFrame({ type: greaseType(2), payload: context.bytes(6) }),
};

/** A session with channel 1 open to test/echo, and the model of the server in it. */
async function sessionWithModel(context: ServerContext): Promise<{ peer: ClientPeer; model: ReceiverModel }> {
  const peer = await context.established();
  const own = {
    max_message_bytes: peer.serverParameter('max_message_bytes'),
    max_channels: peer.serverParameter('max_channels'),
    initial_message_credit: peer.serverParameter('initial_message_credit'),
    initial_byte_credit: peer.serverParameter('initial_byte_credit'),
  };
  const model = new ReceiverModel('server', { state: 'established', own });
  await context.dependency('opening test/echo', async () => {
    const open = peer.build('OPEN', {
      channel: 1,
      fields: { nonce: context.bytes(32), application: 'test/echo', parameters: [] },
    });
    model.receive(open);
    peer.sendFrame(open);
    model.send((await peer.expect('OPENED', { channel: 1 })).octets);
  });
  return { peer, model };
}

/** The octets of an exchange with test/echo: OPEN, the messages, a PING. */
function echoExchange(peer: ClientPeer, context: ServerContext, messages: readonly MessagePlan[]): Uint8Array {
  const open = peer.build('OPEN', {
    channel: 1,
    fields: { nonce: context.bytes(32), application: 'test/echo', parameters: [] },
  });
  const fragments = messages.flatMap(fragmentsOf).map(({ flags, fragment }) => ({ flags, fields: { fragment } }));
  return concat(open, ...fragments.map((input) => peer.build('MESSAGE', { channel: 1, ...input })));
}

/** Properties of a server. */
export const serverProperties: readonly ServerCase[] = serverCases([
  {
    id: 'WIR-002/any-chunking',
    requirements: ['WIR-002', 'CHN-015'],
    title: 'any division of a valid exchange is accepted',
    stimulus: 'CONNECT, then messages to test/echo, are sent in generated pieces, each in a TLS record of its own.',
    expectation: 'The session is established, and each message comes back unchanged and in order.',
    estimateMs: 500,
    deepEstimateMs: 12500,
    run: (context) =>
      checkProperty(
        context,
        fc.record({
          connect: chunkSizes(),
          exchange: chunkSizes(),
          messages: fc.array(messagePlans(), { maxLength: 4 }),
        }),
        async ({ connect, exchange, messages }) => {
          const peer = await context.challenged();
          const frame = peer.buildConnect();
          peer.connectFrame = frame;
          await peer.sendChunks(frame, connect);
          await peer.expectAccept();
          // A MESSAGE before OPENED is an error of the client: OPEN has to be answered first.
          const octets = echoExchange(peer, context, messages);
          const openLength = 16 + (decodeHeader(octets)?.length ?? 0);
          await peer.sendChunks(octets.subarray(0, openLength), exchange);
          await peer.expect('OPENED', { channel: 1, requirement: 'WIR-002' });
          if (messages.length > 0) await peer.sendChunks(octets.subarray(openLength), exchange);
          for (const message of messages) {
            const echo = await readMessage(peer, 1, 'WIR-002');
            if (!equal(echo, message.octets)) fail('the message that was sent', 'another one', 'CHN-015');
          }
        },
      ),
  },
  {
    id: 'WIR-003/strict-prefixes',
    requirements: ['WIR-003', 'WIR-002'],
    title: 'a strict prefix of a frame waits',
    stimulus: 'A right frame is cut at a generated place; the rest follows after another connection has been served.',
    expectation: 'Nothing but signs of life arrives in between; the whole frame has its effect.',
    estimateMs: 800,
    deepEstimateMs: 20000,
    run: (context) =>
      checkProperty(
        context,
        fc.record({
          name: fc.constantFrom(...Object.keys(FRAMES).filter((name) => !['PONG', 'CLOSE', 'PROOF'].includes(name))),
          cut: fc.nat({ max: 10_000 }),
        }),
        async ({ name, cut }) => {
          const { peer } = await sessionWithModel(context);
          const other = await context.established();
          const frame = FRAMES[name]?.(peer, context) ?? new Uint8Array(0);
          const at = 1 + (cut % (frame.length - 1));
          const before = peer.log.entries.length;
          peer.sendOctets(frame.subarray(0, at), `the first ${at} of ${frame.length} octets of ${name}`);
          await other.barrier();
          const early = peer.log.entries
            .slice(before)
            .find(({ direction, text }) => direction === 'received' && !/^(PING|CREDIT|type 0x[89a-f])/.test(text));
          if (early !== undefined) fail('nothing before the frame is complete', early.text, 'WIR-003');
          peer.sendOctets(frame.subarray(at), `the other ${frame.length - at} octets of ${name}`);
          if (name === 'PING') await peer.expect('PONG', { requirement: 'WIR-002' });
          await peer.barrier('WIR-002');
        },
      ),
  },
  {
    id: 'WIR-027/mutated-frame',
    requirements: ['WIR-027'],
    title: 'a mutated frame gets the error that the order of checks names',
    stimulus: 'A right frame is changed in one to three generated ways and sent in an established session.',
    expectation: 'The server answers as the state tables and the order of checks predict.',
    estimateMs: 600,
    deepEstimateMs: 15000,
    run: (context) =>
      checkProperty(
        context,
        fc.record({ name: fc.constantFrom(...Object.keys(FRAMES)), list: edits() }),
        async ({ name, list }) => {
          const { peer, model } = await sessionWithModel(context);
          const frame = applyEdits(FRAMES[name]?.(peer, context) ?? new Uint8Array(0), list);
          const reaction = model.receive(frame);
          peer.sendFrame(frame);
          await requireReaction(peer, frame, reaction);
        },
        undefined,
        { quick: 24, deep: 1000 },
      ),
  },
  {
    id: 'WIR-027/mutated-connect',
    requirements: ['WIR-027', 'EST-005'],
    title: 'a mutated CONNECT gets the error that the order of checks names',
    stimulus: 'A right CONNECT is changed in one to three generated ways after it was signed.',
    expectation: 'The server answers with REJECT and the code of the first check that fails.',
    estimateMs: 500,
    deepEstimateMs: 12500,
    run: (context) =>
      checkProperty(context, edits(), async (list) => {
        const peer = await context.challenged();
        const right = peer.buildConnect();
        const frame = applyEdits(right, list);
        const { identity } = context.target;
        const model = new ReceiverModel('server', { identity, verdicts: { signature: equal(frame, right) } });
        const reaction = model.receive(frame);
        peer.connectFrame = frame;
        peer.sendFrame(frame);
        if ('error' in reaction) {
          await peer.expectViolation(reaction.error, { requirement: reaction.requirement });
        } else if (reaction.next === 'closed') {
          await peer.expectNoFrame();
        } else {
          await peer.expectAccept();
        }
      }),
  },
  {
    id: 'WIR-027/stray-octets',
    requirements: ['WIR-027', 'EST-026'],
    title: 'no octets bring the server down',
    stimulus: 'Generated octets are sent instead of CONNECT, then the client ends its side.',
    expectation:
      'The server answers with REJECT and the code predicted, or ends the connection; the next session works.',
    estimateMs: 300,
    deepEstimateMs: 7500,
    run: (context) =>
      checkProperty(
        context,
        strayOctets(),
        async (octets) => {
          const peer = await context.challenged();
          const [first] = new ReceiverModel('server', { verdicts: { signature: false } }).receiveOctets(octets);
          peer.sendOctets(octets);
          if (first !== undefined && 'error' in first) {
            await peer.expectViolation(first.error, { requirement: first.requirement });
          } else {
            peer.socket.end();
            const answer = await peer.nextOrEnd('the end of the connection');
            if (typeof answer !== 'string' && answer.name !== 'REJECT') fail('no session', answer.text, 'EST-026');
          }
        },
        showOctets,
      ),
  },
  {
    id: 'CHN-015/command-sequences',
    requirements: ['CHN-015', 'CHN-003', 'CHN-032', 'SES-004'],
    title: 'any right sequence of commands is answered rightly',
    stimulus: 'Channels are opened, used, ended and reset in a generated order, with PINGs and CREDITs between.',
    expectation: 'Each channel behaves as its application says, whatever happens on the others.',
    estimateMs: 700,
    deepEstimateMs: 17500,
    run: (context) => checkProperty(context, serverCommands(), (commands) => runSequence(context, commands)),
  },
  {
    id: 'CNT-030/any-life-of-a-session',
    requirements: ['CNT-030', 'CNT-013', 'CNT-027', 'CNT-029', 'CNT-033', 'CNT-039', 'CNT-045'],
    title: 'a session goes on through any sequence of cuts, rotations and drains',
    stimulus:
      'Messages, verdicts, credit, ends and resets go over channels of a session whose connections are cut at generated octets, rotated while they stand, drained, or closed without ending the session.',
    expectation: 'Each message and verdict arrives once and in order, and both ends state the right last cursors.',
    estimateMs: 1200,
    deepEstimateMs: 40000,
    run: (context) =>
      checkProperty(context, continuityCommands(), (commands) => runContinuity(context, commands), undefined, {
        quick: 10,
        deep: 600,
      }),
  },
]);

import fc from 'fast-check';
import type { ClientCase } from '../cases/case.ts';
import { clientCases } from '../cases/case.ts';
import type { ClientContext, Met } from '../cases/client-context.ts';
import { buildRawFrame, concat, greaseType } from '../model/codec.ts';
import { ReceiverModel } from '../model/machine.ts';
import { assertEqual, fail } from '../peer/failure.ts';
import type { ServerPeer } from '../peer/server-peer.ts';
import { applyEdits, chunkSizes, edits, fragmentsOf, messagePlans, showOctets, strayOctets } from './arbitraries.ts';
import { clientCommands, runClientSequence } from './client-sequence.ts';
import { checkProperty } from './property.ts';
import { requireReaction } from './reactions.ts';

/** Frames of a server in a session with channel 1 open, each right. */
const FRAMES: Readonly<Record<string, (peer: ServerPeer, context: ClientContext) => Uint8Array>> = {
  PING: (peer, context) => peer.build('PING', { fields: { data: context.bytes(8) } }),
  PONG: (peer, context) => peer.build('PONG', { fields: { data: context.bytes(8) } }),
  CLOSE: (peer) =>
    peer.build('CLOSE', {
      flags: ['END_SESSION'],
      fields: { receive_cursor: peer.receivedSeq, send_cursor: peer.nextSeq - 1n },
    }),
  MESSAGE: (peer, context) =>
    peer.build('MESSAGE', { channel: 1, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(12) } }),
  CREDIT: (peer) => peer.build('CREDIT', { channel: 1, fields: { message_limit: 1000, byte_limit: 2_000_000 } }),
  END: (peer) => peer.build('END', { channel: 1 }),
  RESET: (peer) => peer.build('RESET', { channel: 1, fields: { code: 0x0404 } }),
  OPENED: (peer) => peer.build('OPENED', { channel: 1 }),
  REFUSED: (peer) => peer.build('REFUSED', { channel: 1, fields: { code: 0x0401 } }),
  PROVE: (peer, context) =>
    peer.build('PROVE', { channel: 1, fields: { nonce: context.bytes(32), chain: [context.bytes(9)] } }),
  IGNORABLE: (_peer, context) => buildRawFrame({ type: greaseType(3), payload: context.bytes(6) }),
};

/** A session with channel 1 open, and the model of the client in it. */
async function sessionWithModel(context: ClientContext): Promise<Met & { readonly model: ReceiverModel }> {
  const met = await context.established();
  const own: Record<string, number> = {};
  for (const { name, value } of met.connect.parameters) {
    if (name !== undefined && typeof value === 'number') own[name] = value;
  }
  const model = new ReceiverModel('client', { state: 'established', own });
  return context.dependency('opening a channel', async () => {
    const channel = await met.client.open('test/echo');
    model.send((await met.peer.expect('OPEN', { channel })).octets);
    const opened = met.peer.build('OPENED', { channel });
    model.receive(opened);
    met.peer.sendFrame(opened);
    await met.client.expectEvent('opened');
    return { ...met, model };
  });
}

/** Properties of a client. */
export const clientProperties: readonly ClientCase[] = clientCases([
  {
    id: 'WIR-002/client-any-chunking',
    requirements: ['WIR-002', 'CHN-015'],
    title: 'any division of a valid exchange is accepted',
    stimulus: 'CHALLENGE, ACCEPT, OPENED and messages are sent in generated pieces, each in a TLS record of its own.',
    expectation: 'The client establishes the session and delivers each message unchanged and in order.',
    estimateMs: 500,
    deepEstimateMs: 12500,
    run: (context) =>
      checkProperty(
        context,
        fc.record({ sizes: chunkSizes(), messages: fc.array(messagePlans(), { maxLength: 4 }) }),
        async ({ sizes, messages }) => {
          const { peer, client } = await context.connected();
          const challenge = peer.build('CHALLENGE', { fields: { server_nonce: context.bytes(32) } });
          peer.challengeFrame = challenge;
          await peer.sendChunks(challenge, sizes);
          await peer.expectConnect();
          await peer.sendChunks(peer.buildAccept(), sizes);
          await client.expectEvent('established', 'WIR-002');
          const channel = await client.open('test/source');
          await peer.expect('OPEN', { channel });
          const fragments = messages.flatMap(fragmentsOf);
          const frames = fragments.map(({ flags, fragment }) => ({ channel, flags, fields: { fragment } }));
          const opened = peer.build('OPENED', { channel });
          await peer.sendChunks(concat(opened, ...frames.map((input) => peer.build('MESSAGE', input))), sizes);
          await client.expectEvent('opened', 'WIR-002');
          for (const message of messages) {
            const event = await client.expectEvent('message', 'CHN-015');
            assertEqual('message', event.message, Buffer.from(message.octets).toString('base64'), 'CHN-015');
          }
        },
      ),
  },
  {
    id: 'WIR-003/client-strict-prefixes',
    requirements: ['WIR-003', 'WIR-002'],
    title: 'a strict prefix of a frame waits',
    stimulus: 'A right frame is cut at a generated place; the rest follows after the driver has answered a request.',
    expectation:
      'Nothing but signs of life arrives, and nothing is reported, in between; the whole frame has its effect.',
    estimateMs: 500,
    deepEstimateMs: 12500,
    run: (context) =>
      checkProperty(
        context,
        fc.record({
          name: fc.constantFrom('PING', 'MESSAGE', 'CREDIT', 'END', 'RESET', 'IGNORABLE'),
          cut: fc.nat({ max: 10_000 }),
        }),
        async ({ name, cut }) => {
          const { peer, client } = await sessionWithModel(context);
          const frame = FRAMES[name]?.(peer, context) ?? new Uint8Array(0);
          const at = 1 + (cut % (frame.length - 1));
          peer.sendOctets(frame.subarray(0, at), `the first ${at} of ${frame.length} octets of ${name}`);
          // OPEN of another channel is a barrier in the other direction: the client is alive and has not reacted.
          const channel = await client.open('test/echo');
          const next = await peer.next('OPEN of another channel', 'OPEN');
          if (next.name !== 'OPEN' || next.channel !== channel) {
            fail('nothing before the frame is complete', next.text, 'WIR-003');
          }
          const [early] = client.pendingEvents;
          if (early !== undefined) fail('no event before the frame is complete', early.event, 'WIR-003');
          peer.sendOctets(frame.subarray(at), `the other ${frame.length - at} octets of ${name}`);
          if (name === 'PING') await peer.expect('PONG', { requirement: 'WIR-002' });
          await peer.barrier('WIR-002');
        },
      ),
  },
  {
    id: 'WIR-027/client-mutated-frame',
    requirements: ['WIR-027'],
    title: 'a mutated frame gets the error that the order of checks names',
    stimulus: 'A right frame is changed in one to three generated ways and sent in an established session.',
    expectation: 'The client answers as the state tables and the order of checks predict.',
    estimateMs: 800,
    deepEstimateMs: 20000,
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
    id: 'WIR-027/client-stray-octets',
    requirements: ['WIR-027', 'EST-027'],
    title: 'no octets bring the client down',
    stimulus: 'Generated octets are sent instead of CHALLENGE, then the server ends its side.',
    expectation: 'The client sends CLOSE with the code predicted, or ends the connection, and reports a failure.',
    estimateMs: 300,
    deepEstimateMs: 7500,
    run: (context) =>
      checkProperty(
        context,
        strayOctets(),
        async (octets) => {
          const { peer, client } = await context.connected();
          const [first] = new ReceiverModel('client').receiveOctets(octets);
          peer.sendOctets(octets);
          if (first !== undefined && 'error' in first) {
            await peer.expectViolation(first.error, { requirement: first.requirement });
          } else {
            peer.socket.end();
          }
          const event = await client.nextEvent('the event failed or rejected');
          if (event.event !== 'failed' && event.event !== 'rejected') fail('a failure', event.event, 'SES-016');
        },
        showOctets,
      ),
  },
  {
    id: 'CHN-015/client-command-sequences',
    requirements: ['CHN-015', 'CHN-003', 'CHN-032', 'SES-004'],
    title: 'any right sequence of commands and frames is answered rightly',
    stimulus: 'Channels are opened, used, ended and reset from both sides in a generated order, with PINGs between.',
    expectation: 'The client sends what it is asked to, reports what it receives, and each channel stands for itself.',
    estimateMs: 700,
    deepEstimateMs: 17500,
    run: (context) => checkProperty(context, clientCommands(), (commands) => runClientSequence(context, commands)),
  },
]);

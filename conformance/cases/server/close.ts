import type { FrameInput } from '../../model/codec.ts';
import { buildFrame, buildRawFrame, greaseType } from '../../model/codec.ts';
import { machineOf, registry, timer } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly } from './client-frames.ts';
import { receiveMessage, sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const CLOSE_DEADLINE_MS = timer('close_deadline_ms');
const LARGEST = 2n ** 53n - 1n;

/** Waits for the server's CLOSE, whatever was under way before it. */
async function closeOf(peer: ClientPeer, code: string, requirement: string): Promise<ReceivedFrame> {
  const close = await peer.expectWhere(`CLOSE(${code})`, ({ name }) => name === 'CLOSE', { requirement });
  return close.requireCode(code, requirement);
}

/** Fails unless both cursors of a CLOSE are what the harness has sent and received. */
function requireCursors(peer: ClientPeer, close: ReceivedFrame): void {
  assertEqual('receive cursor', close.integer('receive_cursor'), peer.nextSeq - 1n, 'SES-012');
  assertEqual('send cursor', close.integer('send_cursor'), peer.receivedSeq, 'SES-012');
}

/** A session in which both ends have sent sequenced frames: three messages and their echoes. */
async function withTraffic(context: ServerContext): Promise<{ readonly peer: ClientPeer; readonly channel: number }> {
  const { peer, channel } = await context.opened('test/echo');
  await context.dependency('three messages and their echoes', async () => {
    for (let count = 0; count < 3; count += 1) {
      peer.sendMessage(channel, context.bytes(20));
      await receiveMessage(peer, channel);
    }
  });
  return { peer, channel };
}

interface WrongCursor {
  readonly slug: string;
  readonly what: string;
  readonly fields: (peer: ClientPeer) => NonNullable<FrameInput['fields']>;
  readonly code?: string;
}

/** Cursors that contradict the session; each side has sent four sequenced frames. */
const WRONG_CURSORS: readonly WrongCursor[] = [
  {
    slug: 'receive-cursor-one-too-high',
    what: 'a receive cursor one beyond what the server has sent',
    fields: (peer) => ({ receive_cursor: peer.receivedSeq + 1n }),
  },
  {
    slug: 'receive-cursor-largest',
    what: 'a receive cursor of 2^53 - 1',
    fields: () => ({ receive_cursor: LARGEST }),
  },
  {
    slug: 'send-cursor-one-too-low',
    what: 'a send cursor one below what the client has sent',
    fields: (peer) => ({ send_cursor: peer.nextSeq - 2n }),
  },
  {
    slug: 'send-cursor-one-too-high',
    what: 'a send cursor one beyond what the client has sent',
    fields: (peer) => ({ send_cursor: peer.nextSeq }),
  },
  { slug: 'send-cursor-zero', what: 'a send cursor of zero', fields: () => ({ send_cursor: 0 }) },
  { slug: 'send-cursor-largest', what: 'a send cursor of 2^53 - 1', fields: () => ({ send_cursor: LARGEST }) },
  {
    slug: 'cursors-swapped',
    what: 'its two cursors in the wrong order',
    // One more frame of the client than of the server: the two differ.
    fields: (peer) => ({ receive_cursor: peer.nextSeq - 1n, send_cursor: peer.receivedSeq }),
  },
  {
    slug: 'with-an-error-code',
    what: 'the code INTERNAL_ERROR and a send cursor one too high',
    code: 'INTERNAL_ERROR',
    fields: (peer) => ({ send_cursor: peer.nextSeq }),
  },
];

const cursorCases = WRONG_CURSORS.map(({ slug, what, fields, code = 'NO_ERROR' }): NewCase => ({
  id: `SES-013/${slug}`,
  requirements: ['SES-013', 'SES-003'],
  title: `a CLOSE with ${what} is an error`,
  stimulus: `Messages have gone both ways. Then the client sends CLOSE with ${what}.`,
  expectation: 'The server answers with CLOSE(CURSOR_INVALID) and closes its direction.',
  run: async (context) => {
    const { peer, channel } = await withTraffic(context);
    if (slug === 'cursors-swapped') {
      peer.send('END', { channel });
      await peer.expect('END', { channel });
      peer.sendOpen('no/such/application');
      await peer.expect('REFUSED');
      peer.send('RESET', { channel, fields: { code: 0x0403 } });
    }
    peer.sendClose(code, { fields: fields(peer) });
    await closeOf(peer, 'CURSOR_INVALID', 'SES-013');
    await peer.expectNoFrame('SES-011');
  },
}));

interface OrderlyClose {
  readonly id: string;
  readonly also?: readonly string[];
  readonly what: string;
  readonly send: (peer: ClientPeer) => void;
}

/** Closes that are in order, however unusual; the answer is the same. */
const ORDERLY: readonly OrderlyClose[] = [
  {
    id: 'SES-012/error-code',
    what: 'CLOSE(INTERNAL_ERROR)',
    send: (peer) => peer.sendClose('INTERNAL_ERROR'),
  },
  {
    id: 'SES-012/protocol-error-code',
    what: 'CLOSE(SEQUENCE_INVALID), as if the server had broken a rule',
    send: (peer) => peer.sendClose('SEQUENCE_INVALID'),
  },
  {
    id: 'SES-012/going-away',
    what: 'CLOSE(SHUTTING_DOWN)',
    send: (peer) => peer.sendClose('SHUTTING_DOWN'),
  },
  {
    id: 'SES-029/without-end-session',
    also: ['SES-017', 'SES-012'],
    what: 'CLOSE(NO_ERROR) without the flag END_SESSION',
    send: (peer) => peer.sendClose('NO_ERROR', { flags: [] }),
  },
  {
    id: 'SES-013/lower-receive-cursor',
    also: ['SES-012'],
    what: 'CLOSE with a receive cursor of zero, as if nothing had been read yet',
    send: (peer) => peer.sendClose('NO_ERROR', { fields: { receive_cursor: 0 } }),
  },
];

const orderlyCases = ORDERLY.map(({ id, also = [], what, send }): NewCase => ({
  id,
  requirements: [id.slice(0, 7), ...also],
  title: `${what} is answered with CLOSE(NO_ERROR)`,
  stimulus: `Messages have gone both ways. Then the client sends ${what}, and keeps its direction open.`,
  expectation:
    'The server answers with CLOSE(NO_ERROR), END_SESSION set, both final cursors right, and closes its direction.',
  run: async (context) => {
    const { peer } = await withTraffic(context);
    send(peer);
    const close = await closeOf(peer, 'NO_ERROR', id.slice(0, 7));
    requireCursors(peer, close);
    await peer.expectNoFrame('SES-012');
  },
}));

/** One frame for each column of the connection table, and frames that are wrong in every layer. */
function everything(): readonly Uint8Array[] {
  const frames = machineOf('server', 'connection')
    .frames.filter((name) => name !== 'IGNORABLE' && name !== 'CLOSE')
    .map((name) => {
      const row = registry.frames.find((candidate) => candidate.name === name);
      const { layer = 'session', sequenced = false } = row ?? {};
      return buildFrame(name, { channel: layer === 'channel' ? 1 : 0, seq: sequenced ? 2 : 0 });
    });
  return [
    ...frames,
    buildRawFrame({ type: greaseType(0), payload: Uint8Array.of(1) }),
    buildRawFrame({ type: 0x3f }),
    buildFrame('PING', { flags: 0xff, channel: 9, seq: 9 }),
    buildFrame('CLOSE', { rawPayload: new Uint8Array(3) }),
  ];
}

interface Ending {
  readonly slug: string;
  readonly what: string;
  readonly requirement: string;
  /** Brings the connection to the point where the server has sent its last frame. */
  readonly reach: (context: ServerContext) => Promise<ClientPeer>;
}

const ENDINGS: readonly Ending[] = [
  {
    slug: 'after-an-error',
    what: 'the server has sent CLOSE because of an error',
    requirement: 'SES-003',
    reach: async (context) => {
      const peer = await context.established();
      peer.sendRaw({ type: 0x3f });
      await closeOf(peer, 'FRAME_UNKNOWN', 'SES-003');
      return peer;
    },
  },
  {
    slug: 'after-an-answered-close',
    what: "the server has answered the client's CLOSE",
    requirement: 'SES-012',
    reach: async (context) => {
      const peer = await context.established();
      peer.sendClose();
      await closeOf(peer, 'NO_ERROR', 'SES-012');
      return peer;
    },
  },
  {
    slug: 'after-closing-itself',
    what: 'the server has sent CLOSE by itself (test/close)',
    requirement: 'APP-001',
    reach: async (context) => {
      const { peer, channel } = await context.opened('test/close');
      peer.sendMessage(channel, context.bytes(1));
      await closeOf(peer, 'NO_ERROR', 'APP-001');
      return peer;
    },
  },
  {
    slug: 'after-reject',
    what: 'the server has sent REJECT',
    requirement: 'EST-026',
    reach: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ audience: context.kit.index.otherServerIdentity });
      const reject = await peer.expect('REJECT', { requirement: 'EST-026' });
      reject.requireCode('AUDIENCE_MISMATCH', 'EST-016');
      return peer;
    },
  },
];

const reset = (peer: ClientPeer): string | undefined =>
  peer.log.entries.find(({ text }) => text.startsWith('connection reset'))?.text;

/** Whatever comes now is discarded. */
const discardCases = ENDINGS.map(({ slug, what, reach }): NewCase => ({
  id: `SES-028/${slug}`,
  requirements: ['SES-028', 'SES-011', 'SES-014'],
  title: `nothing is answered when ${what}`,
  stimulus: `When ${what}, the client sends one frame of each kind, in order and not, right and wrong, and at last a CLOSE.`,
  expectation: 'No frame is sent in answer, and the stream ends in order.',
  run: async (context) => {
    const peer = await reach(context);
    peer.sendTogether([...everything(), buildFrame('CLOSE', { flags: ['END_SESSION'] }), buildFrame('PING')]);
    await peer.expectEnd('SES-028');
    const cut = reset(peer);
    if (cut !== undefined) fail('an orderly end of the stream', cut, 'SES-014');
  },
}));

/** Octets that are no frames at all, after the last frame. */
const noiseCases = ENDINGS.map(({ slug, what, reach }): NewCase => ({
  id: `SES-014/noise-${slug}`,
  requirements: ['SES-014', 'SES-028'],
  title: `octets that are no frames are discarded when ${what}`,
  stimulus: `When ${what}, the client sends a header that announces more than the maximum and 200,000 octets of noise.`,
  expectation: 'The server reads all of it, sends nothing, and the stream ends in order.',
  run: async (context) => {
    const peer = await reach(context);
    peer.sendOctets(new Uint8Array(16).fill(0xff), 'a header of sixteen octets 0xff');
    const noise = new Uint8Array(50_000).fill(0xaa);
    for (let count = 0; count < 4; count += 1) peer.sendOctets(noise, '50,000 octets of noise');
    await peer.expectEnd('SES-014');
    const cut = reset(peer);
    if (cut !== undefined) fail('an orderly end of the stream', cut, 'SES-014');
  },
}));

/** The server waits for the client to end its direction. */
const lingerCases = ENDINGS.map(({ slug, what, reach }): NewCase => ({
  id: `SES-014/lingers-${slug}`,
  requirements: ['SES-014'],
  title: `the server goes on reading when ${what}`,
  stimulus: `When ${what}, the client does not end its direction, but sends PINGs, waits until another session has exchanged messages, and sends more.`,
  expectation: 'The connection is not cut; it ends in order as soon as the client ends its direction.',
  run: async (context) => {
    const peer = await reach(context);
    for (let round = 0; round < 3; round += 1) {
      peer.sendTogether(Array.from({ length: 20 }, () => buildFrame('PING')));
      const { peer: other } = await context.opened('test/echo');
      await other.close();
    }
    await peer.expectEnd('SES-014');
    const cut = reset(peer);
    if (cut !== undefined) fail('an orderly end of the stream', cut, 'SES-014');
  },
}));

/** The server does not wait for ever. */
const cutCases = ENDINGS.map(({ slug, what, reach }): NewCase => ({
  id: `SES-015/cut-${slug}`,
  requirements: ['SES-015', 'SES-014'],
  title: `the connection is cut at the close deadline when ${what}`,
  stimulus: `When ${what}, the client never ends its direction and goes on sending a PING five times a second.`,
  expectation: `The connection is cut after ${CLOSE_DEADLINE_MS / 1000} seconds, and not much before.`,
  timing: true,
  estimateMs: CLOSE_DEADLINE_MS + 500,
  run: async (context) => {
    const peer = await reach(context);
    const startedAt = performance.now();
    const cut = await new Promise<boolean>((resolve) => {
      const beat = setInterval(() => peer.socket.write(buildFrame('PING')), 200);
      const late = setTimeout(() => settle(false), CLOSE_DEADLINE_MS + 2500);
      const settle = (result: boolean): void => {
        clearInterval(beat);
        clearTimeout(late);
        resolve(result);
      };
      peer.socket.once('error', () => settle(true));
      peer.socket.once('close', () => settle(true));
    });
    const waitedMs = Math.round(performance.now() - startedAt);
    if (!cut) fail(`a cut after ${CLOSE_DEADLINE_MS} ms`, `none after ${waitedMs} ms`, 'SES-015');
    assertThat(
      waitedMs > CLOSE_DEADLINE_MS - 1000,
      `a cut after ${CLOSE_DEADLINE_MS} ms`,
      `after ${waitedMs} ms`,
      'SES-014',
    );
  },
}));

/** Section 5.3, for a server. */
export const close: readonly ServerCase[] = serverCases([
  ...cursorCases,
  ...orderlyCases,
  ...discardCases,
  ...noiseCases,
  ...lingerCases,
  ...cutCases,
  {
    id: 'SES-002/mixed-exchange',
    requirements: ['SES-002', 'WIR-010', 'CHN-012', 'CHN-020', 'SES-012'],
    title: 'a server that is kept busy sends only what the tables allow',
    stimulus:
      'The client grants little credit and uses every application of test mode but test/close at once: it sends messages in fragments, grants credit, resets and ends channels, and closes in order.',
    expectation:
      'Every frame of the server is one that a client accepts in its state, up to the final CLOSE with the right cursors.',
    estimateMs: 200,
    run: async (context) => {
      const parameters = [
        { id: 'initial_message_credit', value: 2 },
        { id: 'initial_byte_credit', value: 700 },
      ];
      const peer = await context.established({ connect: { parameters } });
      const open = async (name: string, data?: Uint8Array): Promise<number> => {
        const channel = peer.sendOpen(name, data);
        await peer.expect('OPENED', { channel, requirement: 'CHN-005' });
        return channel;
      };
      const echo = await open('test/echo');
      const source = await open('test/source', sourceRequest(6, 400));
      const reset = await open('test/reset');
      const sink = await open('test/sink');
      const data = await open('test/data', context.bytes(5));
      const hold = await open('test/hold');
      peer.sendOpen('test/refuse');
      for (const flags of [['FIRST'], [], ['LAST']]) {
        for (const channel of [echo, sink, data, hold]) {
          peer.send('MESSAGE', { channel, flags, fields: { fragment: context.bytes(100) } });
        }
      }
      peer.sendMessage(reset, context.bytes(1));
      peer.send('CREDIT', { channel: source, fields: { message_limit: 6, byte_limit: 2400 } });
      await peer.barrier('SES-002');
      peer.send('END', { channel: echo });
      peer.send('END', { channel: sink });
      peer.send('RESET', { channel: hold, fields: { code: 0x0403 } });
      peer.send('RESET', { channel: reset, fields: { code: 0x0405 } });
      peer.send('CREDIT', { channel: data, fields: { message_limit: 5, byte_limit: 5000 } });
      await peer.barrier('SES-002');
      peer.send('RESET', { channel: source, fields: { code: 0x0403 } });
      await peer.barrier('SES-002');
      const answer = await peer.close();
      requireCursors(peer, answer);
    },
  },
  {
    id: 'SES-012/at-once',
    requirements: ['SES-012'],
    title: 'a session may be closed as soon as it exists',
    stimulus: 'The client sends CLOSE as its first frame after ACCEPT, and keeps its direction open.',
    expectation: 'The server answers with CLOSE(NO_ERROR), both cursors zero, and closes its direction.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendClose();
      const answer = await closeOf(peer, 'NO_ERROR', 'SES-012');
      requireCursors(peer, answer);
      await peer.expectNoFrame('SES-012');
    },
  },
  {
    id: 'SES-012/while-receiving',
    requirements: ['SES-012', 'SES-011'],
    title: 'a CLOSE in the middle of a transfer from the server stops it',
    stimulus:
      'The client lets test/source send five hundred messages, reads the first one and sends CLOSE with the cursor it has reached.',
    expectation:
      'The server answers with CLOSE(NO_ERROR) whose send cursor is the last sequence number that arrived, and nothing follows.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 500 }];
      const { peer, channel } = await context.opened('test/source', {
        connect: { parameters },
        data: sourceRequest(500, 1000),
      });
      await receiveMessage(peer, channel);
      peer.sendClose();
      const answer = await closeOf(peer, 'NO_ERROR', 'SES-012');
      requireCursors(peer, answer);
      await peer.expectNoFrame('SES-011');
    },
  },
  {
    id: 'SES-012/inside-a-message',
    requirements: ['SES-012', 'SES-013'],
    title: 'a CLOSE inside a message is in order',
    stimulus: 'The client sends the first fragment of a message, and then CLOSE.',
    expectation: 'The server answers with CLOSE(NO_ERROR) and a receive cursor that counts the fragment.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: context.bytes(100) } });
      const answer = await peer.close();
      requireCursors(peer, answer);
    },
  },
  {
    id: 'SES-012/messages-waiting',
    requirements: ['SES-012'],
    title: 'a CLOSE does not wait for messages that wait for credit',
    stimulus: 'test/source has a hundred messages to send and no credit; the client sends CLOSE.',
    expectation: 'The server answers with CLOSE(NO_ERROR); its send cursor counts none of the waiting messages.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 0 }];
      const { peer } = await context.opened('test/source', { connect: { parameters }, data: sourceRequest(100, 10) });
      const answer = await peer.close();
      requireCursors(peer, answer);
    },
  },
  {
    id: 'SES-012/many-channels',
    requirements: ['SES-012'],
    title: 'a CLOSE ends all channels without a further word about them',
    stimulus: 'The client has eight channels open, of test/echo, test/hold and test/sink, and sends CLOSE.',
    expectation: 'The next frame is CLOSE(NO_ERROR): no END and no RESET for the channels.',
    run: async (context) => {
      const peer = await context.established();
      const names = [
        'test/echo',
        'test/hold',
        'test/sink',
        'test/echo',
        'test/hold',
        'test/sink',
        'test/echo',
        'test/hold',
      ];
      for (const name of names) await context.dependency(`opening ${name}`, () => peer.open(name));
      await context.dependency('a PING', () => peer.barrier());
      peer.sendClose();
      const answer = await peer.expect('CLOSE', { requirement: 'SES-012' });
      answer.requireCode('NO_ERROR', 'SES-012');
      requireCursors(peer, answer);
    },
  },
  {
    id: 'SES-011/crossing',
    requirements: ['SES-011', 'SES-012'],
    title: 'two CLOSEs may cross',
    stimulus:
      "A message to test/close, which makes the server close, and the client's own CLOSE are sent in one TLS record.",
    expectation: 'Exactly one CLOSE(NO_ERROR) comes from the server, and the stream ends in order.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/close');
      const fields = { fragment: context.bytes(1) };
      const message = peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields });
      const own = peer.build('CLOSE', {
        flags: ['END_SESSION'],
        fields: { receive_cursor: peer.receivedSeq, send_cursor: peer.nextSeq - 1n },
      });
      peer.sendTogether([message, own]);
      await closeOf(peer, 'NO_ERROR', 'SES-011');
      await peer.expectEnd('SES-011');
    },
  },
  {
    id: 'SES-011/crossing-with-wrong-cursors',
    requirements: ['SES-011', 'SES-028'],
    title: 'a CLOSE that comes after the server has closed is not judged any more',
    stimulus: "The server closes by itself (test/close); the client's CLOSE, sent after, has cursors that are wrong.",
    expectation: 'Nothing follows the CLOSE(NO_ERROR) of the server.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/close');
      peer.sendMessage(channel, context.bytes(1));
      await closeOf(peer, 'NO_ERROR', 'APP-001');
      peer.sendClose('NO_ERROR', { fields: { receive_cursor: LARGEST, send_cursor: LARGEST } });
      await peer.expectEnd('SES-028');
    },
  },
  {
    id: 'SES-003/cursors-with-an-error',
    requirements: ['SES-003', 'SES-012'],
    title: 'a CLOSE because of an error states both cursors',
    stimulus: 'Messages have gone both ways. Then the client sends a PING with an undefined flag.',
    expectation:
      'The server sends CLOSE(FLAGS_INVALID) with END_SESSION; both cursors are those of the last sequenced frames.',
    run: async (context) => {
      const { peer } = await withTraffic(context);
      peer.send('PING', { flags: 0x01 });
      const answer = await expectExactly(peer, 'FLAGS_INVALID', 'SES-003', { probe: false });
      assertThat(answer.has('END_SESSION'), 'END_SESSION', answer.text, 'SES-003');
      requireCursors(peer, answer);
    },
  },
  {
    id: 'SES-003/wrong-frame-is-not-counted',
    requirements: ['SES-003', 'SES-012'],
    title: 'a frame that is an error is not counted as processed',
    stimulus:
      'Messages have gone both ways. Then a message arrives on a channel that was never opened, with the number that is due.',
    expectation: 'The server sends CLOSE(CHANNEL_INVALID) whose receive cursor is that of the frame before.',
    run: async (context) => {
      const { peer, channel } = await withTraffic(context);
      peer.sendMessage(channel + 1, context.bytes(5));
      const answer = await expectExactly(peer, 'CHANNEL_INVALID', 'SES-003', { probe: false });
      assertEqual('receive cursor', answer.integer('receive_cursor'), peer.nextSeq - 2n, 'SES-012');
    },
  },
  {
    id: 'SES-030/with-the-answer-of-the-client',
    requirements: ['SES-030'],
    title: 'the server closes its direction when the CLOSE of the client arrives',
    stimulus:
      'The server has closed by itself (test/close). The client answers with CLOSE, and keeps its own direction open.',
    expectation: 'The stream of the server ends in order.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/close');
      peer.sendMessage(channel, context.bytes(1));
      await closeOf(peer, 'NO_ERROR', 'APP-001');
      peer.sendClose();
      await peer.expectNoFrame('SES-030');
    },
  },
  {
    id: 'SES-030/after-an-error',
    requirements: ['SES-030', 'SES-003'],
    title: 'the server closes its direction when the CLOSE of the client arrives after an error',
    stimulus:
      'The server has sent CLOSE because of an unknown frame. The client answers with CLOSE, and keeps its own direction open.',
    expectation: 'The stream of the server ends in order.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendRaw({ type: 0x3f });
      await closeOf(peer, 'FRAME_UNKNOWN', 'SES-003');
      peer.sendClose();
      await peer.expectNoFrame('SES-030');
    },
  },
  {
    id: 'SES-003/with-channels-open',
    requirements: ['SES-003', 'SES-011'],
    title: 'an error on one channel ends the session with all its channels',
    stimulus: 'While test/source sends on one channel, the client repeats a sequence number on another.',
    expectation: 'The server sends CLOSE(SEQUENCE_INVALID), and nothing after it.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 1000 }];
      const { peer, channel } = await context.opened('test/source', {
        connect: { parameters },
        data: sourceRequest(1000, 100),
      });
      await receiveMessage(peer, channel);
      peer.nextSeq -= 1n;
      peer.sendOpen('test/echo');
      await closeOf(peer, 'SEQUENCE_INVALID', 'SES-003');
      await peer.expectEnd('SES-011');
    },
  },
]);

import { setTimeout as elapse } from 'node:timers/promises';
import type { FrameInput } from '../../model/codec.ts';
import { buildFrame, buildRawFrame, equal, greaseType } from '../../model/codec.ts';
import { machineOf } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import { a, expectExactly, hex } from './client-frames.ts';

type NewCase = Omit<ServerCase, 'role'>;

const CONNECTIONS = 8;

/** Fails unless all values differ, each half of them too, and none is constant: what a counter or a clock would show. */
function requireRandom(values: readonly Uint8Array[], what: string, requirement: string): void {
  for (const [at, value] of values.entries()) {
    assertThat(new Set(value).size > 1, `a random ${what}`, Buffer.from(value).toString('hex'), requirement);
    const half = value.length / 2;
    for (const other of values.slice(0, at)) {
      if (equal(value, other)) fail(`a fresh ${what}`, 'one that was sent before', requirement);
      for (const [from, to] of [
        [0, half],
        [half, value.length],
      ] as const) {
        if (equal(value.subarray(from, to), other.subarray(from, to))) {
          fail(`a ${what} drawn from a secure generator`, 'two values with the same half', requirement);
        }
      }
    }
  }
}

/** A frame of each kind that a client could put behind or before its CONNECT, in order but for its time. */
const EARLY_FRAMES: Readonly<Record<string, FrameInput>> = {
  CHALLENGE: {},
  CONNECT: { fields: { audience: 'spiffe://hawser.test/server', scheme: 0x0403, signature: new Uint8Array(64) } },
  ACCEPT: { fields: { epoch: 1, scheme: 0x0403, signature: new Uint8Array(64) } },
  REJECT: {},
  PING: {},
  PONG: {},
  OPEN: { channel: 1, seq: 1, fields: { application: 'test/echo' } },
  OPENED: { channel: 1, seq: 1 },
  REFUSED: { channel: 1, seq: 1 },
  PROVE: { channel: 1, seq: 1 },
  PROOF: { channel: 1, seq: 1 },
  FORWARD: { channel: 1, seq: 1 },
  MESSAGE: { channel: 1, seq: 1, flags: ['FIRST', 'LAST'] },
  CREDIT: { channel: 1 },
  END: { channel: 1, seq: 1 },
  RESET: { channel: 1, seq: 1 },
};

function earlyFrame(name: string): Uint8Array {
  if (name === 'IGNORABLE') return buildRawFrame({ type: greaseType(1), payload: Uint8Array.of(1, 2, 3) });
  return buildFrame(name, EARLY_FRAMES[name] ?? {});
}

const errorCells = (state: string): readonly string[] =>
  machineOf('server', 'connection')
    .rows.filter((row) => row.state === state && row.error !== undefined)
    .map(({ frame }) => frame);

const nameOf = (frame: string): string => (frame === 'IGNORABLE' ? 'an ignorable frame of an unknown type' : a(frame));

/** Each error cell of the state in which the server waits for CONNECT. */
const awaitingCases = errorCells('awaiting-connect').map((frame): NewCase => ({
  id: `SES-001/awaiting-connect-${frame.toLowerCase()}`,
  requirements: ['SES-001', 'EST-026', 'EST-006'],
  title: `${frame} in place of CONNECT is refused`,
  stimulus: `A client answers CHALLENGE with ${nameOf(frame)} in place of CONNECT.`,
  expectation: 'The server answers with REJECT(FRAME_UNEXPECTED).',
  run: async (context) => {
    const peer = await context.challenged();
    peer.sendFrame(earlyFrame(frame));
    await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-001');
  },
}));

/** Each error cell of an established session: frames that belong to establishment or that only a server sends. */
const establishedCases = errorCells('established').map((frame): NewCase => ({
  id: `SES-001/established-${frame.toLowerCase()}`,
  requirements: ['SES-001', 'SES-003'],
  title: `${frame} from a client in an established session is refused`,
  stimulus: `In an established session the client sends ${nameOf(frame)}.`,
  expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED).',
  run: async (context) => {
    const peer = await context.established();
    peer.sendFrame(earlyFrame(frame));
    await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-001');
  },
}));

/** What an established session makes of the same frame, for a server that has decided before it reads on. */
type Afterwards = (peer: ClientPeer) => Promise<void>;

const closesWith =
  (code: string): Afterwards =>
  async (peer) => {
    await peer.expectViolation(code, { requirement: 'EST-014', probe: false });
  };

const AFTERWARDS: Readonly<Record<string, Afterwards>> = {
  PING: async (peer) => {
    await peer.expect('PONG', { requirement: 'SES-004' });
  },
  PONG: closesWith('FRAME_UNEXPECTED'),
  IGNORABLE: async (peer) => {
    await peer.barrier('WIR-006');
  },
  OPEN: async (peer) => {
    peer.nextSeq = 2n;
    await peer.expect('OPENED', { channel: 1, requirement: 'CHN-005' });
  },
  MESSAGE: closesWith('CHANNEL_INVALID'),
  CREDIT: closesWith('CHANNEL_INVALID'),
  END: closesWith('CHANNEL_INVALID'),
  RESET: closesWith('CHANNEL_INVALID'),
  OUTCOME: closesWith('CHANNEL_INVALID'),
  PROOF: closesWith('CHANNEL_INVALID'),
  FORWARD: async (peer) => {
    peer.nextSeq = 2n;
    await peer.expect('REFUSED', { channel: 1, requirement: 'RLY-013' });
  },
};

/** The first frame of the server after CONNECT; nothing may stand before it. */
async function decision(peer: ClientPeer): Promise<ReceivedFrame> {
  peer.keepIgnorable = true;
  const frame = await peer.next('ACCEPT or REJECT', 'PING');
  peer.keepIgnorable = false;
  if (frame.name !== 'ACCEPT' && frame.name !== 'REJECT') fail('ACCEPT or REJECT', frame.text, 'EST-008');
  return frame;
}

/** Each error cell of the state in which the server decides. A server that decides at once is never seen in it. */
const decidingCases = errorCells('deciding').map((frame): NewCase => ({
  id: `EST-014/${frame.toLowerCase()}`,
  requirements: ['EST-014', 'EST-026', 'EST-008'],
  title: `${frame} right behind CONNECT is no part of a session`,
  stimulus: `A right CONNECT is sent and, in the same TLS record, ${nameOf(frame)}.`,
  expectation:
    'The server answers with REJECT(FRAME_UNEXPECTED); or, if it had decided already, with ACCEPT and then as in an established session.',
  run: async (context) => {
    const peer = await context.challenged();
    const connect = peer.buildConnect();
    peer.connectFrame = connect;
    peer.sendTogether([connect, earlyFrame(frame)]);
    const answer = await decision(peer);
    if (answer.name === 'ACCEPT') {
      await (AFTERWARDS[frame] ?? closesWith('FRAME_UNEXPECTED'))(peer);
      return;
    }
    answer.requireCode('FRAME_UNEXPECTED', 'EST-014');
    await peer.expectEnd('EST-023');
  },
}));

interface EarlyClose {
  readonly slug: string;
  readonly what: string;
  readonly code?: number;
  readonly input?: FrameInput;
}

/** A CLOSE before CONNECT: what it says makes no difference. */
const EARLY_CLOSES: readonly EarlyClose[] = [
  { slug: 'no-error', what: 'CLOSE(NO_ERROR)' },
  { slug: 'authentication-failed', what: 'CLOSE(AUTHENTICATION_FAILED)', code: 0x0201 },
  { slug: 'unknown-code', what: 'CLOSE with the undefined code 0x7777', code: 0x7777 },
  {
    slug: 'cursors',
    what: 'CLOSE with cursors of 2^53 - 1',
    input: { fields: { receive_cursor: 2n ** 53n - 1n, send_cursor: 2n ** 53n - 1n } },
  },
  { slug: 'without-end-session', what: 'CLOSE without END_SESSION', input: { flags: [] } },
];

const earlyCloseCases = EARLY_CLOSES.map(({ slug, what, code, input = {} }): NewCase => ({
  id: `EST-033/${slug}`,
  requirements: ['EST-033', ...(slug === 'cursors' ? ['SES-013'] : [])],
  title: `${what} before CONNECT ends the connection in silence`,
  stimulus: `A client answers CHALLENGE with ${what}, and keeps its direction of the connection open.`,
  expectation: 'The server sends no frame and closes its direction.',
  run: async (context) => {
    const peer = await context.challenged();
    peer.sendClose('NO_ERROR', { ...input, fields: { code: code ?? 0, ...input.fields } });
    await peer.expectNoFrame('EST-033');
  },
}));

/** Sections 4.3 to 4.6 and the connection table, for a server: the challenge, the decision, what must not come when. */
export const accept: readonly ServerCase[] = serverCases([
  ...awaitingCases,
  ...establishedCases,
  ...decidingCases,
  ...earlyCloseCases,
  {
    id: 'EST-007/eight-connections',
    requirements: ['EST-007'],
    title: 'the nonces of CHALLENGE show no pattern',
    stimulus: 'A client makes eight TLS connections, all of them at once.',
    expectation: 'No two of the eight nonces have even a half in common, and none is a repetition of one octet.',
    run: async (context) => {
      const peers = await Promise.all(Array.from({ length: CONNECTIONS }, () => context.connect()));
      const nonces: Uint8Array[] = [];
      for (const peer of peers) nonces.push((await peer.expectChallenge()).bytes('server_nonce'));
      requireRandom(nonces, 'server_nonce', 'EST-007');
    },
  },
  {
    id: 'EST-019/eight-sessions',
    requirements: ['EST-019', 'EST-020'],
    title: 'the ids of sessions show no pattern',
    stimulus: 'A client establishes eight sessions, four after one another and four at once.',
    expectation:
      'No two of the eight session ids have even a half in common, none is a repetition of one octet, and each session has epoch 1 and receive cursor 0.',
    run: async (context) => {
      const ids: Uint8Array[] = [];
      const keep = async (): Promise<ClientPeer> => {
        const peer = await context.connect();
        ids.push((await peer.establish()).bytes('session_id'));
        return peer;
      };
      for (let count = 0; count < CONNECTIONS / 2; count += 1) await (await keep()).close();
      await Promise.all(Array.from({ length: CONNECTIONS / 2 }, keep));
      requireRandom(ids, 'session_id', 'EST-019');
    },
  },
  {
    id: 'EST-019/not-from-the-client',
    requirements: ['EST-019', 'EST-007'],
    title: 'neither session id nor nonce depend on what the client sends',
    stimulus: 'A client establishes two sessions with the same nonce of its own and the same parameters.',
    expectation: 'The two session ids differ, and neither holds octets of the nonces.',
    run: async (context) => {
      const nonce = context.bytes(32);
      const ids: Uint8Array[] = [];
      for (let count = 0; count < 2; count += 1) {
        const peer = await context.connect();
        const accepted = await peer.establish({ fields: { client_nonce: nonce } });
        const id = accepted.bytes('session_id');
        for (const own of [nonce, peer.challenge?.bytes('server_nonce') ?? nonce]) {
          if (Buffer.from(own).includes(Buffer.from(id))) fail('a session id of its own', 'part of a nonce', 'EST-019');
        }
        ids.push(id);
      }
      requireRandom(ids, 'session_id', 'EST-019');
    },
  },
  {
    id: 'EST-008/silent-until-connect',
    requirements: ['EST-008'],
    title: 'nothing comes between CHALLENGE and ACCEPT',
    stimulus:
      'A client reads CHALLENGE; another client establishes a session, exchanges messages with test/echo and closes; then the first one sends CONNECT.',
    expectation: 'The frames of the first connection are CHALLENGE and, after CONNECT, ACCEPT.',
    run: async (context) => {
      const peer = await context.challenged();
      const { peer: other, channel } = await context.opened('test/echo');
      other.sendMessage(channel, context.bytes(8));
      await other.expect('MESSAGE', { channel });
      await other.close();
      peer.sendConnect();
      await peer.expectAccept();
      const received = peer.log.entries.filter(({ direction }) => direction === 'received').slice(0, 2);
      const names = received.map(({ text }) => text.split(' ')[0]).join(', ');
      assertEqual('the first two frames', names, 'CHALLENGE, ACCEPT', 'EST-008');
    },
  },
  {
    id: 'EST-008/no-sign-of-life',
    requirements: ['EST-008'],
    title: 'the server keeps no interval before the session exists',
    stimulus:
      'After CHALLENGE a client waits for longer than the interval that the server promises, and then sends CONNECT.',
    expectation: 'No frame comes before ACCEPT: the promise begins with the session.',
    timing: true,
    estimateMs: 2600,
    run: async (context) => {
      const peer = await context.challenged();
      const intervalMs = Number(peer.challenge?.parameter('liveness_interval_ms') ?? 2000);
      await elapse(1.25 * Math.min(intervalMs, 4000));
      const early = peer.log.entries.filter(({ direction }) => direction === 'received')[1];
      if (early !== undefined) fail('nothing between CHALLENGE and ACCEPT', early.text, 'EST-008');
      peer.sendConnect();
      await peer.expectAccept();
    },
  },
  {
    id: 'EST-006/ping-at-once',
    requirements: ['EST-006', 'SES-001'],
    title: 'CHALLENGE, or REJECT, is the first frame even where the client speaks first',
    stimulus: 'A client sends a PING as soon as the TLS connection is up, without having waited for CHALLENGE.',
    expectation: 'The server sends CHALLENGE or nothing, then REJECT(FRAME_UNEXPECTED).',
    run: async (context) => {
      const peer = await context.connect();
      peer.send('PING', { fields: { data: context.bytes(8) } });
      let frame = await peer.next('CHALLENGE or REJECT', 'PING', { requirement: 'EST-006' });
      if (frame.name === 'CHALLENGE') frame = await peer.next('REJECT', 'PING', { requirement: 'SES-001' });
      if (frame.name !== 'REJECT') fail('REJECT(FRAME_UNEXPECTED)', frame.text, 'SES-001');
      frame.requireCode('FRAME_UNEXPECTED', 'SES-001');
      await peer.expectEnd('EST-023');
    },
  },
  {
    id: 'SES-001/second-connect',
    requirements: ['SES-001', 'EST-015'],
    title: 'a session is not established twice on one connection',
    stimulus:
      'In an established session with an open channel the client sends another CONNECT, rightly signed for this connection.',
    expectation: 'The server answers with CLOSE(FRAME_UNEXPECTED), and with no second ACCEPT.',
    run: async (context) => {
      const { peer } = await context.opened('test/echo');
      peer.sendFrame(peer.buildConnect());
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'SES-001');
    },
  },
  {
    id: 'EST-033/behind-connect',
    requirements: ['EST-033', 'SES-012'],
    title: 'a client may give up while the server decides',
    stimulus: 'A right CONNECT is sent and, in the same TLS record, CLOSE(NO_ERROR).',
    expectation:
      'The server closes its direction without a frame; or, if it had decided already, it sends ACCEPT and CLOSE(NO_ERROR) before.',
    run: async (context) => {
      const peer = await context.challenged();
      const connect = peer.buildConnect();
      peer.connectFrame = connect;
      peer.sendTogether([connect, buildFrame('CLOSE', { flags: ['END_SESSION'] })]);
      const frame = await peer.nextOrEnd('ACCEPT, or the end of the stream');
      if (typeof frame === 'string') return;
      if (frame.name !== 'ACCEPT') fail('ACCEPT, or the end of the stream', frame.text, 'EST-033');
      const close = await peer.expect('CLOSE', { requirement: 'SES-012' });
      close.requireCode('NO_ERROR', 'SES-012');
      await peer.expectNoFrame('SES-011');
    },
  },
  {
    id: 'EST-026/malformed-close',
    requirements: ['EST-026', 'WIR-014'],
    title: 'a malformed CLOSE before CONNECT is an error like any other',
    stimulus: 'A client answers CHALLENGE with a CLOSE whose payload lacks its last octet.',
    expectation: 'The server answers with REJECT(FRAME_MALFORMED).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.send('CLOSE', { flags: ['END_SESSION'], rawPayload: new Uint8Array(17) });
      await expectExactly(peer, 'FRAME_MALFORMED', 'EST-026');
    },
  },
  {
    id: 'EST-026/signature-and-frame-behind',
    requirements: ['EST-026', 'WIR-028', 'EST-014'],
    title: 'a wrong CONNECT with a frame behind it gets one REJECT',
    stimulus: 'A CONNECT with a wrong signature is sent and, in the same TLS record, a PING.',
    expectation: 'One REJECT comes, SIGNATURE_INVALID or FRAME_UNEXPECTED, and nothing else.',
    run: async (context) => {
      const peer = await context.challenged();
      const connect = peer.buildConnect({ signature: (octets) => octets.map((octet) => octet ^ 0xff) });
      peer.sendTogether([connect, earlyFrame('PING')]);
      const answer = await decision(peer);
      if (answer.name !== 'REJECT') fail('REJECT', answer.text, 'EST-005');
      if (answer.code !== 'FRAME_UNEXPECTED') answer.requireCode('SIGNATURE_INVALID', 'EST-026');
      await peer.expectEnd('EST-023');
    },
  },
  {
    id: 'EST-023/nothing-after-reject',
    requirements: ['EST-023', 'SES-028'],
    title: 'after REJECT there is no second attempt on the connection',
    stimulus: `A client is refused for its audience, and sends on the same connection a right CONNECT, a PING, an OPEN and a frame of type ${hex(0x3f)}.`,
    expectation: 'After REJECT(AUDIENCE_MISMATCH) nothing more is sent, and the stream ends in order.',
    run: async (context) => {
      const peer = await context.challenged();
      const right = peer.buildConnect();
      peer.sendConnect({ audience: context.kit.index.otherServerIdentity });
      const reject = await peer.expect('REJECT', { requirement: 'EST-016' });
      reject.requireCode('AUDIENCE_MISMATCH', 'EST-016');
      peer.sendTogether([right, earlyFrame('PING'), earlyFrame('OPEN'), buildRawFrame({ type: 0x3f })]);
      await peer.expectEnd('EST-023');
    },
  },
  {
    id: 'EST-020/beside-a-live-session',
    requirements: ['EST-020', 'EST-019', 'WIR-010'],
    title: 'sessions of one client count for themselves',
    stimulus: 'A client opens a channel in one session, establishes a second session and opens a channel there.',
    expectation: 'The second session has epoch 1, receive cursor 0 and its own sequence numbers; both go on.',
    run: async (context) => {
      const first = await context.opened('test/echo');
      const second = await context.connect();
      await second.establish();
      const channel = second.sendOpen('test/echo');
      const opened = await second.expect('OPENED', { channel, requirement: 'EST-020' });
      assertEqual('sequence number', opened.seq, 1n, 'WIR-010');
      for (const [peer, number] of [
        [first.peer, first.channel],
        [second, channel],
      ] as const) {
        const message = context.bytes(16);
        peer.sendMessage(number, message);
        const echo = await peer.expect('MESSAGE', { channel: number, requirement: 'CHN-032' });
        assertThat(equal(echo.bytes('fragment'), message), 'the message that was sent', 'another one', 'CHN-015');
      }
    },
  },
]);

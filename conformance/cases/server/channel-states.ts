import type { FrameInput } from '../../model/codec.ts';
import { errorNamed, machineOf } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { FORWARDED_CLIENT } from '../../peer/client-peer.ts';
import type { ReceivedFrame } from '../../peer/received-frame.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { a, expectExactly } from './client-frames.ts';
import { receiveMessage, sourceMessage, sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

interface Reached {
  readonly peer: ClientPeer;
  readonly channel: number;
}

interface State {
  /** State of the table. */
  readonly state: string;
  /** Tells ways to the same state apart. */
  readonly slug: string;
  /** Completes "On a channel ...". */
  readonly what: string;
  /** The frames that can be asked about, where the server may have left the state before it reads the next one; all if absent. */
  readonly frames?: readonly string[];
  readonly features?: readonly string[];
  readonly reach: (context: ServerContext) => Promise<Reached>;
}

const CANCELLED = errorNamed('CANCELLED').code;
const CHANNEL_CLOSED = errorNamed('CHANNEL_CLOSED').code;
const LARGEST = 2n ** 53n - 1n;

const noCredit = { connect: { parameters: [{ id: 'initial_message_credit', value: 0 }] } };

/** test/reset has reset the channel, and the client has not answered. */
async function resetByServer(context: ServerContext): Promise<Reached> {
  const { peer, channel } = await context.opened('test/reset');
  peer.sendMessage(channel, context.bytes(1));
  await context.dependency('RESET of test/reset', () => peer.expect('RESET', { channel }));
  return { peer, channel };
}

const RESET_SENT: State = {
  state: 'reset-sent',
  slug: 'reset-sent',
  what: 'that the server has reset and the client not yet',
  reach: resetByServer,
};

/** The END of the client has crossed the RESET of the server; its verdicts could follow. */
const RESET_SENT_AND_ENDED: State = {
  state: 'reset-sent',
  slug: 'end-after-reset',
  what: 'that the server has reset and the client, whose END crossed it, has ended',
  reach: async (context) => {
    const reached = await resetByServer(context);
    reached.peer.send('END', { channel: reached.channel });
    return reached;
  },
};

const HALF_CLOSED_LOCAL: State = {
  state: 'half-closed-local',
  slug: 'half-closed-local',
  what: 'that the server has ended and the client not',
  reach: async (context) => {
    const { peer, channel } = await context.opened('test/source', { data: sourceRequest(0, 0) });
    await context.dependency('END of test/source', () => peer.expect('END', { channel }));
    return { peer, channel };
  },
};

const HALF_CLOSED_REMOTE: State = {
  state: 'half-closed-remote',
  slug: 'half-closed-remote',
  what: 'that the client has ended and on which the server has a message to send that waits for credit',
  reach: async (context) => {
    const { peer, channel } = await context.opened('test/source', { ...noCredit, data: sourceRequest(1, 10) });
    peer.send('END', { channel });
    await context.dependency('END of the client', () => peer.barrier());
    return { peer, channel };
  },
};

const SETTLING: State = {
  state: 'settling',
  slug: 'settling',
  what: 'with outcomes that both have ended and on which a message of the server has no verdict yet',
  reach: async (context) => {
    const { peer, channel } = await context.opened('test/echo', { more: [{ id: 'outcomes', value: 1 }] });
    peer.sendMessage(channel, context.bytes(3));
    peer.send('END', { channel });
    await context.dependency('a message, a verdict and END of test/echo', async () => {
      const due = new Set(['MESSAGE', 'OUTCOME', 'END']);
      const isDue = (frame: ReceivedFrame): boolean => frame.channel === channel && due.has(frame.name);
      while (due.size > 0) due.delete((await peer.expectWhere([...due].join(', '), isDue)).name);
    });
    return { peer, channel };
  },
};

/** All ways in which a channel can be over. */
const CLOSED: readonly State[] = [
  {
    state: 'closed',
    slug: 'closed-by-both',
    what: 'that both have ended',
    reach: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('END', { channel });
      await context.dependency('END of test/echo', () => peer.expect('END', { channel }));
      return { peer, channel };
    },
  },
  {
    state: 'closed',
    slug: 'closed-by-verdict',
    what: 'with outcomes that both have ended and on which the last verdict has been given',
    reach: async (context) => {
      const reached = await SETTLING.reach(context);
      reached.peer.send('OUTCOME', { channel: reached.channel, fields: { last_message: 1, verdict: 0 } });
      return reached;
    },
  },
  {
    state: 'closed',
    slug: 'closed-by-reset',
    what: 'that the client has reset and the server with it',
    reach: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('RESET', { channel, fields: { code: CANCELLED } });
      await context.dependency('the answer to RESET', () => peer.expect('RESET', { channel }));
      return { peer, channel };
    },
  },
  {
    state: 'closed',
    slug: 'closed-by-refusal',
    what: 'that was refused',
    reach: async (context) => {
      const peer = await context.established();
      const channel = peer.sendOpen('test/refuse');
      await context.dependency('REFUSED of test/refuse', () => peer.expect('REFUSED', { channel }));
      return { peer, channel };
    },
  },
  {
    state: 'closed',
    slug: 'closed-by-server',
    what: 'that the server has reset and the client with it',
    reach: async (context) => {
      const reached = await resetByServer(context);
      reached.peer.send('RESET', { channel: reached.channel, fields: { code: CHANNEL_CLOSED } });
      return reached;
    },
  },
];

const PROVING: State = {
  state: 'proving',
  slug: 'proving',
  what: 'whose application end has asked for proof',
  features: ['proof'],
  reach: async (context) => {
    const peer = await context.established();
    const channel = peer.sendOpen('test/prove');
    await context.dependency('PROVE of test/prove', () => peer.expect('PROVE', { channel }));
    return { peer, channel };
  },
};

/** Over as soon as the server has judged PROOF; so only what is no different on an open channel can be asked. */
const PROVED: State = {
  state: 'proved',
  slug: 'proved',
  what: 'right behind a PROOF that holds',
  features: ['proof'],
  frames: ['OPEN', 'FORWARD', 'PROOF'],
  reach: async (context) => {
    const reached = await PROVING.reach(context);
    reached.peer.sendProof(reached.channel);
    return reached;
  },
};

const STATES: readonly State[] = [
  {
    state: 'idle',
    slug: 'idle',
    what: 'that was never opened',
    reach: async (context) => ({ peer: await context.established(), channel: 1 }),
  },
  PROVING,
  PROVED,
  { state: 'open', slug: 'open', what: 'that is open', reach: (context) => context.opened('test/echo') },
  HALF_CLOSED_LOCAL,
  HALF_CLOSED_REMOTE,
  SETTLING,
  RESET_SENT,
  RESET_SENT_AND_ENDED,
  ...CLOSED,
];

/** A frame that is right but for the state of its channel. */
function frameFor(context: ServerContext, name: string): FrameInput {
  switch (name) {
    case 'OPEN':
      return { fields: { nonce: context.bytes(32), application: 'test/echo' } };
    case 'FORWARD':
      return { fields: { client: FORWARDED_CLIENT } };
    case 'PROOF':
      return {
        fields: { chain: context.kit.credential('client').chain, scheme: 0x0403, signature: context.bytes(64) },
      };
    case 'MESSAGE':
      return { flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(4) } };
    case 'CREDIT':
      return { fields: { message_limit: LARGEST, byte_limit: LARGEST } };
    case 'OUTCOME':
      return { fields: { last_message: 1, verdict: 0 } };
    case 'RESET':
      return { fields: { code: CANCELLED } };
    default:
      return {};
  }
}

const TABLE = machineOf('server', 'channel');

/** Each error cell of the table, in each way to reach its state. A message on an idle channel is a case of its own already. */
const errorCases = STATES.flatMap(({ state, slug, what, frames, features, reach }) =>
  TABLE.rows
    .filter((row) => row.state === state && row.error !== undefined && (frames?.includes(row.frame) ?? true))
    .filter(({ frame }) => !(state === 'idle' && frame === 'MESSAGE'))
    .map(({ frame, error = '' }): NewCase => {
      const opens = frame === 'OPEN' || frame === 'FORWARD';
      const requirement = opens ? 'CHN-002' : 'CHN-003';
      return {
        id: `${requirement}/${slug}-${frame.toLowerCase()}`,
        requirements: [requirement, ...(opens ? ['CHN-003'] : []), 'SES-003'],
        ...(features === undefined ? {} : { features }),
        title: `${frame} on a channel ${what} is refused`,
        stimulus: `On a channel ${what}, ${a(frame)} arrives.`,
        expectation: `The server answers with CLOSE(${error}).`,
        run: async (context) => {
          const { peer, channel } = await reach(context);
          peer.send(frame, { channel, ...frameFor(context, frame) });
          await expectExactly(peer, error, requirement);
        },
      };
    }),
);

/** Demands that the session goes on and that nothing more is sent on the channel. */
async function requireSilence(peer: ClientPeer, channel: number, requirement: string): Promise<void> {
  const frame = (await peer.barrier(requirement)).find((passed) => passed.channel === channel);
  if (frame !== undefined) fail('nothing more on the channel', frame.text, requirement);
}

/** What crosses with the frame that closed the channel, as far as the table has it ignored. */
const ignoredCases = CLOSED.flatMap(({ state, slug, what, reach }) =>
  TABLE.rows
    .filter((row) => row.state === state && row.do !== undefined && !row.do.startsWith('send'))
    .map(({ frame }): NewCase => ({
      id: `CHN-003/${slug}-${frame.toLowerCase()}`,
      requirements: ['CHN-003', ...(frame === 'CREDIT' ? ['CHN-022'] : [])],
      title: `${frame} on a channel ${what} is ignored`,
      stimulus: `On a channel ${what}, ${a(frame)} arrives${frame === 'CREDIT' ? ' that takes all credit back' : ''}, as if it had crossed.`,
      expectation: 'Nothing is sent on the channel, and the session goes on.',
      run: async (context) => {
        const { peer, channel } = await reach(context);
        const fields = frame === 'CREDIT' ? { message_limit: 0, byte_limit: 0 } : frameFor(context, frame).fields;
        peer.send(frame, { channel, ...(fields === undefined ? {} : { fields }) });
        await requireSilence(peer, channel, 'CHN-003');
        await peer.open('test/echo');
      },
    })),
);

interface Discarded {
  readonly slug: string;
  readonly what: string;
  readonly send: (peer: ClientPeer, channel: number) => void;
}

/** What may be under way when the server resets, or is wrong and no longer looked at. */
const DISCARDED: readonly Discarded[] = [
  {
    slug: 'messages',
    what: 'messages',
    send: (peer, channel) => {
      for (let count = 0; count < 5; count += 1) peer.sendMessage(channel, peer.random(100));
    },
  },
  {
    slug: 'incomplete-message',
    what: 'the first fragment of a message that is never complete',
    send: (peer, channel) => peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: peer.random(9) } }),
  },
  {
    slug: 'fragment-out-of-place',
    what: 'a last fragment without a first one',
    send: (peer, channel) => peer.send('MESSAGE', { channel, flags: ['LAST'], fields: { fragment: peer.random(9) } }),
  },
  {
    slug: 'beyond-credit',
    what: 'more messages than were granted',
    send: (peer, channel) => {
      const count = Math.min(peer.serverParameter('initial_message_credit'), 2000) + 1;
      const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: new Uint8Array(0) } };
      peer.sendTogether(Array.from({ length: count }, () => peer.build('MESSAGE', input)));
    },
  },
  {
    slug: 'lower-credit',
    what: 'a CREDIT that takes all credit back',
    send: (peer, channel) => peer.send('CREDIT', { channel, fields: { message_limit: 0, byte_limit: 0 } }),
  },
  {
    slug: 'verdict',
    what: 'verdicts on messages that were never sent',
    send: (peer, channel) => peer.send('OUTCOME', { channel, fields: { last_message: 7, verdict: 0 } }),
  },
  {
    slug: 'proof',
    what: 'a PROOF that nobody has asked for',
    send: (peer, channel) =>
      peer.send('PROOF', { channel, fields: { chain: [peer.random(20)], signature: peer.random(64) } }),
  },
  {
    slug: 'end',
    what: 'END, and verdicts behind it,',
    send: (peer, channel) => {
      peer.send('END', { channel });
      peer.send('OUTCOME', { channel, fields: { last_message: 1, verdict: 0 } });
    },
  },
];

const discardedCases = DISCARDED.map(({ slug, what, send }): NewCase => ({
  id: `CHN-031/${slug}`,
  requirements: ['CHN-031', 'CHN-030'],
  title: `${what} on a channel that the server has reset: discarded`,
  stimulus: `On a channel that the server has reset, ${what} arrive; then the client answers with RESET and opens another channel.`,
  expectation: 'Nothing is sent on the first channel any more, and the second one is opened.',
  run: async (context) => {
    const { peer, channel } = await resetByServer(context);
    send(peer, channel);
    await requireSilence(peer, channel, 'CHN-031');
    peer.send('RESET', { channel, fields: { code: CHANNEL_CLOSED } });
    await requireSilence(peer, channel, 'CHN-029');
    const next = peer.sendOpen('test/echo');
    await peer.expect('OPENED', { channel: next, requirement: 'CHN-031' });
  },
}));

interface ResetCase {
  readonly slug: string;
  readonly what: string;
  readonly code?: string;
  readonly features?: readonly string[];
  readonly reach: (context: ServerContext) => Promise<Reached>;
}

/** RESET wherever the table has it answered. */
const RESETS: readonly ResetCase[] = [
  { slug: 'half-closed-local', what: HALF_CLOSED_LOCAL.what, reach: HALF_CLOSED_LOCAL.reach },
  { slug: 'half-closed-remote', what: HALF_CLOSED_REMOTE.what, reach: HALF_CLOSED_REMOTE.reach },
  {
    slug: 'inside-a-message',
    what: 'on which a message of the client is incomplete',
    reach: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: context.bytes(50) } });
      return { peer, channel };
    },
  },
  {
    slug: 'messages-waiting',
    what: 'on which a hundred messages of the server wait for credit',
    reach: (context) => context.opened('test/source', { ...noCredit, data: sourceRequest(100, 10) }),
  },
  {
    slug: 'half-a-message-waiting',
    what: 'on which the server has sent a part of a message and waits for credit',
    reach: async (context) => {
      const parameters = [{ id: 'initial_byte_credit', value: 100 }];
      return context.opened('test/source', { connect: { parameters }, data: sourceRequest(1, 1000) });
    },
  },
  { slug: 'settling', what: SETTLING.what, reach: SETTLING.reach },
  { slug: 'proving', what: PROVING.what, reach: PROVING.reach, features: ['proof'] },
  { slug: 'proved', what: PROVED.what, reach: PROVED.reach, features: ['proof'] },
  ...CLOSED.map(({ slug, what, reach }) => ({ slug, what, reach })),
  { slug: 'held', what: 'to test/hold', reach: (context) => context.opened('test/hold') },
  ...['NO_ERROR', 'INTERNAL_ERROR', 'APPLICATION_ERROR', 'CHANNEL_CLOSED'].map((code) => ({
    slug: `with-${code.toLowerCase().replaceAll('_', '-')}`,
    what: `that is open, with the code ${code}`,
    code,
    reach: (context: ServerContext) => context.opened('test/echo'),
  })),
];

const resetCases = RESETS.map(({ slug, what, code = 'CANCELLED', features, reach }): NewCase => ({
  id: `CHN-029/${slug}`,
  requirements: ['CHN-029', 'CHN-030', 'CHN-032'],
  ...(features === undefined ? {} : { features }),
  title: `RESET is answered on a channel ${what}`,
  stimulus: `The client sends RESET on a channel ${what}.`,
  expectation: 'RESET(CHANNEL_CLOSED) arrives, nothing on the channel after it, and the session goes on.',
  run: async (context) => {
    const { peer, channel } = await reach(context);
    peer.send('RESET', { channel, fields: { code: errorNamed(code).code } });
    const answer = await peer.expectWhere(
      'RESET(CHANNEL_CLOSED)',
      (frame) => frame.name === 'RESET' && frame.channel === channel,
      { requirement: 'CHN-029' },
    );
    answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
    await requireSilence(peer, channel, 'CHN-030');
  },
}));

interface Behind {
  readonly frame: string;
  /** What a server does that has answered OPEN before it reads on. */
  readonly opened: (peer: ClientPeer) => Promise<void>;
}

/** Frames right behind OPEN: the server may not yet have answered. */
const BEHIND_OPEN: readonly Behind[] = [
  {
    frame: 'MESSAGE',
    opened: async (peer) => {
      await peer.expect('MESSAGE', { channel: 1, requirement: 'APP-001' });
    },
  },
  {
    frame: 'CREDIT',
    opened: async (peer) => {
      await peer.barrier('CHN-003');
    },
  },
  {
    frame: 'END',
    opened: async (peer) => {
      await peer.expect('END', { channel: 1, requirement: 'APP-001' });
    },
  },
];

const openingCases = BEHIND_OPEN.map(({ frame, opened }): NewCase => ({
  id: `CHN-003/opening-${frame.toLowerCase()}`,
  requirements: ['CHN-003'],
  title: `${frame} before the answer to OPEN is refused`,
  stimulus: `OPEN of test/echo and, in the same TLS record, ${a(frame)} on the same channel are sent.`,
  expectation:
    'The server answers with CLOSE(FRAME_UNEXPECTED); or, if it had taken the channel already, with OPENED and then as on an open channel.',
  run: async (context) => {
    const peer = await context.established();
    const open = peer.build('OPEN', { channel: 1, ...frameFor(context, 'OPEN') });
    peer.nextChannel = 2;
    peer.sendTogether([open, peer.build(frame, { channel: 1, ...frameFor(context, frame) })]);
    const answer = await peer.next('OPENED or CLOSE', 'OPENED', { requirement: 'CHN-003' });
    if (answer.name === 'OPENED') {
      await opened(peer);
      return;
    }
    if (answer.name !== 'CLOSE') fail('OPENED or CLOSE(FRAME_UNEXPECTED)', answer.text, 'CHN-003');
    answer.requireCode('FRAME_UNEXPECTED', 'CHN-003');
    await peer.expectEnd('SES-014');
  },
}));

/** The channel table of chapter 10, for a server. */
export const channelStates: readonly ServerCase[] = serverCases([
  ...errorCases,
  ...ignoredCases,
  ...discardedCases,
  ...resetCases,
  ...openingCases,
  {
    id: 'CHN-002/opening-open',
    requirements: ['CHN-002', 'CHN-003'],
    title: 'a second OPEN before the answer to the first is refused',
    stimulus: 'Two OPENs of test/echo for channel 1 are sent in one TLS record.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID), perhaps with OPENED before it.',
    run: async (context) => {
      const peer = await context.established();
      const open = (): Uint8Array => peer.build('OPEN', { channel: 1, ...frameFor(context, 'OPEN') });
      peer.sendTogether([open(), open()]);
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  {
    id: 'CHN-003/half-closed-local-message',
    requirements: ['CHN-003', 'CHN-015'],
    title: 'a client may go on sending when the server has ended',
    stimulus: 'On a channel that the server has ended, the client sends ten messages and then END.',
    expectation: 'The session goes on, and the channel is closed: a further message gets CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const { peer, channel } = await HALF_CLOSED_LOCAL.reach(context);
      for (let count = 0; count < 10; count += 1) peer.sendMessage(channel, context.bytes(30));
      peer.send('END', { channel });
      await peer.barrier('CHN-003');
      peer.sendMessage(channel, context.bytes(1));
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'CHN-003');
    },
  },
  {
    id: 'CHN-003/half-closed-local-credit',
    requirements: ['CHN-003', 'CHN-022'],
    title: 'a CREDIT for a server that has ended is not judged',
    stimulus:
      'On a channel that the server has ended, CREDITs arrive: one that takes all credit back, one that changes nothing.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const { peer, channel } = await HALF_CLOSED_LOCAL.reach(context);
      for (let count = 0; count < 2; count += 1) {
        peer.send('CREDIT', { channel, fields: { message_limit: 0, byte_limit: 0 } });
      }
      await requireSilence(peer, channel, 'CHN-003');
    },
  },
  {
    id: 'CHN-003/half-closed-remote-credit',
    requirements: ['CHN-003', 'CHN-020', 'APP-001'],
    title: 'a client that has ended still grants credit',
    stimulus:
      'On a channel that the client has ended and on which a message of the server waits, the client grants one message.',
    expectation: 'The message arrives, and END.',
    run: async (context) => {
      const { peer, channel } = await HALF_CLOSED_REMOTE.reach(context);
      peer.send('CREDIT', { channel, fields: { message_limit: 1, byte_limit: 2 ** 21 } });
      const message = await receiveMessage(peer, channel, 'CHN-003');
      if (Buffer.compare(message, sourceMessage(0, 10)) !== 0)
        fail('message 0 of test/source', 'another one', 'APP-001');
      await peer.expect('END', { channel, requirement: 'APP-001' });
      peer.send('CREDIT', { channel, fields: { message_limit: 0, byte_limit: 0 } });
      await requireSilence(peer, channel, 'CHN-003');
    },
  },
  {
    id: 'CHN-022/half-closed-remote',
    requirements: ['CHN-022', 'CHN-003'],
    title: 'a client that has ended may not take credit back either',
    stimulus:
      'On a channel that the client has ended and on which a message of the server waits, a CREDIT takes octets back.',
    expectation: 'The server answers with CLOSE(CREDIT_INVALID).',
    run: async (context) => {
      const { peer, channel } = await HALF_CLOSED_REMOTE.reach(context);
      peer.send('CREDIT', { channel, fields: { message_limit: 5, byte_limit: 1 } });
      await expectExactly(peer, 'CREDIT_INVALID', 'CHN-022');
    },
  },
  {
    id: 'CHN-031/sequence-still-counted',
    requirements: ['CHN-031', 'WIR-012'],
    title: 'discarded frames still count',
    stimulus: 'On a channel that the server has reset, three messages arrive; the client closes the session.',
    expectation: 'The receive cursor in the answering CLOSE counts the three.',
    run: async (context) => {
      const { peer, channel } = await resetByServer(context);
      for (let count = 0; count < 3; count += 1) peer.sendMessage(channel, context.bytes(10));
      const close = await peer.close();
      const cursor = close.integer('receive_cursor');
      if (cursor !== peer.nextSeq - 1n) fail(`receive cursor ${peer.nextSeq - 1n}`, String(cursor), 'CHN-031');
    },
  },
  {
    id: 'CHN-031/sequence-still-checked',
    requirements: ['CHN-031', 'WIR-012'],
    title: 'a gap in the sequence is an error on a channel that was reset too',
    stimulus: 'On a channel that the server has reset, a message arrives whose sequence number is one too high.',
    expectation: 'The server answers with CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const { peer, channel } = await resetByServer(context);
      peer.nextSeq += 1n;
      peer.sendMessage(channel, context.bytes(1));
      await expectExactly(peer, 'SEQUENCE_INVALID', 'CHN-031');
    },
  },
  {
    id: 'CHN-031/payload-still-checked',
    requirements: ['CHN-031', 'WIR-027'],
    title: 'a malformed frame is an error on a channel that was reset too',
    stimulus: 'On a channel that the server has reset, an END with an octet of payload arrives.',
    expectation:
      'The server answers with CLOSE(FRAME_MALFORMED): the payload is checked before the state of the channel.',
    run: async (context) => {
      const { peer, channel } = await resetByServer(context);
      peer.send('END', { channel, trailing: Uint8Array.of(0) });
      await expectExactly(peer, 'FRAME_MALFORMED', 'CHN-031');
    },
  },
  {
    id: 'CHN-029/crossing',
    requirements: ['CHN-029', 'CHN-030', 'CHN-031'],
    title: 'two RESETs may cross',
    stimulus:
      "A message to test/reset, which makes the server reset, and the client's own RESET are sent in one TLS record.",
    expectation: 'Exactly one RESET comes from the server, and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/reset');
      peer.sendTogether([
        peer.build('MESSAGE', { channel, ...frameFor(context, 'MESSAGE') }),
        peer.build('RESET', { channel, ...frameFor(context, 'RESET') }),
      ]);
      const frame = await peer.expect('RESET', { channel, requirement: 'CHN-029' });
      if (frame.code !== 'APPLICATION_ERROR') frame.requireCode('CHANNEL_CLOSED', 'CHN-029');
      await requireSilence(peer, channel, 'CHN-029');
      const next = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel: next, requirement: 'CHN-032' });
    },
  },
  {
    id: 'CHN-029/during-transfer',
    requirements: ['CHN-029', 'CHN-030', 'CHN-023'],
    title: 'RESET stops a transfer of the server',
    stimulus: 'The client lets test/source send five hundred messages, reads the first and sends RESET.',
    expectation: 'RESET(CHANNEL_CLOSED) arrives behind what was under way, and nothing on the channel after it.',
    run: async (context) => {
      const parameters = [{ id: 'initial_message_credit', value: 500 }];
      const { peer, channel } = await context.opened('test/source', {
        connect: { parameters },
        data: sourceRequest(500, 500),
      });
      await receiveMessage(peer, channel);
      peer.send('RESET', { channel, fields: { code: CANCELLED } });
      const answer = await peer.expectWhere('RESET(CHANNEL_CLOSED)', ({ name }) => name === 'RESET' || name === 'END', {
        requirement: 'CHN-029',
      });
      // The server may have ended the channel before RESET reached it; then RESET is answered all the same.
      const reset = answer.name === 'END' ? await peer.expect('RESET', { channel, requirement: 'CHN-029' }) : answer;
      reset.requireCode('CHANNEL_CLOSED', 'CHN-029');
      await requireSilence(peer, channel, 'CHN-030');
    },
  },
]);

import { equal } from '../../model/codec.ts';
import { errorNamed } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly } from './client-frames.ts';
import { receiveMessage, sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const CANCELLED = errorNamed('CANCELLED').code;
/** A server that grants more channels than this is not filled up. */
const LARGEST_GRANT = 4096;

/** OPEN for the next channel, not yet sent. */
function buildOpen(peer: ClientPeer, application: string, data?: Uint8Array): Uint8Array {
  const parameters = data === undefined ? [] : [{ id: 'application_data', value: data }];
  const channel = peer.nextChannel;
  peer.nextChannel += 1;
  return peer.build('OPEN', { channel, fields: { nonce: peer.random(32), application, parameters } });
}

/** Sends a message to test/echo and demands it back. */
async function requireEcho(peer: ClientPeer, channel: number, requirement: string): Promise<void> {
  const message = peer.random(9);
  peer.sendMessage(channel, message);
  const echo = await receiveMessage(peer, channel, requirement);
  if (!equal(echo, message)) fail('the message that was sent', 'another one', requirement);
}

/** Opens as many channels as were granted, all in one go; false where that would be too many to ask. */
async function fill(
  context: ServerContext,
  peer: ClientPeer,
  application: string,
  data?: Uint8Array,
): Promise<boolean> {
  const granted = peer.serverParameter('max_channels');
  if (granted > LARGEST_GRANT) {
    context.detail = `${granted} channels are granted: too many to fill`;
    return false;
  }
  const first = peer.nextChannel;
  peer.sendTogether(Array.from({ length: granted }, () => buildOpen(peer, application, data)));
  for (let channel = first; channel < first + granted; channel += 1) {
    await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
  }
  return true;
}

async function requireLimit(peer: ClientPeer, application: string): Promise<void> {
  const channel = peer.sendOpen(application);
  const refused = await peer.expect('REFUSED', { channel, requirement: 'CHN-009' });
  refused.requireCode('CHANNEL_LIMIT', 'CHN-009');
}

/** Names that look like an application of test mode or like something else that a look-up may find. */
const NO_APPLICATIONS: readonly { readonly slug: string; readonly name: string }[] = [
  { slug: 'capital-letter', name: 'test/Echo' },
  { slug: 'all-capitals', name: 'TEST/ECHO' },
  { slug: 'slash-behind', name: 'test/echo/' },
  { slug: 'space-behind', name: 'test/echo ' },
  { slug: 'double-slash', name: 'test//echo' },
  { slug: 'dot-segment', name: 'test/./echo' },
  { slug: 'percent-encoded', name: 'test%2Fecho' },
  { slug: 'prefix-missing', name: 'echo' },
  { slug: 'prefix-alone', name: 'test/' },
  { slug: 'one-letter-more', name: 'test/echoo' },
  { slug: 'wildcard', name: 'test/*' },
  { slug: 'prototype', name: '__proto__' },
  { slug: 'constructor', name: 'constructor' },
  { slug: 'method-of-a-map', name: 'get' },
];

const nameCases = NO_APPLICATIONS.map(({ slug, name }): NewCase => ({
  id: `CHN-008/${slug}`,
  requirements: ['CHN-008', 'CHN-007'],
  title: `there is no application "${name}"`,
  stimulus: `The client opens "${name}".`,
  expectation: 'REFUSED(APPLICATION_REFUSED) arrives, and the session goes on.',
  run: async (context) => {
    const peer = await context.established();
    const channel = peer.sendOpen(name);
    const refused = await peer.expect('REFUSED', { channel, requirement: 'CHN-008' });
    refused.requireCode('APPLICATION_REFUSED', 'CHN-007');
    await peer.barrier('CHN-032');
  },
}));

interface Disturbance {
  readonly slug: string;
  readonly what: string;
  readonly happen: (peer: ClientPeer) => Promise<void>;
}

/** What can happen to another channel. */
const DISTURBANCES: readonly Disturbance[] = [
  {
    slug: 'refused',
    what: 'another channel is refused',
    happen: async (peer) => {
      const channel = peer.sendOpen('no/such/application');
      await peer.expect('REFUSED', { channel });
    },
  },
  {
    slug: 'reset-by-client',
    what: 'the client resets another channel',
    happen: async (peer) => {
      const channel = await peer.open('test/echo');
      peer.send('RESET', { channel, fields: { code: CANCELLED } });
      await peer.expect('RESET', { channel });
    },
  },
  {
    slug: 'reset-by-server',
    what: 'the server resets another channel',
    happen: async (peer) => {
      const channel = await peer.open('test/reset');
      peer.sendMessage(channel, peer.random(1));
      await peer.expect('RESET', { channel });
      peer.send('RESET', { channel, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
    },
  },
  {
    slug: 'ended',
    what: 'another channel is ended by both',
    happen: async (peer) => {
      const channel = await peer.open('test/echo');
      peer.send('END', { channel });
      await peer.expect('END', { channel });
    },
  },
  {
    slug: 'blocked',
    what: 'another channel has used up its credit and is held',
    happen: async (peer) => {
      const channel = await peer.open('test/hold');
      const count = Math.min(peer.serverParameter('initial_message_credit'), 200);
      const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: peer.random(1) } };
      peer.sendTogether(Array.from({ length: count }, () => peer.build('MESSAGE', input)));
    },
  },
];

const undisturbedCases = DISTURBANCES.map(({ slug, what, happen }): NewCase => ({
  id: `CHN-032/${slug}`,
  requirements: ['CHN-032'],
  title: `a message goes on while ${what}`,
  stimulus: `The client sends the first fragment of a message to test/echo; then ${what}; then it sends the last fragment.`,
  expectation: 'The whole message comes back.',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/echo');
    const message = context.bytes(300);
    peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: message.subarray(0, 100) } });
    await context.dependency(what, () => happen(peer));
    peer.send('MESSAGE', { channel, flags: ['LAST'], fields: { fragment: message.subarray(100) } });
    const echo = await receiveMessage(peer, channel, 'CHN-032');
    if (!equal(echo, message)) fail('the message that was sent', 'another one', 'CHN-032');
    await peer.barrier('CHN-032');
  },
}));

/** Sections 6.1 and 6.2, for a server. */
export const channelNumbers: readonly ServerCase[] = serverCases([
  ...nameCases,
  ...undisturbedCases,
  {
    id: 'CHN-002/skipped-later',
    requirements: ['CHN-002'],
    title: 'a number may not be skipped later either',
    stimulus: 'The client opens the channels 1 and 2, and then 4.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      for (let count = 0; count < 2; count += 1) await peer.open('test/echo');
      peer.nextChannel = 4;
      peer.sendOpen('test/echo');
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  {
    id: 'CHN-002/largest-number-first',
    requirements: ['CHN-002'],
    title: 'the first channel is not the last possible one',
    stimulus: 'The first OPEN of a session is for channel 2^32 - 1.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.nextChannel = 2 ** 32 - 1;
      peer.sendOpen('test/echo');
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  {
    id: 'CHN-002/descending',
    requirements: ['CHN-002'],
    title: 'a lower number than the last is refused',
    stimulus: 'The client opens and ends the channels 1, 2 and 3, and opens 2 again.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      for (let count = 0; count < 3; count += 1) {
        const channel = await peer.open('test/echo');
        peer.send('END', { channel });
        await peer.expect('END', { channel });
      }
      peer.nextChannel = 2;
      peer.sendOpen('test/echo');
      await expectExactly(peer, 'CHANNEL_INVALID', 'CHN-002');
    },
  },
  {
    id: 'CHN-002/refused-number-is-used',
    requirements: ['CHN-002', 'CHN-032'],
    title: 'a refused channel uses up its number',
    stimulus: 'Channel 1 is refused; the client opens channel 2.',
    expectation: 'OPENED arrives for channel 2.',
    run: async (context) => {
      const peer = await context.established();
      const refused = peer.sendOpen('no/such/application');
      await peer.expect('REFUSED', { channel: refused });
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-002' });
      await requireEcho(peer, channel, 'CHN-032');
    },
  },
  {
    id: 'CHN-002/sessions-count-for-themselves',
    requirements: ['CHN-002'],
    title: 'each session has its own channel numbers',
    stimulus: 'Two sessions of one client both open channel 1 and use it in turn.',
    expectation: 'Both get their own echoes.',
    run: async (context) => {
      const peers = [await context.opened('test/echo'), await context.opened('test/echo')];
      for (let round = 0; round < 2; round += 1) {
        for (const { peer, channel } of peers) await requireEcho(peer, channel, 'CHN-002');
      }
    },
  },
  {
    id: 'CHN-002/many-after-one-another',
    requirements: ['CHN-002', 'CHN-009'],
    title: 'channels that are over make room for others',
    stimulus: 'The client opens eight channels more than it was granted, and ends each before it opens the next.',
    expectation: 'Each is opened.',
    run: async (context) => {
      const peer = await context.established();
      const count = Math.min(peer.serverParameter('max_channels'), LARGEST_GRANT) + 8;
      for (let at = 0; at < count; at += 1) {
        const channel = peer.sendOpen('test/echo');
        await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
        peer.send('END', { channel });
        await peer.expect('END', { channel, requirement: 'APP-001' });
      }
    },
  },
  {
    id: 'CHN-005/several-at-once',
    requirements: ['CHN-005', 'CHN-007'],
    title: 'each OPEN gets one answer',
    stimulus:
      'Eight OPENs are sent in one TLS record: test/echo, an unknown application, test/refuse and test/hold, twice.',
    expectation: 'Each channel gets exactly one OPENED or REFUSED, as the application demands.',
    run: async (context) => {
      const peer = await context.established();
      const names = ['test/echo', 'no/such/application', 'test/refuse', 'test/hold'];
      const all = [...names, ...names];
      peer.sendTogether(all.map((name) => buildOpen(peer, name)));
      for (const [at, name] of all.entries()) {
        const answer = await peer.next('OPENED or REFUSED', 'OPENED', { channel: at + 1, requirement: 'CHN-005' });
        const opens = name === 'test/echo' || name === 'test/hold';
        assertEqual(`answer for ${name}`, answer.name, opens ? 'OPENED' : 'REFUSED', 'CHN-005');
      }
      for (const frame of await peer.barrier('CHN-005')) {
        if (frame.name === 'OPENED' || frame.name === 'REFUSED')
          fail('one answer for each OPEN', frame.text, 'CHN-005');
      }
    },
  },
  {
    id: 'CHN-005/reset-behind-open',
    requirements: ['CHN-005', 'CHN-029'],
    title: 'an OPEN that is taken back at once',
    stimulus: 'OPEN of test/echo and RESET(CANCELLED) for the same channel are sent in one TLS record.',
    expectation:
      'RESET(CHANNEL_CLOSED) arrives, at most one OPENED before it, nothing after it; the next channel can be opened.',
    run: async (context) => {
      const peer = await context.established();
      const open = buildOpen(peer, 'test/echo');
      peer.sendTogether([open, peer.build('RESET', { channel: 1, fields: { code: CANCELLED } })]);
      let frame = await peer.next('OPENED or RESET', 'RESET', { channel: 1, requirement: 'CHN-005' });
      if (frame.name === 'OPENED') frame = await peer.expect('RESET', { channel: 1, requirement: 'CHN-029' });
      if (frame.name !== 'RESET') fail('RESET(CHANNEL_CLOSED)', frame.text, 'CHN-029');
      frame.requireCode('CHANNEL_CLOSED', 'CHN-029');
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-032' });
      await requireEcho(peer, channel, 'CHN-032');
      const late = (await peer.barrier('CHN-030')).find((passed) => passed.channel === 1);
      if (late !== undefined) fail('nothing on the channel after RESET', late.text, 'CHN-030');
    },
  },
  {
    id: 'CHN-007/same-retry',
    requirements: ['CHN-007'],
    title: 'all refusals of policy look the same',
    stimulus: 'The client opens five different applications that do not exist.',
    expectation: 'Five times REFUSED(APPLICATION_REFUSED) arrives, with the same retry_after_ms.',
    run: async (context) => {
      const peer = await context.established();
      const answers = new Set<bigint>();
      for (const name of ['a', 'no/such/application', 'test/nothing', 'admin', 'x'.repeat(255)]) {
        const channel = peer.sendOpen(name);
        const refused = await peer.expect('REFUSED', { channel, requirement: 'CHN-007' });
        refused.requireCode('APPLICATION_REFUSED', 'CHN-007');
        answers.add(refused.integer('retry_after_ms'));
      }
      assertEqual('different values of retry_after_ms', answers.size, 1, 'CHN-007');
    },
  },
  {
    id: 'CHN-009/limit',
    requirements: ['CHN-009', 'CHN-032'],
    title: 'one channel more than granted is refused',
    stimulus: 'The client opens as many channels of test/hold as it was granted, and then test/echo.',
    expectation: 'All are opened but the last, which gets REFUSED(CHANNEL_LIMIT); the session goes on.',
    run: async (context) => {
      const peer = await context.established();
      if (!(await fill(context, peer, 'test/hold'))) return;
      await requireLimit(peer, 'test/echo');
      await peer.barrier('CHN-032');
    },
  },
  {
    id: 'CHN-009/limit-in-one-go',
    requirements: ['CHN-009', 'CHN-005'],
    title: 'the limit holds for OPENs that arrive together',
    stimulus: 'The client sends three OPENs of test/hold more than it was granted, all in one TLS record.',
    expectation: 'The last three get REFUSED(CHANNEL_LIMIT).',
    run: async (context) => {
      const peer = await context.established();
      const granted = peer.serverParameter('max_channels');
      if (granted > LARGEST_GRANT) return;
      peer.sendTogether(Array.from({ length: granted + 3 }, () => buildOpen(peer, 'test/hold')));
      for (let channel = 1; channel <= granted; channel += 1) {
        await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
      }
      for (let channel = granted + 1; channel <= granted + 3; channel += 1) {
        const refused = await peer.expect('REFUSED', { channel, requirement: 'CHN-009' });
        refused.requireCode('CHANNEL_LIMIT', 'CHN-009');
      }
    },
  },
  {
    id: 'CHN-009/before-policy',
    requirements: ['CHN-009', 'CHN-007'],
    title: 'the limit is judged before policy',
    stimulus: 'The client holds as many channels as it was granted, and opens an application that does not exist.',
    expectation: 'REFUSED(CHANNEL_LIMIT) arrives, not APPLICATION_REFUSED.',
    run: async (context) => {
      const peer = await context.established();
      if (!(await fill(context, peer, 'test/hold'))) return;
      await requireLimit(peer, 'no/such/application');
    },
  },
  {
    id: 'CHN-009/room-again',
    requirements: ['CHN-009', 'CHN-002'],
    title: 'a channel that is closed makes room',
    stimulus:
      'The client holds as many channels of test/echo as it was granted, is refused one more, ends the first, and opens again.',
    expectation: 'OPENED arrives, for the number after the refused one.',
    run: async (context) => {
      const peer = await context.established();
      if (!(await fill(context, peer, 'test/echo'))) return;
      await requireLimit(peer, 'test/echo');
      peer.send('END', { channel: 1 });
      await peer.expect('END', { channel: 1, requirement: 'APP-001' });
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
      await requireEcho(peer, channel, 'CHN-009');
    },
  },
  {
    id: 'CHN-009/half-closed-counts',
    requirements: ['CHN-009'],
    title: 'a channel that only the server has ended is still held',
    stimulus:
      'The client opens as many channels as it was granted of test/source without messages, reads END on each, and opens one more.',
    expectation: 'REFUSED(CHANNEL_LIMIT) arrives; when the client has ended one channel too, there is room.',
    run: async (context) => {
      const peer = await context.established();
      if (!(await fill(context, peer, 'test/source', sourceRequest(0, 0)))) return;
      const last = peer.nextChannel - 1;
      for (let channel = 1; channel <= last; channel += 1)
        await peer.expect('END', { channel, requirement: 'APP-001' });
      await requireLimit(peer, 'test/echo');
      peer.send('END', { channel: last });
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
    },
  },
  {
    id: 'CHN-009/reset-not-answered-counts',
    requirements: ['CHN-009', 'CHN-031'],
    title: 'a channel that the server has reset is held until the client has answered',
    stimulus:
      'The client opens as many channels of test/reset as it was granted, has each reset, answers none, and opens one more.',
    expectation: 'REFUSED(CHANNEL_LIMIT) arrives; when the client has answered one RESET, there is room.',
    run: async (context) => {
      const peer = await context.established();
      if (!(await fill(context, peer, 'test/reset'))) return;
      const last = peer.nextChannel - 1;
      for (let channel = 1; channel <= last; channel += 1) {
        peer.sendMessage(channel, context.bytes(1));
        await peer.expect('RESET', { channel, requirement: 'APP-001' });
      }
      await requireLimit(peer, 'test/echo');
      peer.send('RESET', { channel: 1, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
    },
  },
  {
    id: 'CHN-009/refused-do-not-count',
    requirements: ['CHN-009'],
    title: 'refused channels are not held',
    stimulus:
      'Of test/refuse and of an unknown application the client opens twice as many as it was granted channels; then test/echo.',
    expectation: 'All of these are refused for their own reason, and test/echo is opened.',
    run: async (context) => {
      const peer = await context.established();
      const count = 2 * peer.serverParameter('max_channels');
      if (count > LARGEST_GRANT) return;
      for (let at = 0; at < count; at += 1) {
        const name = at % 2 === 0 ? 'test/refuse' : 'no/such/application';
        const channel = peer.sendOpen(name);
        const refused = await peer.expect('REFUSED', { channel, requirement: 'CHN-009' });
        refused.requireCode(at % 2 === 0 ? 'APPLICATION_ERROR' : 'APPLICATION_REFUSED', 'CHN-009');
      }
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
    },
  },
  {
    id: 'CHN-009/sessions-count-for-themselves',
    requirements: ['CHN-009'],
    title: 'each session has a grant of its own',
    stimulus: 'A client fills two sessions with as many channels as it was granted in each.',
    expectation: 'All are opened, and one more is refused in both sessions.',
    run: async (context) => {
      const peers = [await context.established(), await context.established()];
      for (const peer of peers) if (!(await fill(context, peer, 'test/hold'))) return;
      for (const peer of peers) await requireLimit(peer, 'test/echo');
    },
  },
]);

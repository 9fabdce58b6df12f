import { concat, equal, integer } from '../../model/codec.ts';
import { errorNamed, registry } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { flagsAt, fragmentsOf, receiveMessage, sourceMessage, sourceRequest } from './message-flow.ts';

type NewCase = Omit<ServerCase, 'role'>;

const MAX = registry.header.maxPayloadBytes;
const AMPLE = {
  connect: {
    parameters: [
      { id: 'initial_message_credit', value: 1_048_576 },
      { id: 'initial_byte_credit', value: 268_435_456 },
    ],
  },
};

const text = (message: Uint8Array): string => Buffer.from(message).toString();

/** Demands that the session goes on and that nothing comes on the channel but CREDIT. */
async function requireSilence(peer: ClientPeer, channel: number, requirement = 'APP-001'): Promise<void> {
  const frame = (await peer.barrier(requirement)).find(
    (passed) => passed.channel === channel && passed.name !== 'CREDIT',
  );
  if (frame !== undefined) fail('nothing on the channel', frame.text, requirement);
}

/** How an application answers OPEN, where that is not OPENED. */
const FIRST_ANSWER: Readonly<Record<string, string>> = {
  'test/refuse': 'REFUSED(APPLICATION_ERROR)',
  'test/prove': 'PROVE',
};

/** Which applications there are in test mode, and for whom. */
const offerCases = registry.testApplications.map(({ name }): NewCase => ({
  id: `APP-001/offered-${name.slice('test/'.length)}`,
  requirements: ['APP-001', 'CHN-005'],
  title: `${name} is there for every client`,
  stimulus: `The second client of the kit opens ${name}${name === 'test/source' ? ' for no message' : ''}.`,
  expectation: `${FIRST_ANSWER[name] ?? 'OPENED'} arrives.`,
  ...(name === 'test/prove' ? { features: ['proof'] } : {}),
  run: async (context) => {
    const peer = await context.established({ as: 'client-2' });
    const channel = peer.sendOpen(name, name === 'test/source' ? sourceRequest(0, 0) : undefined);
    if (name === 'test/refuse') {
      const refused = await peer.expect('REFUSED', { channel, requirement: 'APP-001' });
      refused.requireCode('APPLICATION_ERROR', 'APP-001');
    } else {
      await peer.expect(FIRST_ANSWER[name] ?? 'OPENED', { channel, requirement: 'APP-001' });
    }
  },
}));

/** Requests of test/source that its table does not allow. */
const WRONG_REQUESTS: readonly {
  readonly slug: string;
  readonly what: string;
  readonly data: Uint8Array | undefined;
}[] = [
  { slug: 'absent', what: 'no application_data', data: undefined },
  { slug: 'empty', what: 'empty application_data', data: new Uint8Array(0) },
  { slug: 'seven-octets', what: 'application_data of seven octets', data: new Uint8Array(7) },
  { slug: 'nine-octets', what: 'application_data of nine octets', data: new Uint8Array(9) },
  { slug: 'sixteen-octets', what: 'application_data of sixteen octets', data: new Uint8Array(16) },
];

const wrongRequestCases = WRONG_REQUESTS.map(({ slug, what, data }): NewCase => ({
  id: `APP-003/${slug}`,
  requirements: ['APP-003'],
  title: `test/source refuses ${what}`,
  stimulus: `The client opens test/source with ${what}.`,
  expectation: 'REFUSED(APPLICATION_ERROR) arrives, and the session goes on.',
  run: async (context) => {
    const peer = await context.established();
    const channel = peer.sendOpen('test/source', data);
    const refused = await peer.expect('REFUSED', { channel, requirement: 'APP-003' });
    refused.requireCode('APPLICATION_ERROR', 'APP-003');
    await requireSilence(peer, channel, 'CHN-032');
  },
}));

/** What test/source is asked for. */
const SOURCES: readonly { readonly count: number; readonly size: number; readonly why: string }[] = [
  { count: 0, size: 100, why: 'no message' },
  { count: 1, size: 0, why: 'one empty message' },
  { count: 5, size: 0, why: 'five empty messages' },
  { count: 1, size: 251, why: 'one whole period of the pattern' },
  { count: 3, size: 300, why: 'messages longer than the period' },
  { count: 260, size: 3, why: 'more messages than the period' },
  { count: 2, size: MAX, why: 'messages that just fit into a frame' },
  { count: 2, size: MAX + 1, why: 'messages that just do not fit into a frame' },
];

const sourceCases = SOURCES.map(({ count, size, why }): NewCase => ({
  id: `APP-001/source-${count}-of-${size}`,
  requirements: ['APP-001', 'CHN-015'],
  title: `test/source sends ${count} of ${size.toLocaleString('en')} octets`,
  stimulus: `The client grants ample credit and opens test/source for ${count} messages of ${size.toLocaleString('en')} octets: ${why}.`,
  expectation: 'Exactly these messages arrive, octet i of message n being (n + i) mod 251; then END.',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/source', { ...AMPLE, data: sourceRequest(count, size) });
    for (let n = 0; n < count; n += 1) {
      const message = await receiveMessage(peer, channel, 'APP-001');
      assertThat(equal(message, sourceMessage(n, size)), `message ${n}`, 'another one', 'APP-001');
    }
    await peer.expect('END', { channel, requirement: 'APP-001' });
  },
}));

interface Counted {
  readonly slug: string;
  readonly what: string;
  readonly sizes: readonly number[];
  /** Octets of each fragment, where a message is divided. */
  readonly fragment?: number;
}

const COUNTED: readonly Counted[] = [
  { slug: 'nothing', what: 'no message at all', sizes: [] },
  { slug: 'one-empty', what: 'one empty message', sizes: [0] },
  { slug: 'fragments', what: 'one message of ten octets in ten fragments', sizes: [10], fragment: 1 },
  {
    slug: 'several-fragmented',
    what: 'three messages of 7, 8 and 9 octets in fragments of three',
    sizes: [7, 8, 9],
    fragment: 3,
  },
  { slug: 'large', what: 'a message of 40,000 octets and an empty one', sizes: [40_000, 0] },
];

const sinkCases = COUNTED.map(({ slug, what, sizes, fragment }): NewCase => ({
  id: `APP-001/sink-${slug}`,
  requirements: ['APP-001', 'CHN-015'],
  title: `test/sink counts ${what}`,
  stimulus: `The client sends ${what} to test/sink, and END.`,
  expectation: `One message, "${sizes.length} ${sizes.reduce((sum, size) => sum + size, 0)}", and END arrive.`,
  run: async (context) => {
    const { peer, channel } = await context.opened('test/sink');
    for (const size of sizes) {
      const fragments = fragmentsOf(context.bytes(size), fragment);
      for (const [at, octets] of fragments.entries()) {
        peer.send('MESSAGE', { channel, flags: flagsAt(at, fragments.length), fields: { fragment: octets } });
      }
    }
    peer.send('END', { channel });
    const count = text(await receiveMessage(peer, channel, 'APP-001'));
    assertEqual('count', count, `${sizes.length} ${sizes.reduce((sum, size) => sum + size, 0)}`, 'APP-001');
    await peer.expect('END', { channel, requirement: 'APP-001' });
  },
}));

/** What test/data returns. */
const DATA_SIZES: readonly number[] = [0, 1, 4095, 4096];

const dataCases = DATA_SIZES.map((size): NewCase => ({
  id: `APP-001/data-${size}`,
  requirements: ['APP-001', 'WIR-026'],
  title: `test/data returns ${size.toLocaleString('en')} octets`,
  stimulus: `The client opens test/data with ${size.toLocaleString('en')} octets of application_data.`,
  expectation: 'OPENED has the same application_data.',
  run: async (context) => {
    const peer = await context.established();
    const data = context.bytes(size);
    const channel = peer.sendOpen('test/data', data);
    const opened = await peer.expect('OPENED', { channel, requirement: 'APP-001' });
    const returned = opened.parameterOctets('application_data', 'APP-001');
    assertThat(equal(returned, data), 'the same application_data', `${returned.length} other octets`, 'APP-001');
  },
}));

/** Identities that a client can have. */
const IDENTITIES: readonly { readonly as: string; readonly what: string }[] = [
  { as: 'client', what: 'a URI' },
  { as: 'clients/one-dns', what: 'a DNS name' },
  { as: 'clients/uri-and-dns', what: 'a URI, with a DNS name beside it' },
  { as: 'clients/uri-and-two-dns', what: 'a URI, with two DNS names beside it' },
];

const identityCases = IDENTITIES.map(({ as, what }): NewCase => ({
  id: `CHN-006/${as.replace('clients/', '')}`,
  requirements: ['CHN-006', 'TLS-020', 'APP-001'],
  title: `the application end is told the identity of a client that is ${what}`,
  stimulus: `A client whose identity is ${what} opens test/identity.`,
  expectation: 'One message, exactly that identity, and END arrive.',
  run: async (context) => {
    const { peer, channel } = await context.opened('test/identity', { as });
    const identity = text(await receiveMessage(peer, channel, 'CHN-006'));
    assertEqual('identity', identity, context.kit.entry(as).identity, 'CHN-006');
    await peer.expect('END', { channel, requirement: 'APP-001' });
  },
}));

/** Applications that answer END and take messages of which their table says nothing. */
const ANSWERS_END: readonly { readonly name: string; readonly data?: Uint8Array }[] = [
  { name: 'test/echo' },
  { name: 'test/source', data: sourceRequest(0, 0) },
  { name: 'test/reset' },
  { name: 'test/data' },
  { name: 'test/close' },
  { name: 'test/identity' },
];

const endCases = ANSWERS_END.map(({ name, data }): NewCase => ({
  id: `APP-006/end-of-${name.slice('test/'.length)}`,
  requirements: ['APP-006', 'APP-001'],
  title: `${name} answers END with END`,
  stimulus: `The client opens ${name} and sends END without a message.`,
  expectation: 'END arrives, and the channel is over: the same number of channels can be opened again.',
  run: async (context) => {
    const { peer, channel } = await context.opened(name, data === undefined ? {} : { data });
    peer.send('END', { channel });
    if (name === 'test/identity') await receiveMessage(peer, channel, 'APP-001');
    await peer.expect('END', { channel, requirement: 'APP-006' });
    await requireSilence(peer, channel);
  },
}));

const CONSUMES: readonly { readonly name: string; readonly data: Uint8Array | undefined }[] = [
  { name: 'test/source', data: sourceRequest(0, 0) },
  { name: 'test/identity', data: undefined },
];

const consumeCases = CONSUMES.map(({ name, data }): NewCase => ({
  id: `APP-006/messages-to-${name.slice('test/'.length)}`,
  requirements: ['APP-006', 'CHN-034'],
  title: `${name} consumes messages`,
  stimulus: `The client sends as many messages to ${name} as it was granted, and waits.`,
  expectation: 'A CREDIT arrives that allows more, and nothing else on the channel.',
  run: async (context) => {
    const { peer, channel } = await context.opened(name, data === undefined ? {} : { data });
    if (name === 'test/identity') await receiveMessage(peer, channel, 'APP-001');
    await peer.expect('END', { channel, requirement: 'APP-001' });
    const count = peer.serverParameter('initial_message_credit');
    const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(2) } };
    peer.sendTogether(Array.from({ length: count }, () => peer.build('MESSAGE', input)));
    const more = await peer.next('CREDIT', 'CREDIT', { channel, requirement: 'APP-006' });
    assertEqual('frame', more.name, 'CREDIT', 'APP-006');
  },
}));

/** Demands APPLICATION_ERROR, in REFUSED or in RESET, for a request of test/source. */
async function requireDeclined(context: ServerContext, limit: number, size: number): Promise<void> {
  const peer = await context.established({ connect: { parameters: [{ id: 'max_message_bytes', value: limit }] } });
  const channel = peer.sendOpen('test/source', sourceRequest(1, size));
  let answer = await peer.next('REFUSED or RESET', 'OPENED', { channel, requirement: 'APP-007' });
  if (answer.name === 'OPENED') answer = await peer.next('RESET', 'RESET', { channel, requirement: 'APP-007' });
  if (answer.name !== 'REFUSED' && answer.name !== 'RESET') fail('REFUSED or RESET', answer.text, 'CHN-017');
  answer.requireCode('APPLICATION_ERROR', 'APP-007');
  await requireSilence(peer, channel, 'CHN-032');
}

/** Annex A, in full: the exact behaviour of each application. */
export const interopApplications: readonly ServerCase[] = serverCases([
  ...offerCases,
  ...sinkCases,
  ...sourceCases,
  ...wrongRequestCases,
  ...dataCases,
  ...identityCases,
  ...endCases,
  ...consumeCases,
  {
    id: 'APP-001/sink-says-nothing-before-end',
    requirements: ['APP-001'],
    title: 'test/sink says nothing before END',
    stimulus: 'The client sends five messages to test/sink, and a PING.',
    expectation: 'Nothing but CREDIT arrives on the channel.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/sink');
      for (let count = 0; count < 5; count += 1) peer.sendMessage(channel, context.bytes(10));
      await requireSilence(peer, channel);
    },
  },
  {
    id: 'APP-001/echo-says-nothing-unasked',
    requirements: ['APP-001'],
    title: 'test/echo says nothing by itself',
    stimulus: 'The client opens test/echo and sends a PING.',
    expectation: 'Nothing but CREDIT arrives on the channel.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      await requireSilence(peer, channel);
    },
  },
  {
    id: 'APP-001/data-absent',
    requirements: ['APP-001'],
    title: 'test/data returns no application_data where there was none',
    stimulus: 'The client opens test/data without application_data.',
    expectation: 'OPENED arrives without application_data, or with an empty one.',
    run: async (context) => {
      const peer = await context.established();
      const channel = peer.sendOpen('test/data');
      const opened = await peer.expect('OPENED', { channel, requirement: 'APP-001' });
      const data = opened.parameter('application_data');
      if (data instanceof Uint8Array && data.length > 0) fail('no application_data', opened.text, 'APP-001');
    },
  },
  {
    id: 'APP-001/data-then-echo',
    requirements: ['APP-001'],
    title: 'test/data goes on like test/echo',
    stimulus: 'The client opens test/data, sends two messages, one of them empty, and END.',
    expectation: 'The two messages come back, and END.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/data', { data: context.bytes(9) });
      const all = [context.bytes(33), new Uint8Array(0)];
      for (const message of all) peer.sendMessage(channel, message);
      peer.send('END', { channel });
      for (const message of all) {
        const echo = await receiveMessage(peer, channel, 'APP-001');
        assertThat(equal(echo, message), 'the message that was sent', 'another one', 'APP-001');
      }
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
  {
    id: 'APP-001/other-applications-return-no-data',
    requirements: ['APP-001'],
    title: 'only test/data returns application_data',
    stimulus: 'The client opens test/echo and test/sink with application_data.',
    expectation: 'Both are opened, without application_data in OPENED.',
    run: async (context) => {
      const peer = await context.established();
      for (const name of ['test/echo', 'test/sink']) {
        const channel = peer.sendOpen(name, context.bytes(5));
        const opened = await peer.expect('OPENED', { channel, requirement: 'APP-001' });
        if (opened.parameter('application_data') !== undefined) fail('no application_data', opened.text, 'APP-001');
      }
    },
  },
  {
    id: 'APP-001/reset-answers-the-first-message',
    requirements: ['APP-001', 'CHN-031', 'CHN-030'],
    title: 'test/reset resets once, at the first message',
    stimulus: 'The client opens test/reset, sends a PING, and then three messages in one TLS record.',
    expectation: 'Nothing before the messages; then one RESET(APPLICATION_ERROR), and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/reset');
      await requireSilence(peer, channel);
      const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(2) } };
      peer.sendTogether(Array.from({ length: 3 }, () => peer.build('MESSAGE', input)));
      const reset = await peer.expect('RESET', { channel, requirement: 'APP-001' });
      reset.requireCode('APPLICATION_ERROR', 'APP-001');
      peer.send('RESET', { channel, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
      await requireSilence(peer, channel, 'CHN-030');
    },
  },
  {
    id: 'APP-001/reset-answers-an-empty-message',
    requirements: ['APP-001'],
    title: 'an empty message is a message for test/reset',
    stimulus: 'The client sends an empty message to test/reset.',
    expectation: 'RESET(APPLICATION_ERROR) arrives.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/reset');
      peer.sendMessage(channel, new Uint8Array(0));
      const reset = await peer.expect('RESET', { channel, requirement: 'APP-001' });
      reset.requireCode('APPLICATION_ERROR', 'APP-001');
    },
  },
  {
    id: 'APP-001/hold-grants-nothing',
    requirements: ['APP-001', 'CHN-026'],
    title: 'test/hold grants no further credit',
    stimulus: 'The client uses up all messages that it was granted on a channel of test/hold, and sends END.',
    expectation: 'Nothing arrives on the channel, not even CREDIT, and the session goes on.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      const count = peer.serverParameter('initial_message_credit');
      const input = { channel, flags: ['FIRST', 'LAST'], fields: { fragment: context.bytes(1) } };
      peer.sendTogether(Array.from({ length: count }, () => peer.build('MESSAGE', input)));
      peer.send('END', { channel });
      for (let round = 0; round < 2; round += 1) {
        const frame = (await peer.barrier('APP-001')).find((passed) => passed.channel === channel);
        if (frame !== undefined) fail('nothing on the channel', frame.text, 'APP-001');
      }
    },
  },
  {
    id: 'APP-001/close-ends-the-session',
    requirements: ['APP-001', 'SES-012', 'SES-017'],
    title: 'test/close ends the session at the first message',
    stimulus: 'The client has two channels open, sends a PING, and then a message to test/close.',
    expectation:
      'Nothing before the message; then CLOSE(NO_ERROR) with END_SESSION and both final cursors, and the end of the stream.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/close');
      await context.dependency('opening test/echo', () => peer.open('test/echo'));
      await requireSilence(peer, channel);
      peer.sendMessage(channel, context.bytes(3));
      const close = await peer.expect('CLOSE', { requirement: 'APP-001' });
      close.requireCode('NO_ERROR', 'APP-001');
      assertThat(close.has('END_SESSION'), 'END_SESSION', close.text, 'SES-017');
      assertEqual('send cursor', close.integer('send_cursor'), peer.receivedSeq, 'SES-012');
      assertEqual('receive cursor', close.integer('receive_cursor'), peer.nextSeq - 1n, 'SES-012');
      peer.sendClose();
      await peer.expectEnd('SES-014');
    },
  },
  {
    id: 'APP-001/close-only-its-own-session',
    requirements: ['APP-001', 'CHN-032'],
    title: 'test/close ends no other session',
    stimulus: 'A client has two sessions; in one it sends a message to test/close.',
    expectation: 'That session ends, the other goes on.',
    run: async (context) => {
      const other = await context.established();
      const { peer, channel } = await context.opened('test/close');
      peer.sendMessage(channel, context.bytes(3));
      await peer.expect('CLOSE', { requirement: 'APP-001' });
      await other.barrier('APP-001');
    },
  },
  {
    id: 'APP-004/thousand-messages',
    requirements: ['APP-004', 'APP-001'],
    title: 'test/source does not pause',
    stimulus: 'The client grants ample credit and opens test/source for a thousand messages of one octet.',
    expectation: 'All arrive, no two of them more than half a second apart.',
    estimateMs: 400,
    run: async (context) => {
      const { peer, channel } = await context.opened('test/source', { ...AMPLE, data: sourceRequest(1000, 1) });
      for (let n = 0; n < 1000; n += 1) {
        const message = await receiveMessage(peer, channel, 'APP-004');
        assertEqual(`octet of message ${n}`, message[0], n % 251, 'APP-001');
      }
      const times = peer.log.entries.filter(({ text: line }) => line.startsWith('MESSAGE')).map(({ atMs }) => atMs);
      for (const [at, atMs] of times.entries()) {
        const gapMs = atMs - (times[at - 1] ?? atMs);
        assertThat(gapMs < 500, 'no pause', `${Math.round(gapMs)} ms before message ${at}`, 'APP-004');
      }
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
  {
    id: 'APP-007/source-one-octet-too-large',
    requirements: ['APP-007', 'CHN-017'],
    title: 'test/source declines messages larger than the client takes',
    stimulus: 'The client declares that it takes messages of 2,000 octets, and opens test/source for one of 2,001.',
    expectation: 'APPLICATION_ERROR arrives, in REFUSED or RESET, and no message.',
    run: (context) => requireDeclined(context, 2000, 2001),
  },
  {
    id: 'APP-007/source-largest-number',
    requirements: ['APP-007', 'CHN-017'],
    title: 'test/source declines a message of 4 GiB',
    stimulus: 'The client declares that it takes messages of 16 MiB, and opens test/source for one of 2^32 - 1 octets.',
    expectation: 'APPLICATION_ERROR arrives, in REFUSED or RESET, and no message.',
    run: (context) => requireDeclined(context, 16_777_216, 2 ** 32 - 1),
  },
  {
    id: 'APP-007/data-too-large',
    requirements: ['APP-007', 'CHN-017'],
    title: 'test/data declines an echo larger than the client takes',
    stimulus:
      'The client declares that it takes messages of 1,024 octets, and sends one of 1,025 to test/data in two fragments.',
    expectation: 'RESET(APPLICATION_ERROR) arrives, and no message.',
    run: async (context) => {
      const connect = { parameters: [{ id: 'max_message_bytes', value: 1024 }] };
      const { peer, channel } = await context.opened('test/data', { connect });
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: context.bytes(1024) } });
      peer.send('MESSAGE', { channel, flags: ['LAST'], fields: { fragment: context.bytes(1) } });
      const reset = await peer.expect('RESET', { channel, requirement: 'APP-007' });
      reset.requireCode('APPLICATION_ERROR', 'APP-007');
    },
  },
  {
    id: 'APP-003/request-is-big-endian',
    requirements: ['APP-003', 'APP-001'],
    title: 'test/source reads its numbers big-endian',
    stimulus: 'The client opens test/source with the octets 00 00 00 02 00 00 01 00.',
    expectation: 'Two messages of 256 octets arrive, and END.',
    run: async (context) => {
      const data = concat(integer(2, 4), integer(256, 4));
      const { peer, channel } = await context.opened('test/source', { data });
      for (let n = 0; n < 2; n += 1) {
        const message = await receiveMessage(peer, channel, 'APP-001');
        assertEqual('octets in the message', message.length, 256, 'APP-001');
      }
      await peer.expect('END', { channel, requirement: 'APP-001' });
    },
  },
]);

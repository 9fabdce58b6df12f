import { buildFrame, buildRawFrame, concat, greaseType, MAX_U53 } from '../../model/codec.ts';
import { frameNamed } from '../../model/registry.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly, MAX_PAYLOAD, parameterList, rawList, signedConnect } from './client-frames.ts';

type Case = Omit<ServerCase, 'role'>;

/** A frame that is wrong in two ways at once. */
interface Pair {
  readonly slug: string;
  /** A whole sentence. */
  readonly stimulus: string;
  /** The error of the earlier check. */
  readonly code: string;
  readonly frame: (context: ServerContext, peer: ClientPeer) => Uint8Array;
}

const type = (name: string): number => frameNamed(name).type;
const TOO_LONG = MAX_PAYLOAD + 1;
/** A parameter that is not defined and may not be ignored. */
const UNKNOWN = { id: 0x0006, value: new Uint8Array(4) };

function openFrame(context: ServerContext, input: Parameters<typeof buildFrame>[1] = {}): Uint8Array {
  const fields = { nonce: context.bytes(32), application: 'test/echo', parameters: [], ...input.fields };
  return buildFrame('OPEN', { channel: 1, seq: 1, ...input, fields });
}

/** Two faults of one frame in an established session without channels. */
const ESTABLISHED: readonly Pair[] = [
  {
    slug: 'length-before-type',
    stimulus: 'A header of the undefined type 0x3f announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: 0x3f, length: TOO_LONG }),
  },
  {
    slug: 'length-before-flags',
    stimulus: 'The header of a PING announces 16,369 octets and has a flag that PING does not define.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: type('PING'), flags: 0x01, length: TOO_LONG }),
  },
  {
    slug: 'length-before-sender',
    stimulus: 'The header of an ACCEPT, which a client never sends, announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: type('ACCEPT'), length: TOO_LONG }),
  },
  {
    slug: 'length-before-channel-and-sequence',
    stimulus: 'The header of a MESSAGE on channel 0 with the sequence number 9 announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: type('MESSAGE'), flags: 0x03, seq: 9, length: TOO_LONG }),
  },
  {
    slug: 'type-before-everything-behind',
    stimulus: 'A frame of the undefined type 0x3f has all flags, channel 5, sequence number 9 and a payload.',
    code: 'FRAME_UNKNOWN',
    frame: (context) => buildRawFrame({ type: 0x3f, flags: 0xff, channel: 5, seq: 9, payload: context.bytes(5) }),
  },
  {
    slug: 'flags-before-sender',
    stimulus: 'An OPENED, which a client never sends, has an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('OPENED', { flags: 0x01, channel: 1, seq: 1 }),
  },
  {
    slug: 'flags-before-channel',
    stimulus: 'A PING on channel 1 has an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('PING', { flags: 0x80, channel: 1 }),
  },
  {
    slug: 'flags-before-sequence',
    stimulus: 'An OPEN with the sequence number 2, where 1 is due, has an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: (context) => openFrame(context, { flags: 0x01, seq: 2 }),
  },
  {
    slug: 'flags-before-payload',
    stimulus: 'A PING of seven octets has an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('PING', { flags: 0x02, rawPayload: new Uint8Array(7) }),
  },
  {
    slug: 'flags-before-channel-state',
    stimulus: 'A MESSAGE on a channel that was never opened has an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('MESSAGE', { flags: 0x07, channel: 1, seq: 1 }),
  },
  {
    slug: 'sender-before-channel',
    stimulus: 'An ACCEPT, which a client never sends, arrives on channel 1.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('ACCEPT', { channel: 1 }),
  },
  {
    slug: 'sender-before-sequence',
    stimulus: 'A REFUSED, which a client never sends, arrives with the sequence number 0.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('REFUSED', { channel: 1, seq: 0 }),
  },
  {
    slug: 'state-before-payload',
    stimulus: 'A second CONNECT arrives, of three octets.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('CONNECT', { rawPayload: new Uint8Array(3) }),
  },
  {
    slug: 'channel-before-sequence',
    stimulus: 'A MESSAGE on channel 0 has the sequence number 9, where 1 is due.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('MESSAGE', { flags: 0x03, seq: 9 }),
  },
  {
    slug: 'channel-before-sequence-unsequenced',
    stimulus: 'A PING on channel 1 has a sequence number.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('PING', { channel: 1, seq: 1 }),
  },
  {
    slug: 'channel-before-payload',
    stimulus: 'A PING of seven octets arrives on channel 1.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('PING', { channel: 1, rawPayload: new Uint8Array(7) }),
  },
  {
    slug: 'channel-before-cursors',
    stimulus: 'A CLOSE whose cursors are wrong arrives on channel 1.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('CLOSE', { flags: 0x01, channel: 1, fields: { receive_cursor: 9, send_cursor: 9 } }),
  },
  {
    slug: 'sequence-before-payload',
    stimulus: 'An OPEN with the sequence number 2, where 1 is due, has one octet behind its last field.',
    code: 'SEQUENCE_INVALID',
    frame: (context) => openFrame(context, { seq: 2, trailing: Uint8Array.of(0) }),
  },
  {
    slug: 'sequence-before-payload-unsequenced',
    stimulus: 'A PONG of nine octets has a sequence number.',
    code: 'SEQUENCE_INVALID',
    frame: () => buildFrame('PONG', { seq: 1, rawPayload: new Uint8Array(9) }),
  },
  {
    slug: 'sequence-before-channel-state',
    stimulus: 'A MESSAGE with the sequence number 2, where 1 is due, is for a channel that was never opened.',
    code: 'SEQUENCE_INVALID',
    frame: () => buildFrame('MESSAGE', { flags: 0x03, channel: 1, seq: 2 }),
  },
  {
    slug: 'sequence-before-channel-number',
    stimulus: 'An OPEN with the sequence number 2, where 1 is due, is for channel 7, where 1 is due.',
    code: 'SEQUENCE_INVALID',
    frame: (context) => openFrame(context, { channel: 7, seq: 2 }),
  },
  {
    slug: 'payload-before-channel-state',
    stimulus: 'A CREDIT of 15 octets is for a channel that was never opened.',
    code: 'FRAME_MALFORMED',
    frame: () => buildFrame('CREDIT', { channel: 1, rawPayload: new Uint8Array(15) }),
  },
  {
    slug: 'payload-before-channel-state-reset',
    stimulus: 'A RESET of one octet is for a channel that was never opened.',
    code: 'FRAME_MALFORMED',
    frame: () => buildFrame('RESET', { channel: 1, seq: 1, rawPayload: new Uint8Array(1) }),
  },
  {
    slug: 'payload-before-channel-number',
    stimulus: 'An OPEN for channel 7, where 1 is due, has an empty application.',
    code: 'FRAME_MALFORMED',
    frame: (context) => openFrame(context, { channel: 7, fields: { application: '' } }),
  },
  {
    slug: 'parameter-before-channel-number',
    stimulus: 'An OPEN for channel 7, where 1 is due, has an unknown critical parameter.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context) => openFrame(context, { channel: 7, fields: { parameters: parameterList(UNKNOWN) } }),
  },
  {
    slug: 'channel-number-before-application',
    stimulus: 'An OPEN for channel 7, where 1 is due, names an application that does not exist.',
    code: 'CHANNEL_INVALID',
    frame: (context) => openFrame(context, { channel: 7, fields: { application: 'no/such/application' } }),
  },
  {
    slug: 'channel-state-before-fragment',
    stimulus: 'An empty fragment that neither begins nor completes a message is for a channel that was never opened.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('MESSAGE', { flags: 0, channel: 1, seq: 1 }),
  },
  {
    slug: 'channel-state-before-credit',
    stimulus: 'A CREDIT that raises nothing is for a channel that was never opened.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('CREDIT', { channel: 1 }),
  },
  {
    slug: 'first-field-first',
    stimulus: 'An OPEN has an empty application, and an unknown critical parameter.',
    code: 'FRAME_MALFORMED',
    frame: (context) => openFrame(context, { fields: { application: '', parameters: parameterList(UNKNOWN) } }),
  },
  {
    slug: 'parameters-before-trailing',
    stimulus: 'An OPEN has an unknown critical parameter, and one octet behind its last field.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context) =>
      openFrame(context, { fields: { parameters: parameterList(UNKNOWN) }, trailing: Uint8Array.of(0) }),
  },
  {
    slug: 'list-as-a-whole-first',
    stimulus: 'An OPEN has an unknown critical parameter, and behind it one that reaches past the end of the list.',
    code: 'PARAMETER_MALFORMED',
    frame: (context) => {
      const list = concat(parameterList(UNKNOWN).octets.subarray(2), Uint8Array.of(0x80, 0x1b, 0x00, 0x09));
      return openFrame(context, { fields: { parameters: rawList(list) } });
    },
  },
  {
    slug: 'order-of-list-before-range',
    stimulus: 'An OPEN has application_data of 4,097 octets, and behind it a parameter with a lower number.',
    code: 'PARAMETER_MALFORMED',
    frame: (context) => {
      const parameters = parameterList({ id: 'application_data', value: context.bytes(4097) }, UNKNOWN);
      return openFrame(context, { fields: { parameters } });
    },
  },
  {
    slug: 'first-parameter-first',
    stimulus: 'An OPEN has liveness_interval_ms, which has no place in it, and then an unknown critical parameter.',
    code: 'PARAMETER_INVALID',
    frame: (context) => {
      const parameters = parameterList({ id: 'liveness_interval_ms', value: 15_000 }, UNKNOWN);
      return openFrame(context, { fields: { parameters } });
    },
  },
  {
    slug: 'unknown-parameter-first',
    stimulus: 'An OPEN has an unknown critical parameter, and then application_data of 4,097 octets.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context) => {
      const parameters = parameterList(UNKNOWN, { id: 'application_data', value: context.bytes(4097) });
      return openFrame(context, { fields: { parameters } });
    },
  },
  {
    slug: 'payload-before-cursors',
    stimulus: 'A CLOSE claims to have received more than was sent, and has 2^53 as its send_cursor.',
    code: 'FRAME_MALFORMED',
    frame: () => buildFrame('CLOSE', { flags: 0x01, fields: { receive_cursor: 9, send_cursor: MAX_U53 + 1n } }),
  },
  {
    slug: 'ignorable-length-before-sequence',
    stimulus: 'The header of an ignorable unknown frame has a sequence number and announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: greaseType(0), seq: 1, length: TOO_LONG }),
  },
];

/** Two faults of the frame that arrives instead of CONNECT. */
const EARLY: readonly Pair[] = [
  {
    slug: 'early-type-before-state',
    stimulus: 'Instead of CONNECT a frame of the undefined type 0x3f arrives.',
    code: 'FRAME_UNKNOWN',
    frame: () => buildRawFrame({ type: 0x3f, flags: 0x01 }),
  },
  {
    slug: 'early-flags-before-state',
    stimulus: 'Instead of CONNECT a PING arrives, with an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('PING', { flags: 0x01 }),
  },
  {
    slug: 'early-state-before-channel',
    stimulus: 'Instead of CONNECT an OPEN arrives, on channel 0.',
    code: 'FRAME_UNEXPECTED',
    frame: (context) => openFrame(context, { channel: 0 }),
  },
  {
    slug: 'early-state-before-sequence',
    stimulus: 'Instead of CONNECT an OPEN arrives, with the sequence number 9.',
    code: 'FRAME_UNEXPECTED',
    frame: (context) => openFrame(context, { seq: 9 }),
  },
  {
    slug: 'early-state-before-payload',
    stimulus: 'Instead of CONNECT a PING of seven octets arrives.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('PING', { rawPayload: new Uint8Array(7) }),
  },
  {
    slug: 'early-ignorable-state-before-sequence',
    stimulus: 'Instead of CONNECT an ignorable unknown frame arrives, with a sequence number.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildRawFrame({ type: greaseType(1), seq: 1 }),
  },
  {
    slug: 'early-ignorable-length-before-state',
    stimulus: 'Instead of CONNECT the header of an ignorable unknown frame arrives that announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: greaseType(1), length: TOO_LONG }),
  },
  {
    slug: 'connect-flags-before-channel',
    stimulus: 'CONNECT, otherwise right, arrives with an undefined flag and on channel 1.',
    code: 'FLAGS_INVALID',
    frame: (context, peer) => signedConnect(context, peer, { flags: 0x40, channel: 1 }),
  },
  {
    slug: 'connect-channel-before-sequence',
    stimulus: 'CONNECT, otherwise right, arrives on channel 1 and with a sequence number.',
    code: 'CHANNEL_INVALID',
    frame: (context, peer) => signedConnect(context, peer, { channel: 1, seq: 1 }),
  },
  {
    slug: 'connect-sequence-before-payload',
    stimulus: 'CONNECT, otherwise right, arrives with a sequence number and with mode 2.',
    code: 'SEQUENCE_INVALID',
    frame: (context, peer) => signedConnect(context, peer, { seq: 1, fields: { mode: 2 } }),
  },
  {
    slug: 'connect-first-field-first',
    stimulus: 'CONNECT, signed as it is, has mode 2 and an unknown critical parameter.',
    code: 'FRAME_MALFORMED',
    frame: (context, peer) => signedConnect(context, peer, { fields: { mode: 2, parameters: parameterList(UNKNOWN) } }),
  },
  {
    slug: 'connect-audience-before-parameters',
    stimulus: 'CONNECT, signed as it is, has an audience with U+0000 and a parameter list in descending order.',
    code: 'FRAME_MALFORMED',
    frame: (context, peer) => {
      const parameters = parameterList({ id: 0x801c, value: Uint8Array.of() }, { id: 0x801b, value: Uint8Array.of() });
      return signedConnect(context, peer, { fields: { audience: 'a\u0000', parameters } });
    },
  },
  {
    slug: 'connect-parameters-before-signature-bounds',
    stimulus: 'CONNECT has an unknown critical parameter and an empty signature.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context, peer) =>
      signedConnect(context, peer, { fields: { parameters: parameterList(UNKNOWN), signature: new Uint8Array(0) } }),
  },
  {
    slug: 'connect-trailing-before-signature',
    stimulus: 'CONNECT has one octet behind its last field and a signature that does not verify.',
    code: 'FRAME_MALFORMED',
    frame: (context, peer) =>
      signedConnect(context, peer, { fields: { signature: context.bytes(64) }, trailing: Uint8Array.of(0) }),
  },
  {
    slug: 'connect-payload-before-audience',
    stimulus: 'CONNECT, signed as it is, names another server and has max_channels, which has no place in it.',
    code: 'PARAMETER_INVALID',
    frame: (context, peer) => {
      const parameters = parameterList({ id: 'max_channels', value: 16 });
      return signedConnect(context, peer, { fields: { audience: 'spiffe://hawser.test/nobody', parameters } });
    },
  },
];

const establishedCases = ESTABLISHED.map(({ slug, stimulus, code, frame }): Case => ({
  id: `WIR-027/${slug}`,
  requirements: ['WIR-027'],
  title: `the earlier of two errors is named: ${slug.replaceAll('-', ' ')}`,
  stimulus: `In an established session: ${stimulus}`,
  expectation: `The server answers with CLOSE(${code}), and with no other code.`,
  run: async (context) => {
    const peer = await context.established();
    peer.sendFrame(frame(context, peer));
    await expectExactly(peer, code, 'WIR-027', { probe: false });
  },
}));

const earlyCases = EARLY.map(({ slug, stimulus, code, frame }): Case => ({
  id: `WIR-027/${slug}`,
  requirements: ['WIR-027'],
  title: `the earlier of two errors is named: ${slug.replaceAll('-', ' ')}`,
  stimulus,
  expectation: `The server answers with REJECT(${code}), and with no other code.`,
  run: async (context) => {
    const peer = await context.challenged();
    peer.sendFrame(frame(context, peer));
    await expectExactly(peer, code, 'WIR-027');
  },
}));

/** Section 3.8, for a server: which of two errors is the one that it names. */
export const orderOfChecks: readonly ServerCase[] = serverCases([
  ...establishedCases,
  ...earlyCases,
  {
    id: 'WIR-027/fragment-before-credit',
    requirements: ['WIR-027', 'CHN-013'],
    title: 'the earlier of two errors is named: fragment before credit',
    stimulus:
      'The client has used up its message credit on a channel of test/hold; then a fragment with FIRST arrives inside a message that is not complete.',
    expectation: 'The server answers with CLOSE(FRAGMENT_INVALID), and with no other code.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/hold');
      const granted = peer.serverParameter('initial_message_credit');
      const fragment = new Uint8Array(0);
      const whole = (): Uint8Array =>
        peer.build('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      peer.sendTogether(Array.from({ length: granted - 1 }, whole));
      peer.send('MESSAGE', { channel, flags: ['FIRST'], fields: { fragment: Uint8Array.of(0) } });
      await context.dependency('using up the credit', () => peer.barrier());
      peer.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
      await expectExactly(peer, 'FRAGMENT_INVALID', 'WIR-027');
    },
  },
  {
    id: 'WIR-028/first-of-two-frames',
    requirements: ['WIR-028', 'SES-028'],
    title: 'the first of two wrong frames is the one that is named',
    stimulus:
      'In an established session a PING with an undefined flag and, in the same TLS record, a frame of an undefined type arrive.',
    expectation: 'The server answers with CLOSE(FLAGS_INVALID), and with nothing else.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether([buildFrame('PING', { flags: 0x01 }), buildRawFrame({ type: 0x3f })]);
      await expectExactly(peer, 'FLAGS_INVALID', 'WIR-028', { probe: false });
    },
  },
  {
    id: 'WIR-028/then-too-large',
    requirements: ['WIR-028', 'SES-028'],
    title: 'a frame that is too large does not replace the first error',
    stimulus:
      'In an established session a PING on channel 1 and, in the same TLS record, a header that announces 65,535 octets arrive.',
    expectation: 'The server answers with CLOSE(CHANNEL_INVALID), and with nothing else.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendTogether([buildFrame('PING', { channel: 1 }), buildRawFrame({ type: type('PING'), length: 0xffff })]);
      await expectExactly(peer, 'CHANNEL_INVALID', 'WIR-028', { probe: false });
    },
  },
  {
    id: 'WIR-028/peer-closes-after-the-error',
    requirements: ['WIR-028', 'SES-028'],
    title: 'a CLOSE behind a wrong frame does not make the end orderly',
    stimulus: 'In an established session a PING of nine octets and, in the same TLS record, CLOSE(NO_ERROR) arrive.',
    expectation: 'The server answers with CLOSE(FRAME_MALFORMED), and with nothing else.',
    run: async (context) => {
      const peer = await context.established();
      const close = buildFrame('CLOSE', { flags: ['END_SESSION'], fields: { receive_cursor: peer.receivedSeq } });
      peer.sendTogether([buildFrame('PING', { trailing: Uint8Array.of(0) }), close]);
      await expectExactly(peer, 'FRAME_MALFORMED', 'WIR-028', { probe: false });
    },
  },
  {
    id: 'WIR-028/early',
    requirements: ['WIR-028', 'EST-023'],
    title: 'the first of two wrong frames before ACCEPT is the one that is named',
    stimulus: 'Instead of CONNECT a PING arrives and, in the same TLS record, a frame of an undefined type.',
    expectation: 'The server answers with REJECT(FRAME_UNEXPECTED), and with nothing else.',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendTogether([buildFrame('PING'), buildRawFrame({ type: 0x3f })]);
      await expectExactly(peer, 'FRAME_UNEXPECTED', 'WIR-028');
    },
  },
  {
    id: 'CST-001/right-connect-behind-a-wrong-one',
    requirements: ['CST-001', 'WIR-028', 'EST-023'],
    title: 'a second CONNECT gets no second chance',
    stimulus:
      'A CONNECT whose signature does not verify arrives and, in the same TLS record, a CONNECT that is right in every respect.',
    expectation:
      'The server answers with REJECT(SIGNATURE_INVALID), or REJECT(FRAME_UNEXPECTED), and with nothing else.',
    run: async (context) => {
      const peer = await context.challenged();
      const wrong = signedConnect(context, peer, { fields: { signature: context.bytes(64) } });
      peer.sendTogether([wrong, signedConnect(context, peer)]);
      const what = 'REJECT(SIGNATURE_INVALID)';
      const answer = await peer.expect('REJECT', { requirement: 'CST-001' });
      // A server that verifies beside reading finds the second frame first (EST-014).
      if (!['SIGNATURE_INVALID', 'FRAME_UNEXPECTED'].includes(answer.code)) fail(what, answer.text, 'CST-001');
      await peer.expectEnd('EST-023');
    },
  },
]);

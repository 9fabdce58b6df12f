import { buildFrame, buildRawFrame, greaseType, MAX_U53 } from '../../model/codec.ts';
import { frameNamed } from '../../model/registry.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { MAX_PAYLOAD, parameterList, rawList } from '../server/client-frames.ts';
import type { State } from './server-frames.ts';
import { expectClose, inState, signedAccept, STATE_WORDS } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

/** A frame that is wrong in two ways at once. */
interface Pair {
  readonly state: State;
  readonly slug: string;
  /** Continues the words of the state: "... a PING arrives, ...". */
  readonly stimulus: string;
  /** The error of the earlier check. */
  readonly code: string;
  readonly frame: (context: ClientContext, peer: ServerPeer) => Uint8Array;
}

const type = (name: string): number => frameNamed(name).type;
const TOO_LONG = MAX_PAYLOAD + 1;
/** A parameter that is not defined and may not be ignored. */
const UNKNOWN = { id: 0x0006, value: new Uint8Array(4) };

function challengeFrame(context: ClientContext, input: Parameters<typeof buildFrame>[1] = {}): Uint8Array {
  return buildFrame('CHALLENGE', { ...input, fields: { server_nonce: context.bytes(32), ...input.fields } });
}

const PAIRS: readonly Pair[] = [
  {
    state: 'established',
    slug: 'length-before-type',
    stimulus: 'a header of the undefined type 0x3f arrives that announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: 0x3f, length: TOO_LONG }),
  },
  {
    state: 'established',
    slug: 'length-before-flags',
    stimulus: 'the header of a PING with an undefined flag arrives that announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: type('PING'), flags: 0x01, length: TOO_LONG }),
  },
  {
    state: 'established',
    slug: 'length-before-sender',
    stimulus: 'the header of a CONNECT, which a server never sends, arrives that announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: type('CONNECT'), length: TOO_LONG }),
  },
  {
    state: 'established',
    slug: 'type-before-everything-behind',
    stimulus: 'a frame of the undefined type 0x3f arrives with all flags, channel 5, sequence number 9 and a payload.',
    code: 'FRAME_UNKNOWN',
    frame: (context) => buildRawFrame({ type: 0x3f, flags: 0xff, channel: 5, seq: 9, payload: context.bytes(5) }),
  },
  {
    state: 'established',
    slug: 'flags-before-sender',
    stimulus: 'an OPEN, which a server never sends, arrives with an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('OPEN', { flags: 0x01, channel: 1, seq: 1 }),
  },
  {
    state: 'established',
    slug: 'flags-before-channel',
    stimulus: 'a PING arrives on channel 1, with an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('PING', { flags: 0x80, channel: 1 }),
  },
  {
    state: 'established',
    slug: 'flags-before-sequence',
    stimulus: 'a RESET arrives with the sequence number 2, where 1 is due, and an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('RESET', { flags: 0x01, channel: 1, seq: 2 }),
  },
  {
    state: 'established',
    slug: 'flags-before-payload',
    stimulus: 'a PING of seven octets arrives with an undefined flag.',
    code: 'FLAGS_INVALID',
    frame: () => buildFrame('PING', { flags: 0x02, rawPayload: new Uint8Array(7) }),
  },
  {
    state: 'established',
    slug: 'sender-before-channel',
    stimulus: 'a CONNECT, which a server never sends, arrives on channel 1.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('CONNECT', { channel: 1 }),
  },
  {
    state: 'established',
    slug: 'sender-before-sequence',
    stimulus: 'an OPEN, which a server never sends, arrives with the sequence number 0.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('OPEN', { channel: 1, seq: 0 }),
  },
  {
    state: 'established',
    slug: 'state-before-payload',
    stimulus: 'a second ACCEPT arrives, of three octets.',
    code: 'FRAME_UNEXPECTED',
    frame: () => buildFrame('ACCEPT', { rawPayload: new Uint8Array(3) }),
  },
  {
    state: 'established',
    slug: 'channel-before-sequence',
    stimulus: 'a MESSAGE arrives on channel 0 with the sequence number 9, where 1 is due.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('MESSAGE', { flags: 0x03, seq: 9 }),
  },
  {
    state: 'established',
    slug: 'channel-before-payload',
    stimulus: 'a PING of seven octets arrives on channel 1.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('PING', { channel: 1, rawPayload: new Uint8Array(7) }),
  },
  {
    state: 'established',
    slug: 'channel-before-cursors',
    stimulus: 'a CLOSE with wrong cursors arrives on channel 1.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('CLOSE', { flags: 0x01, channel: 1, fields: { receive_cursor: 9, send_cursor: 9 } }),
  },
  {
    state: 'established',
    slug: 'sequence-before-payload',
    stimulus: 'a RESET of three octets arrives with the sequence number 2, where 1 is due.',
    code: 'SEQUENCE_INVALID',
    frame: () => buildFrame('RESET', { channel: 1, seq: 2, trailing: Uint8Array.of(0) }),
  },
  {
    state: 'established',
    slug: 'sequence-before-payload-unsequenced',
    stimulus: 'a PONG of nine octets arrives with a sequence number.',
    code: 'SEQUENCE_INVALID',
    frame: () => buildFrame('PONG', { seq: 1, rawPayload: new Uint8Array(9) }),
  },
  {
    state: 'established',
    slug: 'sequence-before-channel-state',
    stimulus: 'a MESSAGE with the sequence number 2, where 1 is due, arrives for a channel that was never opened.',
    code: 'SEQUENCE_INVALID',
    frame: () => buildFrame('MESSAGE', { flags: 0x03, channel: 1, seq: 2 }),
  },
  {
    state: 'established',
    slug: 'payload-before-channel-state',
    stimulus: 'a CREDIT of 15 octets arrives for a channel that was never opened.',
    code: 'FRAME_MALFORMED',
    frame: () => buildFrame('CREDIT', { channel: 1, rawPayload: new Uint8Array(15) }),
  },
  {
    state: 'established',
    slug: 'payload-before-channel-state-opened',
    stimulus: 'an OPENED with one octet too many arrives for a channel that was never opened.',
    code: 'FRAME_MALFORMED',
    frame: () => buildFrame('OPENED', { channel: 1, seq: 1, trailing: Uint8Array.of(0) }),
  },
  {
    state: 'established',
    slug: 'parameter-before-channel-state',
    stimulus: 'an OPENED with an unknown critical parameter arrives for a channel that was never opened.',
    code: 'PARAMETER_UNKNOWN',
    frame: () => buildFrame('OPENED', { channel: 1, seq: 1, fields: { parameters: parameterList(UNKNOWN) } }),
  },
  {
    state: 'established',
    slug: 'channel-state-before-fragment',
    stimulus: 'an empty MESSAGE without flags arrives for a channel that was never opened.',
    code: 'CHANNEL_INVALID',
    frame: () => buildFrame('MESSAGE', { channel: 1, seq: 1 }),
  },
  {
    state: 'established',
    slug: 'payload-before-cursors',
    stimulus: 'a CLOSE arrives that claims to have received more than was sent, and has 2^53 as its send_cursor.',
    code: 'FRAME_MALFORMED',
    frame: () => buildFrame('CLOSE', { flags: 0x01, fields: { receive_cursor: 9, send_cursor: MAX_U53 + 1n } }),
  },
  {
    state: 'established',
    slug: 'ignorable-length-before-sequence',
    stimulus: 'the header of an ignorable unknown frame with a sequence number arrives that announces 16,369 octets.',
    code: 'FRAME_TOO_LARGE',
    frame: () => buildRawFrame({ type: greaseType(0), seq: 1, length: TOO_LONG }),
  },
  ...(['awaiting-challenge', 'awaiting-accept'] as const).flatMap((state): readonly Pair[] => [
    {
      state,
      slug: `${state}-type-before-state`,
      stimulus: 'a frame of the undefined type 0x3f arrives, with a flag.',
      code: 'FRAME_UNKNOWN',
      frame: () => buildRawFrame({ type: 0x3f, flags: 0x01 }),
    },
    {
      state,
      slug: `${state}-flags-before-state`,
      stimulus: 'a PING arrives, with an undefined flag.',
      code: 'FLAGS_INVALID',
      frame: () => buildFrame('PING', { flags: 0x01 }),
    },
    {
      state,
      slug: `${state}-state-before-channel`,
      stimulus: 'an OPENED arrives, on channel 0.',
      code: 'FRAME_UNEXPECTED',
      frame: () => buildFrame('OPENED', { channel: 0, seq: 1 }),
    },
    {
      state,
      slug: `${state}-state-before-sequence`,
      stimulus: 'an OPENED arrives, with the sequence number 9.',
      code: 'FRAME_UNEXPECTED',
      frame: () => buildFrame('OPENED', { channel: 1, seq: 9 }),
    },
    {
      state,
      slug: `${state}-state-before-payload`,
      stimulus: 'a PING of seven octets arrives.',
      code: 'FRAME_UNEXPECTED',
      frame: () => buildFrame('PING', { rawPayload: new Uint8Array(7) }),
    },
    {
      state,
      slug: `${state}-ignorable-state-before-sequence`,
      stimulus: 'an ignorable unknown frame arrives, with a sequence number.',
      code: 'FRAME_UNEXPECTED',
      frame: () => buildRawFrame({ type: greaseType(1), seq: 1 }),
    },
    {
      state,
      slug: `${state}-reject-channel-before-sequence`,
      stimulus: 'a REJECT arrives, on channel 1 and with a sequence number.',
      code: 'CHANNEL_INVALID',
      frame: () => buildFrame('REJECT', { channel: 1, seq: 1 }),
    },
  ]),
  {
    state: 'awaiting-challenge',
    slug: 'challenge-flags-before-channel',
    stimulus: 'one arrives with an undefined flag and on channel 1.',
    code: 'FLAGS_INVALID',
    frame: (context) => challengeFrame(context, { flags: 0x40, channel: 1 }),
  },
  {
    state: 'awaiting-challenge',
    slug: 'challenge-channel-before-sequence',
    stimulus: 'one arrives on channel 1 and with a sequence number.',
    code: 'CHANNEL_INVALID',
    frame: (context) => challengeFrame(context, { channel: 1, seq: 1 }),
  },
  {
    state: 'awaiting-challenge',
    slug: 'challenge-sequence-before-payload',
    stimulus: 'one arrives with a sequence number and one octet too many.',
    code: 'SEQUENCE_INVALID',
    frame: (context) => challengeFrame(context, { seq: 1, trailing: Uint8Array.of(0) }),
  },
  {
    state: 'awaiting-challenge',
    slug: 'challenge-list-walked-first',
    stimulus: 'one arrives with an unknown critical parameter, behind which its list ends inside a header.',
    code: 'PARAMETER_MALFORMED',
    frame: (context) =>
      challengeFrame(context, { fields: { parameters: rawList(Uint8Array.of(0x00, 0x06, 0x00, 0x00, 0x80)) } }),
  },
  {
    state: 'awaiting-challenge',
    slug: 'challenge-first-parameter-first',
    stimulus: 'one arrives with liveness_interval_ms = 0 and an unknown critical parameter behind it.',
    code: 'PARAMETER_INVALID',
    frame: (context) =>
      challengeFrame(context, {
        fields: { parameters: parameterList({ id: 'liveness_interval_ms', value: 0 }, UNKNOWN) },
      }),
  },
  {
    state: 'awaiting-challenge',
    slug: 'challenge-unknown-parameter-first',
    stimulus:
      'one arrives with an unknown critical parameter, and application_data, which has no place in it, behind it.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context) =>
      challengeFrame(context, {
        fields: { parameters: parameterList(UNKNOWN, { id: 'application_data', value: Uint8Array.of(1) }) },
      }),
  },
  {
    state: 'awaiting-challenge',
    slug: 'challenge-parameters-before-trailing',
    stimulus: 'one arrives with an unknown critical parameter and one octet too many.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context) =>
      challengeFrame(context, { fields: { parameters: parameterList(UNKNOWN) }, trailing: Uint8Array.of(0) }),
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-channel-before-sequence',
    stimulus: 'one arrives, signed as it is, on channel 1 and with a sequence number.',
    code: 'CHANNEL_INVALID',
    frame: (context, peer) => signedAccept(context, peer, { channel: 1, seq: 1 }),
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-sequence-before-payload',
    stimulus: 'one arrives, signed as it is, with a sequence number and epoch 0.',
    code: 'SEQUENCE_INVALID',
    frame: (context, peer) => signedAccept(context, peer, { seq: 1, fields: { epoch: 0 } }),
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-first-field-first',
    stimulus: 'one arrives, signed as it is, with epoch 0 and an unknown critical parameter.',
    code: 'FRAME_MALFORMED',
    frame: (context, peer) => signedAccept(context, peer, { fields: { epoch: 0, parameters: parameterList(UNKNOWN) } }),
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-parameters-before-signature-bounds',
    stimulus: 'one arrives with an unknown critical parameter and an empty signature.',
    code: 'PARAMETER_UNKNOWN',
    frame: (context, peer) =>
      signedAccept(context, peer, { fields: { parameters: parameterList(UNKNOWN), signature: new Uint8Array(0) } }),
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-trailing-before-signature',
    stimulus: 'one arrives with one octet too many and a signature that does not verify.',
    code: 'FRAME_MALFORMED',
    frame: (context, peer) =>
      signedAccept(context, peer, { fields: { signature: context.bytes(64) }, trailing: Uint8Array.of(0) }),
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-parameters-before-signature',
    stimulus: 'one arrives with max_channels = 0 and a signature that does not verify.',
    code: 'PARAMETER_INVALID',
    frame: (context, peer) => {
      const parameters = parameterList({ id: 'max_channels', value: 0 });
      return signedAccept(context, peer, { fields: { parameters, signature: context.bytes(64) } });
    },
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-parameters-before-epoch-two',
    stimulus: 'one arrives, signed as it is, with epoch 2 and liveness_interval_ms, which has no place in it.',
    code: 'PARAMETER_INVALID',
    frame: (context, peer) => {
      const parameters = parameterList({ id: 'liveness_interval_ms', value: 15_000 });
      return signedAccept(context, peer, { fields: { epoch: 2, parameters } });
    },
  },
  {
    state: 'awaiting-accept',
    slug: 'accept-signature-before-epoch-two',
    stimulus: 'one arrives with epoch 2 and a signature that does not verify.',
    code: 'SIGNATURE_INVALID',
    frame: (context, peer) => signedAccept(context, peer, { fields: { epoch: 2, signature: context.bytes(64) } }),
  },
];

const pairCases = PAIRS.map(({ state, slug, stimulus, code, frame }): Case => ({
  id: `WIR-027/client-${slug}`,
  requirements: state === 'established' ? ['WIR-027'] : ['WIR-027', 'EST-027'],
  title: `the earlier of two errors is named: ${slug.replaceAll('-', ' ')}`,
  stimulus: `${STATE_WORDS[state]} ${stimulus}`,
  expectation: `The client sends CLOSE(${code}), and no other code.`,
  run: async (context) => {
    const { peer } = await inState(context, state);
    peer.sendFrame(frame(context, peer));
    await expectClose(context, peer, code, 'WIR-027', { exact: true, probe: false });
  },
}));

/** Section 3.8, for a client: which of two errors is the one that it names. */
export const orderOfChecks: readonly ClientCase[] = clientCases([
  ...pairCases,
  {
    id: 'WIR-028/client-first-of-two-frames',
    requirements: ['WIR-028', 'SES-028'],
    title: 'the first of two wrong frames is the one that is named',
    stimulus:
      'In an established session a PING with an undefined flag and, in the same TLS record, a frame of an undefined type arrive.',
    expectation: 'The client sends CLOSE(FLAGS_INVALID), and nothing else.',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendTogether([buildFrame('PING', { flags: 0x01 }), buildRawFrame({ type: 0x3f })]);
      await expectClose(context, peer, 'FLAGS_INVALID', 'WIR-028', { exact: true, probe: false });
    },
  },
  {
    id: 'WIR-028/client-then-too-large',
    requirements: ['WIR-028', 'SES-028'],
    title: 'a frame that is too large does not replace the first error',
    stimulus:
      'In an established session a PING on channel 1 and, in the same TLS record, a header that announces 65,535 octets arrive.',
    expectation: 'The client sends CLOSE(CHANNEL_INVALID), and nothing else.',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendTogether([buildFrame('PING', { channel: 1 }), buildRawFrame({ type: type('PING'), length: 0xffff })]);
      await expectClose(context, peer, 'CHANNEL_INVALID', 'WIR-028', { exact: true, probe: false });
    },
  },
  {
    id: 'WIR-028/client-peer-closes-after-the-error',
    requirements: ['WIR-028', 'SES-028'],
    title: 'a CLOSE behind a wrong frame does not make the end orderly',
    stimulus: 'In an established session a PING of nine octets and, in the same TLS record, CLOSE(NO_ERROR) arrive.',
    expectation: 'The client sends CLOSE(FRAME_MALFORMED), nothing else, and reports a failure.',
    run: async (context) => {
      const { peer, client } = await context.established();
      const close = buildFrame('CLOSE', { flags: ['END_SESSION'], fields: { receive_cursor: peer.receivedSeq } });
      peer.sendTogether([buildFrame('PING', { trailing: Uint8Array.of(0) }), close]);
      await expectClose(context, peer, 'FRAME_MALFORMED', 'WIR-028', { exact: true, probe: false });
      await client.expectEvent('failed', 'WIR-028');
    },
  },
  {
    id: 'WIR-028/client-challenge-behind-an-error',
    requirements: ['WIR-028', 'EST-012'],
    title: 'a CHALLENGE behind a wrong frame is not answered',
    stimulus: 'A PING and, in the same TLS record, a right CHALLENGE arrive first of all.',
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED), and no CONNECT.',
    run: async (context) => {
      const { peer } = await context.connected();
      peer.sendTogether([buildFrame('PING'), challengeFrame(context)]);
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'WIR-028', { exact: true });
    },
  },
  {
    id: 'WIR-028/client-accept-behind-an-error',
    requirements: ['WIR-028', 'EST-022'],
    title: 'an ACCEPT behind a wrong frame establishes nothing',
    stimulus: 'After CONNECT a PING and, in the same TLS record, a right ACCEPT arrive.',
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED) and reports a failure, never a session.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      peer.sendTogether([buildFrame('PING'), peer.buildAccept()]);
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'WIR-028', { exact: true, probe: false });
      await client.expectEvent('failed', 'WIR-028');
    },
  },
]);

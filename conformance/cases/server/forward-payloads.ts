import type { FieldInput, ParameterInput } from '../../model/codec.ts';
import { buildParameters, buildPayload, concat, integer } from '../../model/codec.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly } from './client-frames.ts';
import { FORWARD, forwarded, identityOf, MAX_ROUTE, RELAY, relaying } from './forwarded.ts';
import { requireEcho } from './continuity/sessions.ts';

type NewCase = Omit<ServerCase, 'role'>;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const listed = (...values: readonly Uint8Array[]): Uint8Array =>
  concat(...values.map((value) => concat(integer(value.length, 2), value)));
/** A list that announces `more` octets than it has. */
const list = (octets: Uint8Array, more = 0): FieldInput => ({
  octets: concat(integer(octets.length + more, 2), octets),
});

/** What is wrong about the OPEN inside. */
interface InnerFault {
  readonly slug: string;
  /** Continues "whose `open` ...". */
  readonly words: string;
  readonly code: string;
  readonly open: (right: Uint8Array) => Uint8Array;
}

const NONCE_BYTES = 32;
const NAME = 'test/echo';
const PARAMETERS_AT = NONCE_BYTES + 2 + NAME.length;

const withList = (parameters: Uint8Array) => (right: Uint8Array) =>
  concat(right.subarray(0, PARAMETERS_AT), parameters);
const withParameters = (...parameters: readonly ParameterInput[]) => withList(buildParameters(parameters));
const withName = (name: Uint8Array) => (right: Uint8Array) =>
  concat(right.subarray(0, NONCE_BYTES), integer(name.length, 2), name, integer(0, 2));

const data = (size: number): ParameterInput => ({ id: 'application_data', value: new Uint8Array(size) });

const INNER: readonly InnerFault[] = [
  { slug: 'empty', words: 'is empty', code: 'FRAME_MALFORMED', open: () => new Uint8Array(0) },
  { slug: 'inside-nonce', words: 'ends inside its nonce', code: 'FRAME_MALFORMED', open: (o) => o.slice(0, 31) },
  { slug: 'before-application', words: 'ends behind its nonce', code: 'FRAME_MALFORMED', open: (o) => o.slice(0, 32) },
  {
    slug: 'inside-application',
    words: 'ends inside its application',
    code: 'FRAME_MALFORMED',
    open: (o) => o.slice(0, PARAMETERS_AT - 1),
  },
  {
    slug: 'without-parameters',
    words: 'has no parameter list',
    code: 'FRAME_MALFORMED',
    open: (o) => o.slice(0, PARAMETERS_AT),
  },
  { slug: 'one-octet-less', words: 'ends one octet early', code: 'FRAME_MALFORMED', open: (o) => o.slice(0, -1) },
  {
    slug: 'one-octet-more',
    words: 'has one octet behind its last field',
    code: 'FRAME_MALFORMED',
    open: (o) => concat(o, Uint8Array.of(0)),
  },
  {
    slug: 'list-beyond',
    words: 'has a parameter list that announces more than there is',
    code: 'FRAME_MALFORMED',
    open: withList(Uint8Array.of(0, 1)),
  },
  { slug: 'no-name', words: 'has an empty application', code: 'FRAME_MALFORMED', open: withName(text('')) },
  {
    slug: 'long-name',
    words: 'has an application of 256 octets',
    code: 'FRAME_MALFORMED',
    open: withName(text('a'.repeat(256))),
  },
  {
    slug: 'control-character',
    words: 'has U+0001 in its application',
    code: 'FRAME_MALFORMED',
    open: withName(text('test/\u0001echo')),
  },
  {
    slug: 'no-utf-8',
    words: 'has an application that is no UTF-8',
    code: 'FRAME_MALFORMED',
    open: withName(Uint8Array.of(0x74, 0xff)),
  },
  {
    slug: 'parameter-header-cut',
    words: 'has a parameter list that ends inside the header of a parameter',
    code: 'PARAMETER_MALFORMED',
    open: withList(Uint8Array.of(0, 3, 0, 0x10, 0)),
  },
  {
    slug: 'parameter-value-cut',
    words: 'has a parameter whose value reaches past its list',
    code: 'PARAMETER_MALFORMED',
    open: withList(Uint8Array.of(0, 5, 0, 0x10, 0, 2, 0)),
  },
  {
    slug: 'parameter-twice',
    words: 'has a parameter twice',
    code: 'PARAMETER_MALFORMED',
    open: withParameters(data(1), data(1)),
  },
  {
    slug: 'parameters-not-in-order',
    words: 'has parameters in descending order',
    code: 'PARAMETER_MALFORMED',
    open: withParameters({ id: 'outcomes', value: 1 }, { id: 'priority', value: 1 }),
  },
  {
    slug: 'unknown-parameter',
    words: 'has an unknown parameter that may not be ignored',
    code: 'PARAMETER_UNKNOWN',
    open: withParameters({ id: 0x0f0f, value: new Uint8Array(1) }),
  },
  {
    slug: 'misplaced-parameter',
    words: 'has a parameter that belongs into CONNECT',
    code: 'PARAMETER_INVALID',
    open: withParameters({ id: 'liveness_interval_ms', value: 1000 }),
  },
  {
    slug: 'open-signature',
    words: 'has open_signature, which belongs into OPENED',
    code: 'PARAMETER_INVALID',
    open: withParameters({ id: 'open_signature', value: new Uint8Array(66) }),
  },
  {
    slug: 'priority-of-two-octets',
    words: 'has a priority of two octets',
    code: 'PARAMETER_INVALID',
    open: withParameters({ id: 'priority', value: Uint8Array.of(0, 1) }),
  },
  {
    slug: 'no-such-priority',
    words: 'has the priority 3',
    code: 'PARAMETER_INVALID',
    open: withParameters({ id: 'priority', value: 3 }),
  },
  {
    slug: 'outcomes-two',
    words: 'has outcomes 2',
    code: 'PARAMETER_INVALID',
    open: withParameters({ id: 'outcomes', value: 2 }),
  },
  {
    slug: 'much-data',
    words: 'has 4,097 octets of application_data',
    code: 'PARAMETER_INVALID',
    open: withParameters(data(4097)),
  },
];

const rightOpen = (context: ServerContext): Uint8Array =>
  buildPayload('OPEN', { nonce: context.bytes(NONCE_BYTES), application: NAME });

const innerCases = INNER.flatMap(({ slug, words, code, open }): readonly NewCase[] => [
  {
    id: `RLY-015/${slug}`,
    requirements: ['RLY-015'],
    title: `FORWARD whose open ${words} is refused`,
    stimulus: `A relay sends a FORWARD whose open ${words}.`,
    expectation: `The server answers with CLOSE(${code}), as it would to an OPEN with that payload.`,
    run: async (context) => {
      const peer = await relaying(context);
      peer.sendForward(NAME, { open: open(rightOpen(context)) });
      await expectExactly(peer, code, 'RLY-015');
    },
  },
]);

/** What is wrong about the fields around it. */
interface OuterFault {
  readonly requirement: string;
  readonly slug: string;
  /** Continues "A relay sends a FORWARD with ...". */
  readonly words: string;
  readonly fields: Readonly<Record<string, FieldInput>>;
}

const one = listed(text('relay-a'));

const OUTER: readonly OuterFault[] = [
  {
    requirement: 'WIR-014',
    slug: 'route-beyond-the-payload',
    words: 'a route that announces more than the payload has',
    fields: { route: { octets: concat(Uint8Array.of(0xff, 0xff), one) } },
  },
  {
    requirement: 'WIR-014',
    slug: 'route-value-beyond-the-list',
    words: 'a relay in its route that goes one octet beyond the list, into the OPEN behind it',
    fields: { route: list(concat(integer(8, 2), text('relay-a'))) },
  },
  {
    requirement: 'WIR-014',
    slug: 'route-second-value-beyond-the-list',
    words: 'a second relay in its route that goes beyond the list',
    fields: { route: list(concat(one, integer(2, 2), text('r'))) },
  },
  {
    requirement: 'WIR-014',
    slug: 'route-half-a-length',
    words: 'a route that ends inside the length of a value',
    fields: { route: list(concat(one, Uint8Array.of(0))) },
  },
  {
    requirement: 'WIR-014',
    slug: 'route-length-alone',
    words: 'a route that ends behind the length of a value',
    fields: { route: list(concat(one, integer(3, 2))) },
  },
  {
    requirement: 'WIR-017',
    slug: 'route-empty-value',
    words: 'an empty relay in its route',
    fields: { route: list(listed(text('relay-a'), text(''))) },
  },
  {
    requirement: 'WIR-017',
    slug: 'route-value-of-2049',
    words: 'a relay of 2,049 octets in its route',
    fields: { route: [identityOf(2049)] },
  },
  {
    requirement: 'WIR-017',
    slug: 'route-of-five',
    words: `a route of ${MAX_ROUTE + 1} relays`,
    fields: { route: Array.from({ length: MAX_ROUTE + 1 }, (_, at) => `relay-${at}`) },
  },
  {
    requirement: 'WIR-018',
    slug: 'route-line-feed',
    words: 'a line feed in the second relay of its route',
    fields: { route: ['relay-a', 'relay\nb'] },
  },
  {
    requirement: 'WIR-018',
    slug: 'route-delete',
    words: 'U+007F in a relay of its route',
    fields: { route: ['relay\u007f'] },
  },
  {
    requirement: 'WIR-018',
    slug: 'route-no-utf-8',
    words: 'a relay in its route that is no UTF-8',
    fields: { route: [Uint8Array.of(0x72, 0xc3)] },
  },
  { requirement: 'WIR-017', slug: 'client-empty', words: 'an empty client', fields: { client: '' } },
  {
    requirement: 'WIR-017',
    slug: 'client-2049',
    words: 'a client of 2,049 octets',
    fields: { client: identityOf(2049) },
  },
  { requirement: 'WIR-018', slug: 'client-nul', words: 'U+0000 in its client', fields: { client: 'client\u0000' } },
  {
    requirement: 'WIR-018',
    slug: 'client-overlong',
    words: 'an overlong form in its client',
    fields: { client: Uint8Array.of(0x63, 0xc0, 0xaf) },
  },
];

const outerCases = OUTER.map(({ requirement, slug, words, fields }): NewCase => ({
  id: `${requirement}/forward-${slug}`,
  requirements: [requirement],
  title: `FORWARD with ${words} is refused`,
  stimulus: `A relay sends a FORWARD with ${words}.`,
  expectation: 'The server answers with CLOSE(FRAME_MALFORMED).',
  run: async (context) => {
    const peer = await relaying(context);
    peer.send('FORWARD', { channel: 1, fields: { ...peer.forwardFields(NAME), ...fields } });
    await expectExactly(peer, 'FRAME_MALFORMED', requirement);
  },
}));

/** Section 13.2, for a server: the payload of FORWARD. */
export const forwardPayloads: readonly ServerCase[] = serverCases([
  ...innerCases,
  ...outerCases,
  {
    id: 'RLY-015/before-the-sender',
    requirements: ['RLY-015', 'WIR-027'],
    title: 'the payload of FORWARD is judged before its sender',
    stimulus: 'A client that is no relay sends a FORWARD whose open is empty.',
    expectation: 'The server answers with CLOSE(FRAME_MALFORMED), not with REFUSED.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendForward(NAME, { open: new Uint8Array(0) });
      await expectExactly(peer, 'FRAME_MALFORMED', 'RLY-015');
    },
  },
  {
    id: 'RLY-015/before-the-channel',
    requirements: ['RLY-015', 'WIR-027'],
    title: 'the payload of FORWARD is judged before its channel number',
    stimulus:
      'A relay sends a FORWARD that leaves a channel number out and whose open has an unknown parameter that may not be ignored.',
    expectation: 'The server answers with CLOSE(PARAMETER_UNKNOWN).',
    run: async (context) => {
      const peer = await relaying(context);
      const open = buildPayload('OPEN', { application: NAME, parameters: [{ id: 0x0f0f, value: new Uint8Array(1) }] });
      peer.send('FORWARD', { channel: 2, fields: peer.forwardFields(NAME, { open }) });
      await expectExactly(peer, 'PARAMETER_UNKNOWN', 'RLY-015');
    },
  },
  {
    id: 'WIR-027/forward-route-before-open',
    requirements: ['WIR-027', 'RLY-015'],
    title: 'the fields of FORWARD are judged in their order',
    stimulus:
      'A relay sends a FORWARD with an empty relay in its route and an unknown parameter that may not be ignored in its open.',
    expectation: 'The server answers with CLOSE(FRAME_MALFORMED).',
    run: async (context) => {
      const peer = await relaying(context);
      const open = buildPayload('OPEN', { application: NAME, parameters: [{ id: 0x0f0f, value: new Uint8Array(1) }] });
      peer.send('FORWARD', { channel: 1, fields: { ...peer.forwardFields(NAME, { open }), route: [''] } });
      await expectExactly(peer, 'FRAME_MALFORMED', 'WIR-027');
    },
  },
  {
    id: 'WIR-027/forward-sequence-before-payload',
    requirements: ['WIR-027', 'WIR-012'],
    title: 'the sequence number of FORWARD is judged before its payload',
    stimulus: 'A relay sends a FORWARD whose sequence number is one too high and whose open is empty.',
    expectation: 'The server answers with CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const peer = await relaying(context);
      peer.nextSeq += 1n;
      peer.sendForward(NAME, { open: new Uint8Array(0) });
      await expectExactly(peer, 'SEQUENCE_INVALID', 'WIR-027');
    },
  },
  {
    id: 'WIR-023/forward-ignorable-parameters',
    requirements: ['WIR-023', 'RLY-015'],
    title: 'unknown parameters in the OPEN of a FORWARD that may be ignored are ignored',
    stimulus:
      'A relay sends a FORWARD whose open has application_data and two unknown ignorable parameters, one of them empty.',
    expectation: 'OPENED arrives, and a message comes back.',
    features: FORWARD,
    run: async (context) => {
      const more = [
        { id: 0x8a0a, value: new Uint8Array(0) },
        { id: 0xfafa, value: context.bytes(300) },
      ];
      const { peer, channel } = await forwarded(context, NAME, {
        data: context.bytes(3),
        more,
        connection: { as: RELAY },
        requirement: 'WIR-023',
      });
      await requireEcho(peer, channel, context.bytes(5), 'WIR-023');
    },
  },
  {
    id: 'WIR-017/forward-largest',
    requirements: ['WIR-017', 'RLY-015'],
    title: 'a FORWARD may be as large as a frame',
    stimulus:
      'A relay sends a FORWARD with a client and relays of 2,048 octets, and an OPEN that fills the frame with ignorable parameters.',
    expectation: 'OPENED arrives.',
    features: FORWARD,
    run: async (context) => {
      const peer = await relaying(context);
      const options = { client: identityOf(2048), route: Array.from({ length: MAX_ROUTE }, () => identityOf(2048)) };
      const fields = (size: number) =>
        peer.forwardFields(NAME, { ...options, more: [{ id: 0x8a0a, value: new Uint8Array(size) }] });
      const room = 16_368 - buildPayload('FORWARD', fields(0)).length;
      peer.send('FORWARD', { channel: 1, fields: fields(room) });
      await peer.expect('OPENED', { channel: 1, requirement: 'WIR-017' });
    },
  },
]);

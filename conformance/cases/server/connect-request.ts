import type { FieldInput } from '../../model/codec.ts';
import { concat, integer } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { assertEqual } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { forgeConnect, sendForged, signatureLength } from '../forged-connect.ts';

type NewCase = Omit<ServerCase, 'role'>;

interface MalformedField {
  readonly slug: string;
  readonly requirement: string;
  /** Completes "CONNECT, rightly signed, ...". */
  readonly what: string;
  /** `identity` is that of the server under test. */
  readonly fields: (identity: string) => Readonly<Record<string, FieldInput>>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const audience = (octets: Uint8Array): { readonly audience: FieldInput } => ({
  audience: { octets: concat(integer(octets.length, 2), octets) },
});
const withOctets = (identity: string, ...octets: readonly number[]): { readonly audience: FieldInput } =>
  audience(concat(text(identity), Uint8Array.from(octets)));

const RESUME = { mode: 'resume', epoch: 1, attempt: 1 } as const;
const TOO_LARGE = 2n ** 53n;

/** Fields outside of their bounds; the signature over them is right. */
const MALFORMED: readonly MalformedField[] = [
  { slug: 'mode-2', requirement: 'WIR-017', what: 'has the undefined mode 2', fields: () => ({ mode: 2 }) },
  { slug: 'mode-255', requirement: 'WIR-017', what: 'has the undefined mode 255', fields: () => ({ mode: 255 }) },
  {
    slug: 'new-with-session-id',
    requirement: 'WIR-017',
    what: 'asks for a new session and has a session id that is not zero in its last octet',
    fields: () => ({ session_id: concat(new Uint8Array(15), Uint8Array.of(1)) }),
  },
  ...['epoch', 'attempt', 'receive_cursor'].map((name) => ({
    slug: `new-with-${name.replaceAll('_', '-')}`,
    requirement: 'WIR-017',
    what: `asks for a new session and has the ${name.replaceAll('_', ' ')} 1`,
    fields: () => ({ [name]: 1 }),
  })),
  ...['epoch', 'attempt', 'receive_cursor'].map((name) => ({
    slug: `${name.replaceAll('_', '-')}-beyond-53-bits`,
    requirement: 'WIR-016',
    what: `asks to resume a session and has the ${name.replaceAll('_', ' ')} 2^53`,
    fields: () => ({ ...RESUME, session_id: Uint8Array.of(...new Array<number>(16).fill(7)), [name]: TOO_LARGE }),
  })),
  {
    slug: 'epoch-all-ones',
    requirement: 'WIR-016',
    what: 'asks to resume a session and has the epoch 2^64 - 1',
    fields: () => ({ ...RESUME, session_id: new Uint8Array(16).fill(7), epoch: 2n ** 64n - 1n }),
  },
  {
    slug: 'empty-audience',
    requirement: 'WIR-017',
    what: 'has an empty audience',
    fields: () => audience(new Uint8Array(0)),
  },
  {
    slug: 'audience-2049-octets',
    requirement: 'WIR-017',
    what: 'has an audience of 2,049 octets',
    fields: () => audience(text('a'.repeat(2049))),
  },
  {
    slug: 'audience-nul',
    requirement: 'WIR-018',
    what: 'names the right audience and behind it, in the same field, the octet zero',
    fields: (identity) => withOctets(identity, 0),
  },
  {
    slug: 'audience-line-feed',
    requirement: 'WIR-018',
    what: 'names the right audience with a line feed behind it',
    fields: (identity) => withOctets(identity, 0x0a),
  },
  {
    slug: 'audience-unit-separator',
    requirement: 'WIR-018',
    what: 'names the right audience with U+001F behind it',
    fields: (identity) => withOctets(identity, 0x1f),
  },
  {
    slug: 'audience-delete',
    requirement: 'WIR-018',
    what: 'names the right audience with U+007F behind it',
    fields: (identity) => withOctets(identity, 0x7f),
  },
  {
    slug: 'audience-lone-continuation',
    requirement: 'WIR-018',
    what: 'has an audience that ends with a lone UTF-8 continuation octet',
    fields: (identity) => withOctets(identity, 0x80),
  },
  {
    slug: 'audience-cut-character',
    requirement: 'WIR-018',
    what: 'has an audience that ends in the middle of a UTF-8 character',
    fields: (identity) => withOctets(identity, 0xe2, 0x82),
  },
  {
    slug: 'audience-overlong',
    requirement: 'WIR-018',
    what: 'writes the last letter of the right audience in two octets of overlong UTF-8',
    fields: (identity) => {
      const last = identity.charCodeAt(identity.length - 1);
      return withOctets(identity.slice(0, -1), 0xc0 | (last >> 6), 0x80 | (last & 0x3f));
    },
  },
  {
    slug: 'audience-surrogate',
    requirement: 'WIR-018',
    what: 'has an audience with a UTF-16 surrogate in UTF-8',
    fields: (identity) => withOctets(identity, 0xed, 0xa0, 0x80),
  },
  {
    slug: 'audience-beyond-unicode',
    requirement: 'WIR-018',
    what: 'has an audience with a code point above U+10FFFF',
    fields: (identity) => withOctets(identity, 0xf4, 0x90, 0x80, 0x80),
  },
  {
    slug: 'audience-past-the-end',
    requirement: 'WIR-014',
    what: 'has an audience whose length reaches past the end of the payload',
    fields: (identity) => ({ audience: { octets: concat(integer(0xffff, 2), text(identity)) } }),
  },
  {
    slug: 'parameters-past-the-end',
    requirement: 'WIR-014',
    what: 'has a parameter list whose length reaches past the end of the payload',
    fields: () => ({ parameters: { octets: integer(0xffff, 2) } }),
  },
];

const malformedCases = MALFORMED.map(({ slug, requirement, what, fields }): NewCase => ({
  id: `${requirement}/connect-${slug}`,
  requirements: [requirement, 'EST-026'],
  title: `a CONNECT is refused that ${what}`,
  stimulus: `CONNECT, rightly signed, ${what}.`,
  expectation: 'The server answers with REJECT(FRAME_MALFORMED).',
  run: async (context) => {
    const peer = await context.challenged();
    sendForged(peer, forgeConnect(context, peer, fields(context.target.identity)));
    await peer.expectViolation('FRAME_MALFORMED', { requirement });
  },
}));

/** Names of the fields of CONNECT with the offset in the payload at which each begins, for the smallest audience and no parameters. */
function fieldStarts(audienceBytes: number): readonly { readonly name: string; readonly at: number }[] {
  const sizes: Readonly<Record<string, number>> = { audience: 2 + audienceBytes, parameters: 2, signature: 2 };
  const row = registry.frames.find(({ name }) => name === 'CONNECT');
  let at = 0;
  return (row?.fields ?? []).map(({ name, type, size }) => {
    const start = at;
    at += sizes[name] ?? size ?? registry.types.find((known) => known.name === type)?.bytes ?? 0;
    return { name, at: start };
  });
}

/** The payload ends one octet into each field, so that the field is there and not complete. */
const cutCases = fieldStarts(1).map(({ name }): NewCase => ({
  id: `WIR-014/connect-ends-in-${name.replaceAll('_', '-')}`,
  requirements: ['WIR-014', 'EST-026'],
  title: `a CONNECT that ends before its ${name.replaceAll('_', ' ')} is complete is refused`,
  stimulus: `A right CONNECT is cut off just before the end of the field ${name}; its header counts the octets that are left.`,
  expectation: 'The server answers with REJECT(FRAME_MALFORMED), and does not wait for more.',
  run: async (context) => {
    const peer = await context.challenged();
    const whole = peer.buildConnect();
    const starts = fieldStarts(text(context.target.identity).length);
    const next = starts[starts.findIndex((field) => field.name === name) + 1];
    const end = registry.header.bytes + (next?.at ?? whole.length - registry.header.bytes) - 1;
    const cut = whole.slice(0, end);
    cut.set(integer(end - registry.header.bytes, 2), 2);
    sendForged(peer, cut);
    await peer.expectViolation('FRAME_MALFORMED', { requirement: 'WIR-014' });
  },
}));

interface SignatureField {
  readonly slug: string;
  readonly requirement: string;
  readonly what: string;
  /** The octets from the length of the signature on. */
  readonly octets: (signature: Uint8Array) => Uint8Array;
}

/** What can be wrong with the last field as a field. */
const SIGNATURE_FIELDS: readonly SignatureField[] = [
  { slug: 'empty-signature', requirement: 'WIR-017', what: 'an empty signature', octets: () => integer(0, 2) },
  {
    slug: 'signature-1025-octets',
    requirement: 'WIR-017',
    what: 'a signature of 1,025 octets',
    octets: () => concat(integer(1025, 2), new Uint8Array(1025)),
  },
  {
    slug: 'signature-past-the-end',
    requirement: 'WIR-014',
    what: 'a signature whose length reaches one octet past the end of the payload',
    octets: (signature) => concat(integer(signature.length + 1, 2), signature),
  },
  {
    slug: 'octet-behind-signature',
    requirement: 'WIR-015',
    what: 'an octet behind the signature',
    octets: (signature) => concat(integer(signature.length, 2), signature, Uint8Array.of(0)),
  },
];

const signatureFieldCases = SIGNATURE_FIELDS.map(({ slug, requirement, what, octets }): NewCase => ({
  id: `${requirement}/connect-${slug}`,
  requirements: [requirement, 'EST-026'],
  title: `a CONNECT with ${what} is refused`,
  stimulus: `A right CONNECT is sent, but with ${what}.`,
  expectation: 'The server answers with REJECT(FRAME_MALFORMED).',
  run: async (context) => {
    const peer = await context.challenged();
    const right = peer.buildConnect();
    const at = right.length - signatureLength(context.kit.credential('client').key) - 2;
    const wrong = concat(right.subarray(0, at), octets(right.subarray(at + 2)));
    wrong.set(integer(wrong.length - registry.header.bytes, 2), 2);
    sendForged(peer, wrong);
    await peer.expectViolation('FRAME_MALFORMED', { requirement });
  },
}));

interface OtherAudience {
  readonly slug: string;
  /** Completes "The audience of a rightly signed CONNECT is ...". */
  readonly what: string;
  readonly of: (identity: string, client: string) => string;
}

/** Well-formed names that are not, octet for octet, the server's identity. */
const OTHER_AUDIENCES: readonly OtherAudience[] = [
  { slug: 'one-letter-less', what: 'the identity without its last letter', of: (identity) => identity.slice(0, -1) },
  { slug: 'one-letter-more', what: 'the identity with one more letter', of: (identity) => `${identity}s` },
  { slug: 'slash-behind', what: 'the identity with a slash behind it', of: (identity) => `${identity}/` },
  { slug: 'space-behind', what: 'the identity with a space behind it', of: (identity) => `${identity} ` },
  { slug: 'space-before', what: 'the identity with a space before it', of: (identity) => ` ${identity}` },
  {
    slug: 'byte-order-mark',
    what: 'the identity with a byte order mark (U+FEFF) before it',
    of: (identity) => `\ufeff${identity}`,
  },
  {
    slug: 'zero-width-behind',
    what: 'the identity with U+200B, which is not seen, behind it',
    of: (identity) => `${identity}\u200b`,
  },
  { slug: 'c1-control-behind', what: 'the identity with U+0085 behind it', of: (identity) => `${identity}\u0085` },
  { slug: 'upper-case', what: 'the identity in capitals', of: (identity) => identity.toUpperCase() },
  {
    slug: 'upper-case-scheme',
    what: 'the identity with the scheme of the URI in capitals',
    of: (identity) => identity.replace(/^[^:]+/, (scheme) => scheme.toUpperCase()),
  },
  {
    slug: 'percent-encoded',
    what: 'the identity with its last letter percent-encoded',
    of: (identity) => `${identity.slice(0, -1)}%${identity.charCodeAt(identity.length - 1).toString(16)}`,
  },
  {
    slug: 'full-width-letter',
    what: 'the identity with its last letter in the full-width form of Unicode',
    of: (identity) => identity.slice(0, -1) + String.fromCodePoint(identity.charCodeAt(identity.length - 1) + 0xfee0),
  },
  { slug: 'fragment', what: 'the identity with an empty URI fragment', of: (identity) => `${identity}#` },
  { slug: 'port', what: 'the identity with a port behind it', of: (identity) => `${identity}:443` },
  { slug: 'wildcard', what: 'an asterisk', of: () => '*' },
  { slug: 'list', what: 'the identity twice, with a comma between', of: (identity) => `${identity},${identity}` },
  { slug: 'own-identity-of-client', what: 'the identity of the client itself', of: (_, client) => client },
  { slug: 'longest', what: 'a name of 2,048 octets, the longest that the field may hold', of: () => 'a'.repeat(2048) },
];

const audienceCases = OTHER_AUDIENCES.map(({ slug, what, of }): NewCase => ({
  id: `EST-016/${slug}`,
  requirements: ['EST-016', 'EST-026'],
  title: `an audience that is ${what} is not the server`,
  stimulus: `The audience of a rightly signed CONNECT is ${what}.`,
  expectation: 'The server answers with REJECT(AUDIENCE_MISMATCH).',
  run: async (context) => {
    const peer = await context.challenged();
    peer.sendConnect({ audience: of(context.target.identity, context.kit.index.clientIdentity) });
    await peer.expectViolation('AUDIENCE_MISMATCH', { requirement: 'EST-016' });
  },
}));

const other = (context: ServerContext): string => context.kit.index.otherServerIdentity;
const oneBit = (signature: Uint8Array): Uint8Array => signature.map((octet, at) => (at === 7 ? octet ^ 0x10 : octet));
const UNKNOWN_SESSION = { ...RESUME, session_id: new Uint8Array(16).fill(9) };

interface TwoErrors {
  readonly id: string;
  readonly requirements: readonly [string, ...string[]];
  readonly what: string;
  readonly first: string;
  readonly connect: (peer: ClientPeer, context: ServerContext) => Uint8Array;
}

/** Requests with two errors: the order of checks decides which one is told. */
const TWO_ERRORS: readonly TwoErrors[] = [
  {
    id: 'EST-015/signature-before-audience',
    requirements: ['EST-015', 'EST-005'],
    what: 'has a wrong signature and names another server',
    first: 'SIGNATURE_INVALID',
    connect: (peer, context) => peer.buildConnect({ audience: other(context), signature: oneBit }),
  },
  {
    id: 'EST-015/signature-before-resumption',
    requirements: ['EST-015', 'EST-005'],
    what: 'has a wrong signature and asks to resume an unknown session',
    first: 'SIGNATURE_INVALID',
    connect: (peer) => peer.buildConnect({ fields: UNKNOWN_SESSION, signature: oneBit }),
  },
  {
    id: 'EST-015/scheme-before-audience',
    requirements: ['EST-015', 'EST-004'],
    what: 'has a scheme that is not that of the key and names another server',
    first: 'SIGNATURE_INVALID',
    connect: (peer, context) => peer.buildConnect({ audience: other(context), scheme: 0x0807 }),
  },
  {
    id: 'EST-016/audience-before-resumption',
    requirements: ['EST-016', 'EST-018'],
    what: 'is rightly signed, names another server and asks to resume an unknown session',
    first: 'AUDIENCE_MISMATCH',
    connect: (peer, context) => peer.buildConnect({ audience: other(context), fields: UNKNOWN_SESSION }),
  },
  {
    id: 'WIR-027/connect-parameter-before-signature',
    requirements: ['WIR-027', 'WIR-022'],
    what: 'has an unknown critical parameter and a wrong signature',
    first: 'PARAMETER_UNKNOWN',
    connect: (peer, context) => {
      const forged = forgeConnect(context, peer, { parameters: [{ id: 0x7fff, value: new Uint8Array(4) }] });
      const at = forged.length - 1;
      return forged.map((octet, index) => (index === at ? octet ^ 1 : octet));
    },
  },
  {
    id: 'WIR-027/connect-flags-before-signature',
    requirements: ['WIR-027', 'WIR-007'],
    what: 'has an undefined flag and a wrong signature',
    first: 'FLAGS_INVALID',
    connect: (peer) => peer.buildConnect({ frame: { flags: 0x80 }, signature: oneBit }),
  },
  {
    id: 'WIR-027/connect-channel-before-audience',
    requirements: ['WIR-027', 'WIR-009'],
    what: 'is on channel 1 and names another server',
    first: 'CHANNEL_INVALID',
    connect: (peer, context) => peer.buildConnect({ frame: { channel: 1 }, audience: other(context) }),
  },
  {
    id: 'WIR-027/connect-sequence-before-audience',
    requirements: ['WIR-027', 'WIR-013'],
    what: 'has the sequence number 1 and names another server',
    first: 'SEQUENCE_INVALID',
    connect: (peer, context) => peer.buildConnect({ frame: { seq: 1 }, audience: other(context) }),
  },
];

const orderCases = TWO_ERRORS.map(({ id, requirements, what, first, connect }): NewCase => ({
  id,
  requirements,
  title: `of two errors in CONNECT the first one is told: ${first}`,
  stimulus: `A CONNECT ${what}.`,
  expectation: `The server answers with REJECT(${first}): this check comes first.`,
  run: async (context) => {
    const peer = await context.challenged();
    sendForged(peer, connect(peer, context));
    await peer.expectViolation(first, { requirement: requirements[0] });
  },
}));

/** Section 4.4: CONNECT as a request. */
export const connectRequest: readonly ServerCase[] = serverCases([
  ...malformedCases,
  ...cutCases,
  ...signatureFieldCases,
  ...audienceCases,
  ...orderCases,
  {
    id: 'EST-018/live-session',
    requirements: ['EST-018', 'CHN-032'],
    title: 'a session that is in use is not resumed',
    stimulus: 'While a session is established, its client asks on a second connection to resume it.',
    expectation: 'The server answers with REJECT(RESUME_REFUSED), and the first session goes on.',
    run: async (context) => {
      const first = await context.established();
      const peer = await context.challenged();
      const session = first.accept?.bytes('session_id') ?? new Uint8Array(16);
      peer.sendConnect({ fields: { ...RESUME, session_id: session } });
      await peer.expectViolation('RESUME_REFUSED', { requirement: 'EST-018' });
      await first.barrier('EST-018');
    },
  },
  {
    id: 'EST-018/ended-session',
    requirements: ['EST-018'],
    title: 'a session that has ended is not resumed',
    stimulus: 'A client closes its session in order and then asks to resume it.',
    expectation: 'The server answers with REJECT(RESUME_REFUSED).',
    run: async (context) => {
      const first = await context.established();
      const session = first.accept?.bytes('session_id') ?? new Uint8Array(16);
      await context.dependency('closing the session', () => first.close());
      const peer = await context.challenged();
      peer.sendConnect({ fields: { ...RESUME, session_id: session } });
      await peer.expectViolation('RESUME_REFUSED', { requirement: 'EST-018' });
    },
  },
  {
    id: 'EST-018/anothers-session',
    requirements: ['EST-018', 'ERR-004'],
    title: "another client's session is not resumed, and not told from an unknown one",
    stimulus: 'The second client of the kit asks to resume the session of the first, and then one that never existed.',
    expectation:
      'Both times the server answers with REJECT(RESUME_REFUSED) and the same retry_after_ms; the first session goes on.',
    run: async (context) => {
      const first = await context.established();
      const session = first.accept?.bytes('session_id') ?? new Uint8Array(16);
      const answers: bigint[] = [];
      for (const id of [session, context.bytes(16)]) {
        const peer = await context.challenged({ as: 'client-2' });
        peer.sendConnect({ fields: { ...RESUME, session_id: id } });
        const reject = await peer.expectViolation('RESUME_REFUSED', { requirement: 'EST-018' });
        answers.push(reject.integer('retry_after_ms'));
      }
      assertEqual('retry_after_ms', answers[0], answers[1], 'ERR-004');
      await first.barrier('EST-018');
    },
  },
  {
    id: 'EST-018/all-zero',
    requirements: ['EST-018'],
    title: 'a resumption whose fields are all zero is refused',
    stimulus: 'A rightly signed CONNECT in mode resume has a session id, epoch, attempt and cursor of zero.',
    expectation: 'The server answers with REJECT(RESUME_REFUSED).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ fields: { mode: 'resume' } });
      await peer.expectViolation('RESUME_REFUSED', { requirement: 'EST-018' });
    },
  },
  {
    id: 'EST-018/largest-numbers',
    requirements: ['EST-018', 'WIR-016'],
    title: 'a resumption with the largest numbers is refused as any other',
    stimulus: 'A rightly signed CONNECT asks to resume an unknown session; epoch, attempt and cursor are 2^53 - 1.',
    expectation: 'The server answers with REJECT(RESUME_REFUSED): the numbers are well-formed.',
    run: async (context) => {
      const peer = await context.challenged();
      const largest = TOO_LARGE - 1n;
      const fields = { session_id: context.bytes(16), epoch: largest, attempt: largest, receive_cursor: largest };
      peer.sendConnect({ fields: { mode: 'resume', ...fields } });
      await peer.expectViolation('RESUME_REFUSED', { requirement: 'EST-018' });
    },
  },
  {
    id: 'EST-001/largest-connect',
    requirements: ['EST-001', 'WIR-001', 'WIR-023'],
    title: 'a CONNECT of the largest size is accepted',
    stimulus:
      'A rightly signed CONNECT is filled up to 16,368 octets of payload with one parameter that may be ignored.',
    expectation: 'The session is established: the parameter is ignored, and signed.',
    run: async (context) => {
      const peer = await context.challenged();
      const without = peer.buildConnect().length - registry.header.bytes;
      const room = registry.header.maxPayloadBytes - without - 4;
      peer.sendConnect({ parameters: [{ id: 0x801b, value: context.bytes(room) }] });
      await peer.expectAccept();
      await peer.close();
    },
  },
  {
    id: 'EST-001/many-parameters',
    requirements: ['EST-001', 'WIR-023'],
    title: 'a CONNECT with a thousand parameters is accepted',
    stimulus:
      'A rightly signed CONNECT has 1,000 GREASE parameters of different lengths among those that the server knows.',
    expectation: 'The session is established: what is ignored is signed as it was received.',
    run: async (context) => {
      const peer = await context.challenged();
      const ids = registry.extension.greaseParameters.slice(0, 1000);
      const grease = ids.map((id, at) => ({ id, value: context.bytes(at % 9) }));
      peer.sendConnect({ parameters: [{ id: 'liveness_interval_ms', value: 20_000 }, ...grease] });
      await peer.expectAccept();
      await peer.close();
    },
  },
  ...(['min', 'max'] as const).map((bound): NewCase => ({
    id: `WIR-026/connect-${bound === 'min' ? 'smallest' : 'largest'}-values`,
    requirements: ['WIR-026', 'EST-001'],
    title: `a CONNECT with the ${bound === 'min' ? 'smallest' : 'largest'} value of each parameter is accepted`,
    stimulus: `A rightly signed CONNECT declares the ${bound === 'min' ? 'smallest' : 'largest'} value that each of its parameters may have.`,
    expectation: 'The session is established, and a PING is answered.',
    run: async (context) => {
      const peer = await context.challenged();
      const rows = registry.parameters.filter((row) => row.status === 'stable' && row.in.includes('CONNECT'));
      peer.sendConnect({ parameters: rows.map((row) => ({ id: row.id, value: row[bound] ?? 0 })) });
      await peer.expectAccept();
      await peer.barrier('WIR-026');
    },
  })),
]);

import { assertEqual } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { expectExactly, signedConnect } from './client-frames.ts';

type NewCase = Omit<ServerCase, 'role'>;

const RESUME = { mode: 'resume', epoch: 1, attempt: 1 } as const;

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
      const fields = { parameters: [{ id: 0x7fff, value: new Uint8Array(4) }] };
      const forged = signedConnect(context, peer, { fields });
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
    peer.sendFrame(connect(peer, context));
    await expectExactly(peer, first, requirements[0]);
  },
}));

/** Section 4.4: CONNECT as a request. */
export const connectRequest: readonly ServerCase[] = serverCases([
  ...audienceCases,
  ...orderCases,
  {
    id: 'EST-018/live-session',
    requirements: ['EST-018', 'CHN-032'],
    title: 'a session that is in use and not resumable is not resumed',
    stimulus: 'While a session without retention is established, its client asks on a second connection to resume it.',
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
    title: 'a session without retention that has ended is not resumed',
    stimulus: 'A client closes a session without retention in order and then asks to resume it.',
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
]);

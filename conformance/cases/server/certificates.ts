import { createConnection } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { buildFrame } from '../../model/codec.ts';
import { limit, registry } from '../../model/registry.ts';
import type { Credential } from '../../peer/credential.ts';
import { makeCredential } from '../../peer/credential.ts';
import { fail } from '../../peer/failure.ts';
import { CLIENT_SUBJECTS } from '../../testee/kit-plan.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { AttemptOptions, ServerContext } from '../server-context.ts';
import { earlyDataOfTicket } from '../tls-ticket.ts';

type Case = Omit<ServerCase, 'role'>;

const HOUR_MS = 60 * 60 * 1000;
const MOST_CERTIFICATES = limit('max_chain_certificates');
/** Content types of TLS records (RFC 9846, section 5.1). */
const TLS_ALERT = 21;
const TLS_HANDSHAKE = 22;

/** ALPN protocols that are not `hawser/1`, however much they look like it. */
const OTHER_PROTOCOLS: readonly { readonly slug: string; readonly words: string; readonly alpn: readonly string[] }[] =
  [
    { slug: 'next-version', words: 'hawser/2', alpn: ['hawser/2'] },
    { slug: 'capitals', words: 'HAWSER/1', alpn: ['HAWSER/1'] },
    { slug: 'prefix', words: 'hawser', alpn: ['hawser'] },
    { slug: 'longer', words: 'hawser/10', alpn: ['hawser/10'] },
    { slug: 'space-behind', words: 'hawser/1 with a space behind it', alpn: ['hawser/1 '] },
    { slug: 'several-others', words: 'h2, http/1.1 and mqtt', alpn: ['h2', 'http/1.1', 'mqtt'] },
  ];

const alpnCases = OTHER_PROTOCOLS.map(({ slug, words, alpn }): Case => ({
  id: `TLS-003/alpn-${slug}`,
  requirements: ['TLS-003'],
  title: `a client that offers only ${words} gets no frame`,
  stimulus: `A client with a good certificate offers ALPN with ${words}, and not hawser/1.`,
  expectation: 'The TLS handshake fails, or the server ends the connection and sends no frame.',
  run: async (context) => {
    const attempt = await context.attempt({ alpn });
    if (attempt.type === 'connected') await attempt.peer.expectNoFrame('TLS-003');
  },
}));

const OLD_VERSIONS: readonly { readonly slug: string; readonly words: string; readonly version: SecureVersion }[] = [
  { slug: 'version-1-0', words: 'TLS 1.0', version: 'TLSv1' },
  { slug: 'version-1-1', words: 'TLS 1.1', version: 'TLSv1.1' },
];

const versionCases = OLD_VERSIONS.map(({ slug, words, version }): Case => ({
  id: `TLS-001/${slug}`,
  requirements: ['TLS-001'],
  title: `${words} is refused`,
  stimulus: `A client offers ${words} and nothing newer.`,
  expectation: 'The TLS handshake fails.',
  run: async (context) => {
    const attempt = await context.attempt({ minVersion: version, maxVersion: version });
    if (attempt.type === 'connected') fail('a failed TLS handshake', `a ${words} connection`, 'TLS-001');
  },
}));

/** Demands that a connection on which a ticket was offered makes a full handshake, or ends without a frame. */
async function expectNotResumed(context: ServerContext, options: AttemptOptions): Promise<'full' | 'ended'> {
  const attempt = await context.attempt(options);
  if (attempt.type === 'refused') return 'ended';
  if (!attempt.peer.socket.isSessionReused()) return 'full';
  await attempt.peer.expectNoFrame('TLS-006');
  return 'ended';
}

/** A session ticket of a connection on which CHALLENGE or REJECT, or the end, has come; undefined where none was sent. */
async function ticketOf(context: ServerContext, options: AttemptOptions): Promise<Buffer | undefined> {
  const attempt = await context.attempt(options);
  if (attempt.type === 'refused') return undefined;
  await attempt.peer.nextOrEnd('CHALLENGE, REJECT or the end');
  return attempt.peer.ticket;
}

/** The certificates of a PEM text, one by one. */
export function certificatesOf({ certificatePem }: Credential): readonly string[] {
  return certificatePem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/g) ?? [];
}

/** The key and name of one credential with other certificates. */
export function withChain(credential: Credential, certificates: readonly string[]): Credential {
  const keyPem = credential.key.export({ type: 'pkcs8', format: 'pem' }) as string;
  return makeCredential(`${credential.name} with another chain`, certificates.join(''), keyPem);
}

const identityCases = CLIENT_SUBJECTS.filter(({ names, wrong }) => names !== undefined && wrong === undefined).map(
  ({ name }): Case => ({
    id: `TLS-020/identity-of-${name}`,
    requirements: ['TLS-020', 'CHN-006'],
    title: `the identity in ${name} is the one that counts`,
    stimulus: `A client with the good certificate ${name} of the kit opens test/identity.`,
    expectation: 'The message holds its one URI, or where it has none, its one DNS name, octet for octet.',
    run: async (context) => {
      const as = `clients/${name}`;
      const { peer, channel } = await context.opened('test/identity', { as });
      const message = await peer.expect('MESSAGE', { channel, requirement: 'TLS-020' });
      const text = Buffer.from(message.bytes('fragment')).toString();
      const { identity } = context.kit.entry(as);
      if (text !== identity) fail(`the identity "${String(identity)}"`, `"${text}"`, 'TLS-020');
    },
  }),
);

/** Names that an authority may sign and that are none (TLS-021). */
export const BAD_NAMES: readonly { readonly slug: string; readonly words: string; readonly name: string }[] = [
  { slug: 'space', words: 'a space', name: 'spiffe://hawser.test/a client' },
  { slug: 'line-feed', words: 'a line feed', name: 'spiffe://hawser.test/client\nspiffe://hawser.test/other' },
  { slug: 'nul', words: 'a zero octet', name: 'spiffe://hawser.test/client\u0000.example' },
  { slug: 'delete', words: 'the octet 0x7f', name: 'spiffe://hawser.test/client\u007f' },
  { slug: 'too-many-octets', words: '2,049 octets', name: `spiffe://hawser.test/${'a'.repeat(2028)}` },
];

const badNameCases = BAD_NAMES.map(({ slug, words, name }): Case => ({
  id: `TLS-021/uri-with-${slug}`,
  requirements: ['TLS-021', 'EST-017'],
  title: `a URI with ${words} is no identity`,
  stimulus: `A client presents a certificate of the right authority whose one URI holds ${words}.`,
  expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
  run: async (context) => {
    const credential = await context.issuance.credential('client', name, HOUR_MS);
    await context.expectNotAccepted({ credential }, 'TLS-021');
  },
}));

/** Sections 2.1 to 2.5, for a server, beyond one case for each certificate of the kit. */
export const certificates: readonly ServerCase[] = serverCases([
  ...versionCases,
  {
    id: 'TLS-001/newest-of-two',
    requirements: ['TLS-001'],
    title: 'TLS 1.3 is chosen where TLS 1.2 is offered too',
    stimulus: 'A client offers TLS 1.2 and TLS 1.3.',
    expectation: 'The TLS connection is one of TLS 1.3, and CHALLENGE arrives.',
    run: async (context) => {
      const peer = await context.connect({ minVersion: 'TLSv1.2' });
      const version = peer.socket.getProtocol();
      if (version !== 'TLSv1.3') fail('TLSv1.3', String(version), 'TLS-001');
      await peer.expectChallenge();
    },
  },
  {
    id: 'TLS-001/no-tls',
    requirements: ['TLS-001'],
    title: 'frames without TLS get no answer',
    stimulus:
      'A client makes a TCP connection and sends the octets of CONNECT without any TLS; then a good client is served.',
    expectation: 'The server answers with nothing, or with an alert of TLS, and with no frame.',
    run: async (context) => {
      const received: Buffer[] = [];
      const socket = createConnection({ host: context.target.host, port: context.target.port });
      socket.on('data', (chunk) => received.push(chunk));
      const ended = new Promise<void>((resolve) => {
        socket.once('error', () => resolve());
        socket.once('close', () => resolve());
      });
      socket.write(buildFrame('CONNECT', { fields: { audience: context.target.identity } }));
      const served = context.established().then((peer) => peer.barrier());
      await Promise.race([ended, served]);
      await served;
      socket.destroy();
      const [first] = Buffer.concat(received);
      const record = first === TLS_ALERT || first === TLS_HANDSHAKE;
      if (first !== undefined && !record) {
        fail('nothing, or a TLS alert', `octets that begin with ${first.toString(16)}`, 'TLS-001');
      }
    },
  },
  ...alpnCases,
  {
    id: 'TLS-003/alpn-last-of-many',
    requirements: ['TLS-003'],
    title: 'hawser/1 is found among many protocols',
    stimulus: 'A client offers forty ALPN protocols, of which hawser/1 is the last.',
    expectation: 'The server selects hawser/1, and CHALLENGE arrives.',
    run: async (context) => {
      const others = Array.from({ length: 39 }, (_, n) => `other/${n}`);
      const peer = await context.connect({ alpn: [...others, registry.protocol.alpn] });
      await peer.expectChallenge();
    },
  },
  {
    id: 'TLS-005/no-early-data',
    requirements: ['TLS-005'],
    title: 'no ticket permits early data',
    stimulus: 'A client establishes a session and looks at the session ticket, if the server sends one.',
    expectation: 'There is no ticket, or one that permits no early data.',
    run: async (context) => {
      const peer = await context.established();
      await peer.barrier();
      const octets = peer.ticket === undefined ? 0 : earlyDataOfTicket(peer.ticket);
      if (octets !== 0) fail('no early data', `a ticket that permits ${octets} octets of it`, 'TLS-005');
    },
  },
  {
    id: 'TLS-006/ticket-before-session',
    requirements: ['TLS-006'],
    title: 'a ticket of a connection without a session is refused',
    stimulus:
      'A client makes a TLS connection and leaves after CHALLENGE; it offers the ticket of that connection, if the server gave one, for its next.',
    expectation: 'The second connection makes a full handshake, or ends before any frame.',
    run: async (context) => {
      const session = await ticketOf(context, {});
      if (session === undefined) return;
      await expectNotResumed(context, { session });
    },
  },
  {
    id: 'TLS-006/ticket-without-certificate',
    requirements: ['TLS-006', 'TLS-010'],
    title: 'a ticket does not stand for a certificate',
    stimulus:
      'A client establishes a session, keeps the ticket if the server gives one, and offers it on a connection on which it has no certificate.',
    expectation: 'The second connection gets no session: it ends, or REJECT(AUTHENTICATION_FAILED) arrives.',
    run: async (context) => {
      const first = await context.established();
      await first.barrier();
      const { ticket: session } = first;
      await first.close();
      if (session === undefined) return;
      const options = { session, credential: null };
      if ((await expectNotResumed(context, options)) === 'ended') return;
      await context.expectNotAccepted(
        { ...options, connect: { key: context.kit.credential('client').key } },
        'TLS-010',
      );
    },
  },
  {
    id: 'TLS-006/ticket-of-a-refused-client',
    requirements: ['TLS-006', 'TLS-024'],
    title: 'a ticket of a refused client is refused',
    stimulus:
      'A client with a revoked certificate is refused; it keeps the ticket of that connection, if the server gave one, and offers it again with the same certificate.',
    expectation: 'The second connection gets no session either: it ends, or REJECT(AUTHENTICATION_FAILED) arrives.',
    run: async (context) => {
      const as = 'clients/revoked';
      const session = await ticketOf(context, { as });
      if (session === undefined) return;
      if ((await expectNotResumed(context, { as, session })) === 'ended') return;
      await context.expectNotAccepted({ as, session }, 'TLS-024');
    },
  },
  {
    id: 'TLS-011/intermediate-left-out',
    requirements: ['TLS-011', 'EST-017'],
    title: 'a chain with a gap is refused',
    stimulus:
      'A client presents a certificate of an intermediate authority, without the certificate of that authority.',
    expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
    run: async (context) => {
      const whole = context.kit.credential('clients/under-intermediate');
      const credential = withChain(whole, certificatesOf(whole).slice(0, 1));
      await context.expectNotAccepted({ credential }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/other-intermediate',
    requirements: ['TLS-011', 'EST-017'],
    title: 'a chain with the intermediate of another is refused',
    stimulus:
      'A client presents a certificate of an intermediate authority, followed by another authority of the same root instead of the one that issued it.',
    expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
    run: async (context) => {
      const leaf = context.kit.credential('clients/under-intermediate');
      const other = context.kit.credential('clients/chain-of-eight');
      const credential = withChain(leaf, [...certificatesOf(leaf).slice(0, 1), ...certificatesOf(other).slice(1)]);
      await context.expectNotAccepted({ credential }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/good-behind-bad',
    requirements: ['TLS-011', 'EST-017'],
    title: 'only the first certificate is the leaf',
    stimulus:
      'A client presents a certificate of another authority, and behind it a good client certificate of the kit.',
    expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
    run: async (context) => {
      const bad = context.kit.credential('clients/other-ca');
      const good = context.kit.credential('client');
      const credential = withChain(bad, [...certificatesOf(bad).slice(0, 1), ...certificatesOf(good)]);
      await context.expectNotAccepted({ credential }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/anchor-presented',
    requirements: ['TLS-011'],
    title: 'a chain may go on to its trust anchor',
    stimulus: 'A client presents a good chain of two certificates, and behind it the trust anchor itself.',
    expectation: 'The session is established.',
    run: async (context) => {
      const chain = context.kit.credential('clients/under-intermediate');
      const credential = withChain(chain, [...certificatesOf(chain), context.kit.caPem]);
      const peer = await context.connect({ credential });
      await peer.establish();
    },
  },
  {
    id: 'TLS-019/eight-presented',
    requirements: ['TLS-019'],
    title: 'eight certificates are taken',
    stimulus: 'A client presents exactly eight certificates that lead from a good leaf to the trust anchor.',
    expectation: 'The session is established.',
    run: async (context) => {
      const chain = context.kit.credential('clients/chain-of-eight');
      const presented = [...certificatesOf(chain), context.kit.caPem];
      if (presented.length !== MOST_CERTIFICATES) throw new TypeError(`the kit has a chain of ${presented.length}`);
      const peer = await context.connect({ credential: withChain(chain, presented) });
      await peer.establish();
    },
  },
  {
    id: 'TLS-023/one-of-two',
    requirements: ['TLS-023', 'TLS-024'],
    title: 'a revocation list tells one certificate from another',
    stimulus:
      'A client with a revoked certificate connects, and one with a certificate of the same issuer that is not revoked.',
    expectation: 'The first is refused, the second gets a session.',
    run: async (context) => {
      await context.expectNotAccepted({ as: 'clients/revoked' }, 'TLS-024');
      const peer = await context.connect({ as: 'client' });
      await peer.establish();
    },
  },
  ...identityCases,
  ...badNameCases,
]);

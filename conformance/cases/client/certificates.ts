import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { buildFrame } from '../../model/codec.ts';
import { timer } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { certificatesOf, withChain } from '../server/certificates.ts';
import { expectClose } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

const HOUR_MS = 60 * 60 * 1000;
const REFUSED =
  'The client sends no CONNECT: it ends the handshake, or sends CLOSE(AUTHENTICATION_FAILED), and reports a failure.';

const OLD_VERSIONS: readonly { readonly slug: string; readonly words: string; readonly version: SecureVersion }[] = [
  { slug: 'client-version-1-0', words: 'TLS 1.0', version: 'TLSv1' },
  { slug: 'client-version-1-1', words: 'TLS 1.1', version: 'TLSv1.1' },
];

const versionCases = OLD_VERSIONS.map(({ slug, words, version }): Case => ({
  id: `TLS-001/${slug}`,
  requirements: ['TLS-001'],
  title: `${words} is refused`,
  stimulus: `The server speaks ${words} and nothing newer.`,
  expectation: 'The TLS handshake fails, and the client reports a failure.',
  run: async (context) => {
    const { client, attempt } = await context.attempt({ listen: { minVersion: version, maxVersion: version } });
    if (attempt.type === 'connected') fail('a failed TLS handshake', `a ${words} connection`, 'TLS-001');
    await client.expectEvent('failed', 'TLS-001');
  },
}));

/** Audiences that are not, octet for octet, the identity in the certificate. */
const OTHER_AUDIENCES: readonly {
  readonly slug: string;
  readonly requirement: string;
  readonly as: string;
  readonly words: string;
  readonly audience: (context: ClientContext) => string;
}[] = [
  {
    slug: 'capitals',
    requirement: 'EST-009',
    as: 'server',
    words: 'its identity with the last letters in capitals',
    audience: ({ kit }) => kit.index.serverIdentity.replace(/[^/]*$/, (last) => last.toUpperCase()),
  },
  {
    slug: 'capital-scheme',
    requirement: 'EST-009',
    as: 'server',
    words: 'its identity with the scheme in capitals',
    audience: ({ kit }) => kit.index.serverIdentity.replace(/^[^:]*/, (scheme) => scheme.toUpperCase()),
  },
  {
    slug: 'trailing-slash',
    requirement: 'EST-009',
    as: 'server',
    words: 'its identity and a slash',
    audience: ({ kit }) => `${kit.index.serverIdentity}/`,
  },
  {
    slug: 'prefix',
    requirement: 'EST-009',
    as: 'server',
    words: 'its identity without the last character',
    audience: ({ kit }) => kit.index.serverIdentity.slice(0, -1),
  },
  {
    slug: 'percent-encoded',
    requirement: 'EST-009',
    as: 'server',
    words: 'its identity with one letter percent-encoded',
    audience: ({ kit }) => kit.index.serverIdentity.replace(/s([^s]*)$/, '%73$1'),
  },
  {
    slug: 'dns-beside-uri',
    requirement: 'TLS-020',
    as: 'servers/uri-and-dns',
    words: 'the DNS name beside its URI',
    audience: ({ kit }) => kit.entry('servers/one-dns').identity ?? '',
  },
  {
    slug: 'dns-capitals',
    requirement: 'EST-009',
    as: 'servers/one-dns',
    words: 'its DNS name in capitals',
    audience: ({ kit }) => (kit.entry('servers/one-dns').identity ?? '').toUpperCase(),
  },
  {
    slug: 'dns-trailing-dot',
    requirement: 'EST-009',
    as: 'servers/one-dns',
    words: 'its DNS name with a dot behind it',
    audience: ({ kit }) => `${kit.entry('servers/one-dns').identity ?? ''}.`,
  },
  {
    slug: 'dns-wildcard',
    requirement: 'EST-009',
    as: 'servers/one-dns',
    words: 'a wildcard that would match its DNS name',
    audience: ({ kit }) => (kit.entry('servers/one-dns').identity ?? '').replace(/^[^.]*/, '*'),
  },
  {
    slug: 'dns-parent',
    requirement: 'EST-009',
    as: 'servers/one-dns',
    words: 'the domain above its DNS name',
    audience: ({ kit }) => (kit.entry('servers/one-dns').identity ?? '').replace(/^[^.]*\./, ''),
  },
  {
    slug: 'first-of-two-dns',
    requirement: 'TLS-021',
    as: 'servers/two-dns-sans',
    words: 'the first of its two DNS names',
    audience: ({ kit }) => kit.entry('servers/one-dns').identity ?? '',
  },
  {
    slug: 'second-of-two-dns',
    requirement: 'TLS-021',
    as: 'servers/two-dns-sans',
    words: 'the second of its two DNS names',
    audience: ({ kit }) => `second.${kit.entry('servers/one-dns').identity ?? ''}`,
  },
  {
    slug: 'second-of-two-uris',
    requirement: 'TLS-021',
    as: 'servers/two-uri-sans',
    words: 'the second of its two URIs',
    audience: ({ kit }) => kit.index.otherServerIdentity,
  },
  {
    slug: 'common-name',
    requirement: 'TLS-022',
    as: 'servers/no-san',
    words: 'the common name, which is all that it has',
    audience: () => 'nobody',
  },
];

const audienceCases = OTHER_AUDIENCES.map(({ slug, requirement, as, words, audience }): Case => ({
  id: `${requirement}/client-audience-${slug}`,
  requirements: requirement === 'EST-009' ? ['EST-009', 'EST-010'] : [requirement, 'EST-010'],
  title: `a server is not taken for ${words}`,
  stimulus: `The client means to reach ${words}; the server presents ${as} of the kit.`,
  expectation: REFUSED,
  run: (context) => context.expectNotAccepted({ as, request: { audience: audience(context) } }, requirement),
}));

/** The right identity with something behind it, at which a careless reader might stop. */
const CUT = [
  { slug: 'nul', words: 'a zero octet', behind: '\u0000.example' },
  { slug: 'line-feed', words: 'a line feed', behind: '\nspiffe://hawser.test/other' },
  { slug: 'delete', words: 'the octet 0x7f', behind: '\u007f' },
  { slug: 'trailing-space', words: 'a space', behind: ' ' },
];

const badNameCases: readonly Case[] = [
  ...CUT.map(({ slug, words, behind }): Case => ({
    id: `TLS-021/client-uri-with-${slug}`,
    requirements: ['TLS-021', 'EST-009', 'EST-010'],
    title: `a URI is not read up to ${words}`,
    stimulus: `The server presents a certificate of the right authority whose one URI is the audience of the client, ${words}, and perhaps more.`,
    expectation: REFUSED,
    run: async (context) => {
      const name = `${context.kit.index.serverIdentity}${behind}`;
      const credential = await context.issuance.credential('server', name, HOUR_MS);
      await context.expectNotAccepted({ listen: { credential } }, 'TLS-021');
    },
  })),
];

/** A server without TLS, which the client is sent to instead of the listener. */
async function withPlainServer(
  onConnection: (socket: Socket) => void,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // How the client leaves is the case's business only where it asks.
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a listener without a port');
  try {
    await run(address.port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const TLS_RECORDS: readonly number[] = [20, 21, 22];
const DEADLINE_MS = timer('establishment_deadline_ms');

/** Chapter 2, for a client, beyond one case for each certificate of the kit. */
export const certificates: readonly ClientCase[] = clientCases([
  ...versionCases,
  {
    id: 'TLS-001/client-newest-of-two',
    requirements: ['TLS-001'],
    title: 'TLS 1.3 is chosen where TLS 1.2 is offered too',
    stimulus: 'The server speaks TLS 1.2 and TLS 1.3.',
    expectation: 'The TLS connection is one of TLS 1.3, and a session is established.',
    run: async (context) => {
      const { peer, client } = await context.connected({ listen: { minVersion: 'TLSv1.2' } });
      const version = peer.socket.getProtocol();
      if (version !== 'TLSv1.3') fail('TLSv1.3', String(version), 'TLS-001');
      await peer.establish();
      await client.expectEvent('established', 'TLS-001');
    },
  },
  {
    id: 'TLS-001/client-no-tls',
    requirements: ['TLS-001', 'EST-012'],
    title: 'a server without TLS gets no frame',
    stimulus: 'The server answers the first octets of the client with a CHALLENGE, without any TLS.',
    expectation: 'Nothing but TLS records comes from the client, and it reports a failure.',
    run: async (context) => {
      const received: Buffer[] = [];
      await withPlainServer(
        (socket) => {
          socket.on('data', (chunk) => received.push(chunk));
          socket.once('data', () => socket.write(buildFrame('CHALLENGE')));
        },
        async (port) => {
          const client = await context.ask(await context.listen(), { request: { port } });
          await client.expectEvent('failed', 'TLS-001');
        },
      );
      let at = 0;
      const octets = Buffer.concat(received);
      while (at + 5 <= octets.length) {
        const type = octets[at] ?? 0;
        if (!TLS_RECORDS.includes(type)) fail('only TLS records', `octets that begin with ${type}`, 'TLS-001');
        at += 5 + octets.readUInt16BE(at + 3);
      }
    },
  },
  {
    id: 'TLS-004/client-silent-server',
    requirements: ['TLS-004'],
    title: 'a server without ALPN is left at once',
    stimulus: 'The server selects no ALPN protocol, and stays silent behind the TLS handshake.',
    expectation: 'The client ends the connection without a frame, and reports a failure.',
    run: async (context) => {
      const { client, attempt } = await context.attempt({ listen: { alpn: null } });
      if (attempt.type === 'connected') await attempt.peer.expectNoFrame('TLS-004');
      await client.expectEvent('failed', 'TLS-004');
    },
  },
  {
    id: 'TLS-007/tickets-given',
    requirements: ['TLS-007', 'TLS-005'],
    title: 'a server that resumes TLS gets no frame',
    stimulus:
      'The server gives session tickets, and resumes whenever the client offers one. The client connects three times, to the same port.',
    expectation: 'Each TLS connection is a full handshake, or the client ends it without a frame.',
    run: async (context) => {
      const listener = await context.listen();
      for (let time = 0; time < 3; time += 1) {
        const client = await context.ask(listener);
        const peer = await listener.accept();
        if (peer.socket.isSessionReused()) {
          peer.sendChallenge();
          await peer.expectNoFrame('TLS-007');
          continue;
        }
        await peer.establish();
        await client.expectEvent('established', 'TLS-007');
        await peer.close();
      }
    },
  },
  {
    id: 'TLS-011/client-intermediate-left-out',
    requirements: ['TLS-011', 'EST-010'],
    title: 'a chain with a gap is refused',
    stimulus:
      'The server presents a certificate of an intermediate authority, without the certificate of that authority.',
    expectation: REFUSED,
    run: async (context) => {
      const whole = context.kit.credential('servers/under-intermediate');
      const credential = withChain(whole, certificatesOf(whole).slice(0, 1));
      await context.expectNotAccepted({ listen: { credential } }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/client-other-intermediate',
    requirements: ['TLS-011', 'EST-010'],
    title: 'a chain with the intermediate of another is refused',
    stimulus:
      'The server presents a certificate of an intermediate authority, followed by another authority of the same root.',
    expectation: REFUSED,
    run: async (context) => {
      const leaf = context.kit.credential('servers/under-intermediate');
      const other = context.kit.credential('servers/chain-of-eight');
      const credential = withChain(leaf, [...certificatesOf(leaf).slice(0, 1), ...certificatesOf(other).slice(1)]);
      await context.expectNotAccepted({ listen: { credential } }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/client-good-behind-bad',
    requirements: ['TLS-011', 'EST-010'],
    title: 'only the first certificate is the leaf',
    stimulus:
      'The server presents a certificate of another authority, and behind it a good server certificate of the kit.',
    expectation: REFUSED,
    run: async (context) => {
      const bad = context.kit.credential('servers/other-ca');
      const good = context.kit.credential('server');
      const credential = withChain(bad, [...certificatesOf(bad).slice(0, 1), ...certificatesOf(good)]);
      await context.expectNotAccepted({ listen: { credential } }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/client-self-signed-twice',
    requirements: ['TLS-011', 'EST-010'],
    title: 'a certificate does not vouch for itself',
    stimulus: 'The server presents a certificate that signed itself, and behind it the same certificate as its issuer.',
    expectation: REFUSED,
    run: async (context) => {
      const bad = context.kit.credential('servers/self-signed');
      const [leaf = ''] = certificatesOf(bad);
      await context.expectNotAccepted({ listen: { credential: withChain(bad, [leaf, leaf]) } }, 'TLS-011');
    },
  },
  {
    id: 'TLS-011/client-anchor-presented',
    requirements: ['TLS-011'],
    title: 'a chain may go on to its trust anchor',
    stimulus: 'The server presents a good chain of two certificates, and behind it the trust anchor itself.',
    expectation: 'The session is established.',
    run: async (context) => {
      const chain = context.kit.credential('servers/under-intermediate');
      const credential = withChain(chain, [...certificatesOf(chain), context.kit.caPem]);
      const { peer, client } = await context.connected({ listen: { credential } });
      await peer.establish();
      await client.expectEvent('established', 'TLS-011');
    },
  },
  {
    id: 'TLS-023/client-one-of-two',
    requirements: ['TLS-023', 'TLS-024'],
    title: 'a revocation list tells one certificate from another',
    stimulus:
      'The client connects to a server with a revoked certificate, and to one with a certificate of the same issuer that is not revoked.',
    expectation: 'The first is refused, with the second a session is established.',
    run: async (context) => {
      await context.expectNotAccepted({ as: 'servers/revoked' }, 'TLS-024');
      const { peer, client } = await context.connected();
      await peer.establish();
      await client.expectEvent('established', 'TLS-023');
    },
  },
  ...audienceCases,
  {
    id: 'EST-009/client-audience-pattern-in-certificate',
    requirements: ['EST-009', 'EST-010'],
    title: 'a pattern in a certificate matches nothing but itself',
    stimulus: 'The server presents a certificate of the right authority whose one URI ends with an asterisk.',
    expectation: REFUSED,
    run: async (context) => {
      const name = context.kit.index.serverIdentity.replace(/[^/]*$/, '*');
      const credential = await context.issuance.credential('server', name, HOUR_MS);
      await context.expectNotAccepted({ listen: { credential } }, 'EST-009');
    },
  },
  {
    id: 'EST-010/told-with-close',
    requirements: ['EST-010', 'EST-009', 'EST-027'],
    title: 'a server with another identity is told so',
    stimulus: 'A server of the same authority with another identity sends a right CHALLENGE.',
    expectation:
      'The client ends the TLS handshake; or it sends CLOSE(AUTHENTICATION_FAILED), both cursors zero, and no CONNECT. It reports a failure.',
    run: async (context) => {
      const { client, attempt } = await context.attempt({ as: 'servers/other-identity' });
      if (attempt.type === 'connected') {
        attempt.peer.sendChallenge();
        await expectClose(context, attempt.peer, 'AUTHENTICATION_FAILED', 'EST-010', { exact: true });
      }
      await client.expectEvent('failed', 'EST-010');
    },
  },
  ...badNameCases,
  {
    id: 'EST-028/client-no-tls-handshake',
    requirements: ['EST-028'],
    title: 'a TLS handshake that does not come about is given up in silence',
    stimulus: 'The server takes the TCP connection and sends nothing.',
    expectation: `About ${DEADLINE_MS} ms after the TCP connection the client ends it, and reports a failure. It has sent its ClientHello and nothing else but alerts.`,
    timing: true,
    estimateMs: DEADLINE_MS + 100,
    run: async (context) => {
      const received: Buffer[] = [];
      let ended = (): void => undefined;
      const end = new Promise<void>((resolve) => {
        ended = resolve;
      });
      await withPlainServer(
        (socket) => {
          socket.on('data', (chunk) => received.push(chunk));
          socket.once('end', () => ended());
          socket.once('close', () => ended());
        },
        async (port) => {
          const client = await context.ask(await context.listen(), { request: { port } });
          const startedAt = performance.now();
          const event = await client.nextEvent('the event failed', 'EST-028', DEADLINE_MS + 4000);
          if (event.event !== 'failed') fail('the event failed of the client', event.event, 'EST-028');
          const waitedMs = Math.round(performance.now() - startedAt);
          if (waitedMs < DEADLINE_MS - 1500) fail(`about ${DEADLINE_MS} ms`, `${waitedMs} ms`, 'EST-028');
          await end;
        },
      );
      const octets = Buffer.concat(received);
      const rest = octets.subarray(5 + (octets.length < 5 ? 0 : octets.readUInt16BE(3)));
      if (rest.length > 0 && rest[0] !== 21) fail('a ClientHello alone', `${rest.length} octets more`, 'EST-028');
    },
  },
]);

import { registry } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import { CLIENT_SUBJECTS } from '../../testee/kit-plan.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** One case for each client certificate of the kit: a good one gets a session, a bad one gets none. */
const certificateCases = CLIENT_SUBJECTS.map((subject): Omit<ServerCase, 'role'> => {
  const { name, wrong, requirement, feature } = subject;
  const as = `clients/${name}`;
  return wrong === undefined
    ? {
        id: `${requirement}/client-${name}`,
        requirements: [requirement],
        title: `client certificate ${name} is accepted`,
        stimulus: `A client connects with the good certificate ${name} of the kit and establishes a session.`,
        expectation: 'The server accepts it.',
        ...(feature === undefined ? {} : { features: [feature] }),
        run: async (context) => {
          const peer = await context.connect({ as });
          await peer.establish();
          await peer.close();
        },
      }
    : {
        id: `${requirement}/client-${name}`,
        requirements: [requirement, 'EST-017'],
        title: `client certificate ${name} is refused`,
        stimulus: `A client connects with a certificate that is wrong in one way: ${wrong}.`,
        expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
        run: (context) => context.expectNotAccepted({ as }, requirement),
      };
});

/** Chapter 2, for a server. */
export const tlsProfile: readonly ServerCase[] = serverCases([
  ...certificateCases,
  {
    id: 'TLS-001/version-1-2',
    requirements: ['TLS-001'],
    title: 'TLS 1.2 is refused',
    stimulus: 'A client offers TLS 1.2 and nothing newer.',
    expectation: 'The TLS handshake fails.',
    run: async (context) => {
      const attempt = await context.attempt({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
      if (attempt.type === 'connected') fail('a failed TLS handshake', 'a TLS 1.2 connection', 'TLS-001');
    },
  },
  {
    id: 'TLS-003/no-alpn',
    requirements: ['TLS-003'],
    title: 'a client without ALPN gets no frame',
    stimulus: 'A client with a good certificate makes a TLS connection without offering any ALPN protocol.',
    expectation: 'The server ends the connection and sends no frame.',
    run: async (context) => {
      const attempt = await context.attempt({ alpn: null });
      if (attempt.type === 'connected') await attempt.peer.expectNoFrame('TLS-003');
    },
  },
  {
    id: 'TLS-003/other-alpn',
    requirements: ['TLS-003'],
    title: 'a client with another ALPN protocol gets no frame',
    stimulus: 'A client with a good certificate offers only the ALPN protocol http/1.1.',
    expectation: 'The TLS handshake fails, or the server ends the connection and sends no frame.',
    run: async (context) => {
      const attempt = await context.attempt({ alpn: ['http/1.1'] });
      if (attempt.type === 'connected') await attempt.peer.expectNoFrame('TLS-003');
    },
  },
  {
    id: 'TLS-006/ticket',
    requirements: ['TLS-006'],
    title: 'a resumed TLS connection is refused',
    stimulus:
      'A client establishes a session, keeps the TLS ticket if the server gives one, and offers it for its next connection.',
    expectation: 'The second connection makes a full handshake, or ends before any frame.',
    run: async (context) => {
      const first = await context.established();
      await first.barrier();
      const { ticket } = first;
      await first.close();
      if (ticket === undefined) return;
      const attempt = await context.attempt({ session: ticket });
      if (attempt.type === 'connected' && attempt.peer.socket.isSessionReused()) {
        await attempt.peer.expectNoFrame('TLS-006');
      }
    },
  },
  {
    id: 'TLS-010/no-certificate',
    requirements: ['TLS-010', 'TLS-009'],
    title: 'a client without a certificate is refused',
    stimulus: 'A client presents no certificate, and signs CONNECT with some key.',
    expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
    run: async (context) => {
      const { key } = context.kit.credential('client');
      await context.expectNotAccepted({ credential: null, connect: { key } }, 'TLS-010');
    },
  },
  {
    id: 'TLS-008/no-tickets',
    requirements: ['TLS-008'],
    level: 'SHOULD',
    title: 'no session tickets are sent',
    stimulus: 'A client establishes a session and exchanges PING and PONG.',
    expectation: 'No TLS session ticket arrives.',
    run: async (context) => {
      const peer = await context.established();
      await peer.barrier();
      if (peer.ticket !== undefined) fail('no session ticket', 'one', 'TLS-008');
    },
  },
  {
    id: 'TLS-003/alpn-selected',
    requirements: ['TLS-003'],
    title: 'hawser/1 is selected among others',
    stimulus: 'A client offers the ALPN protocols h2 and hawser/1, in this order.',
    expectation: 'The server selects hawser/1 and speaks it.',
    run: async (context) => {
      const peer = await context.connect({ alpn: ['h2', registry.protocol.alpn] });
      if (peer.socket.alpnProtocol !== registry.protocol.alpn) {
        fail('ALPN hawser/1', String(peer.socket.alpnProtocol), 'TLS-003');
      }
      await peer.establish();
    },
  },
]);

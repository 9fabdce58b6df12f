import { registry } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import { SERVER_SUBJECTS } from '../../testee/kit-plan.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';

/** One case for each server certificate of the kit: with a good one a session comes about, with a bad one none. */
const certificateCases = SERVER_SUBJECTS.map((subject): Omit<ClientCase, 'role'> => {
  const { name, wrong, requirement, feature } = subject;
  const as = `servers/${name}`;
  return wrong === undefined
    ? {
        id: `${requirement}/server-${name}`,
        requirements: [requirement],
        title: `server certificate ${name} is accepted`,
        stimulus: `The server presents the good certificate ${name} of the kit, and the client is to reach its identity.`,
        expectation: 'The client establishes a session.',
        ...(feature === undefined ? {} : { features: [feature] }),
        run: async (context) => {
          const audience = context.kit.entry(as).identity ?? context.kit.index.serverIdentity;
          const { peer, client } = await context.connected({ as, request: { audience } });
          await peer.establish();
          await client.expectEvent('established', requirement);
        },
      }
    : {
        id: `${requirement}/server-${name}`,
        requirements: requirement === 'EST-009' ? ['EST-009', 'EST-010'] : [requirement],
        title: `server certificate ${name} is refused`,
        stimulus: `The server presents a certificate that is wrong in one way: ${wrong}.`,
        expectation:
          'The client sends no CONNECT: it ends the handshake, or sends CLOSE(AUTHENTICATION_FAILED), and reports a failure.',
        run: (context) => context.expectNotAccepted({ as }, requirement),
      };
});

/** Chapter 2, for a client. */
export const tlsProfile: readonly ClientCase[] = clientCases([
  ...certificateCases,
  {
    id: 'TLS-001/client-version-1-2',
    requirements: ['TLS-001'],
    title: 'TLS 1.2 is refused',
    stimulus: 'The server speaks TLS 1.2 and nothing newer.',
    expectation: 'The TLS handshake fails, and the client reports a failure.',
    run: async (context) => {
      const versions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
      const { client, attempt } = await context.attempt({ listen: versions });
      if (attempt.type === 'connected') fail('a failed TLS handshake', 'a TLS 1.2 connection', 'TLS-001');
      await client.expectEvent('failed', 'TLS-001');
    },
  },
  {
    id: 'TLS-002/alpn-offer',
    requirements: ['TLS-002'],
    title: 'the client offers hawser/1 and nothing else',
    stimulus: 'The client is asked to connect.',
    expectation: 'Its ClientHello offers exactly the ALPN protocol hawser/1.',
    run: async (context) => {
      const { attempt } = await context.attempt();
      const offered = attempt.hello?.protocols.join(', ') ?? 'nothing readable';
      if (offered !== registry.protocol.alpn) fail('the ALPN offer hawser/1', offered, 'TLS-002');
    },
  },
  {
    id: 'TLS-004/not-selected',
    requirements: ['TLS-004'],
    title: 'a server without ALPN gets no frame',
    stimulus: 'The server selects no ALPN protocol, and sends a right CHALLENGE nevertheless.',
    expectation: 'The client ends the connection and sends no frame.',
    run: async (context) => {
      const { client, attempt } = await context.attempt({ listen: { alpn: null } });
      if (attempt.type === 'connected') {
        attempt.peer.sendChallenge();
        await attempt.peer.expectNoFrame('TLS-004');
      }
      await client.expectEvent('failed', 'TLS-004');
    },
  },
  {
    id: 'TLS-005/second-connection',
    requirements: ['TLS-005'],
    title: 'no pre-shared key is offered',
    stimulus: 'The client connects to the same server twice; the server sends TLS tickets the first time.',
    expectation: 'Neither ClientHello offers a pre-shared key or early data.',
    run: async (context) => {
      const listener = await context.listen();
      for (let connection = 0; connection < 2; connection += 1) {
        const client = await context.ask(listener);
        const attempt = await listener.nextAttempt();
        if (attempt.type === 'refused') fail('a TLS connection', attempt.how);
        if (attempt.hello?.pskOffered === true) fail('no pre-shared key', 'one', 'TLS-005');
        if (attempt.hello?.earlyDataOffered === true) fail('no early data', 'some', 'TLS-005');
        await context.dependency('establishing a session', async () => {
          await attempt.peer.establish();
          await client.expectEvent('established');
          await attempt.peer.close();
        });
      }
    },
  },
]);

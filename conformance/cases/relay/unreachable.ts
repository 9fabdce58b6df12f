/** Section 13.6: application ends that can not be reached. */
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { limit, timer } from '../../model/registry.ts';
import { assertThat } from '../../peer/failure.ts';
import { listenOn } from '../../peer/listen-on.ts';
import type { ServerListenOptions, ServerPeer } from '../../peer/server-peer.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { RelayContext } from '../relay-context.ts';
import { SOLO_APPLICATION } from '../relay-context.ts';
import type { Case } from './passing.ts';
import { passesBothWays, requireRefused, requireSilence } from './passing.ts';

const DEADLINE_MS = timer('application_connect_deadline_ms');
/** Room for the schedulers of both ends. */
const SLACK_MS = 2500;
/** So much earlier a timer may come by the clocks of both ends. */
const EARLY_MS = 100;

/** Certificates that an application end must not be reached with. */
const CERTIFICATES = [
  'expired',
  'not-yet-valid',
  'other-ca',
  'self-signed',
  'revoked',
  'crossed-role',
  'no-san',
  'other-identity',
  'without-crl',
] as const;

const certificateCases = CERTIFICATES.map((name): Case => ({
  id: `RLY-033/relay-trunk-${name}`,
  requirements: ['RLY-033', 'RLY-001'],
  title: `an application end with a bad certificate is not reached (${name})`,
  stimulus: `The Hawser application end presents servers/${name} of the kit.`,
  expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives at the client, and no CONNECT at the application end.',
  run: async (context) => {
    await context.solo(
      async (solo) => {
        const asked = context.ask(await context.established(), SOLO_APPLICATION);
        const attempt = await solo.nextAttempt();
        if (attempt.type === 'connected') {
          attempt.peer.sendChallenge();
          const answer = await attempt.peer.nextOrEnd('the end of the connection');
          assertThat(
            typeof answer === 'string' || answer.name === 'CLOSE',
            'the end of the connection, or CLOSE',
            typeof answer === 'string' ? answer : answer.text,
            'RLY-001',
          );
          attempt.peer.destroy();
        }
        await requireRefused(asked, 'ROUTE_UNREACHABLE', 'RLY-033');
      },
      { credential: context.kit.credential(`servers/${name}`) },
    );
  },
}));

/** What an application end does instead of accepting the session. */
const ANSWERS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly listen?: Partial<ServerListenOptions>;
  readonly act: (peer: ServerPeer) => Promise<void>;
}[] = [
  ...(['BUSY', 'SHUTTING_DOWN', 'AUTHENTICATION_FAILED', 'INTERNAL_ERROR'] as const).map((code) => ({
    slug: `reject-${code.toLowerCase().replace('_', '-')}`,
    words: `answers CONNECT with REJECT(${code})`,
    act: async (peer: ServerPeer): Promise<void> => {
      peer.sendChallenge();
      await peer.expectConnect();
      peer.sendReject(code);
      peer.socket.end();
    },
  })),
  {
    slug: 'leaves-before-challenge',
    words: 'ends the connection before CHALLENGE',
    act: (peer) => {
      peer.destroy();
      return Promise.resolve();
    },
  },
  {
    slug: 'leaves-after-connect',
    words: 'ends the connection instead of accepting',
    act: async (peer) => {
      peer.sendChallenge();
      await peer.expectConnect();
      peer.destroy();
    },
  },
  {
    slug: 'signature',
    words: 'accepts with a signature that does not verify',
    act: async (peer) => {
      peer.sendChallenge();
      await peer.expectConnect();
      peer.sendAccept({ signature: (octets) => octets.map((octet, at) => (at === 9 ? octet ^ 1 : octet)) });
    },
  },
  {
    slug: 'no-frame',
    words: 'sends what is no frame',
    act: (peer) => {
      peer.sendOctets(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return Promise.resolve();
    },
  },
];

const answerCases = ANSWERS.map(({ slug, words, act }): Case => ({
  id: `RLY-033/relay-trunk-${slug}`,
  requirements: ['RLY-033'],
  title: `an application end that ${words} is not reached`,
  stimulus: `The Hawser application end ${words}, as often as the relay comes.`,
  expectation:
    'REFUSED(ROUTE_UNREACHABLE) arrives at the client, and the next channel is led when the application end accepts.',
  estimateMs: 300,
  run: async (context) => {
    await context.solo(async (solo) => {
      const peer = await context.established();
      const asked = context.ask(peer, SOLO_APPLICATION);
      let refused = false;
      const answering = async (): Promise<void> => {
        while (!refused) {
          const attempt = await solo.nextAttempt(100).catch(() => undefined);
          if (attempt?.type !== 'connected') continue;
          await act(attempt.peer);
          // What is wrong is answered with CLOSE, and that by the end of the connection.
          if (attempt.peer.socket.destroyed) continue;
          await attempt.peer.nextOrEnd('CLOSE or the end of the connection');
          attempt.peer.destroy();
        }
      };
      const waiting = async (): Promise<void> => {
        try {
          await requireRefused(asked, 'ROUTE_UNREACHABLE', 'RLY-033', undefined, DEADLINE_MS);
        } finally {
          refused = true;
        }
      };
      await Promise.all([answering(), waiting()]);
      const again = context.ask(peer, SOLO_APPLICATION);
      await solo.accept();
      const end = await solo.forwarded('APP-012');
      end.sendOpened();
      await peer.expect('OPENED', { channel: again.channel });
      await passesBothWays({ ...again, end }, 'RLY-036');
    });
  },
}));

/** TLS ends with the wrong certificate for `localhost`, or none. */
const TLS_ENDS: readonly { readonly slug: string; readonly words: string; readonly as: string }[] = [
  { slug: 'wrong-name', words: 'a certificate for another name', as: 'servers/one-dns' },
  { slug: 'no-name', words: 'a certificate without a DNS name', as: 'servers/under-intermediate' },
  { slug: 'expired', words: 'a certificate that has expired', as: 'servers/localhost-expired' },
  { slug: 'other-ca', words: 'a certificate of an authority that is not trusted', as: 'servers/localhost-other-ca' },
];

const tlsCases = TLS_ENDS.map(({ slug, words, as }): Case => ({
  id: `RLY-033/relay-tls-${slug}`,
  requirements: ['RLY-033', 'RLY-005'],
  title: `a TLS peer with ${words} is not reached`,
  stimulus: `A client opens relay/tls; the application end presents ${words}.`,
  expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives, and the application end gets no octet inside TLS.',
  run: async (context) => {
    const peer = await context.established();
    const dialled = await context.dial(peer, 'relay/tls');
    await dialled.end.secure(context.kit.credential(as));
    await requireRefused(dialled, 'ROUTE_UNREACHABLE', 'RLY-033');
    await requireSilence(dialled, 'RLY-005');
  },
}));

/** What a TCP peer does while the relay wants TLS. */
const HANDSHAKES: readonly {
  readonly slug: string;
  readonly words: string;
  readonly octets?: Buffer;
  readonly reset?: true;
}[] = [
  { slug: 'closes', words: 'ends the connection' },
  { slug: 'resets', words: 'resets the connection', reset: true },
  { slug: 'speaks-otherwise', words: 'answers with something that is no TLS', octets: Buffer.from('SSH-2.0-x\r\n') },
];

const handshakeCases = HANDSHAKES.map(({ slug, words, octets, reset }): Case => ({
  id: `RLY-033/relay-tls-${slug}`,
  requirements: ['RLY-033'],
  title: `a TLS peer that ${words} is not reached`,
  stimulus: `A client opens relay/silent; the application end accepts and ${words}.`,
  expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives.',
  run: async (context) => {
    const peer = await context.established();
    const dialled = await context.dial(peer, 'relay/silent');
    await dialled.end.read(1, 'RLY-033');
    if (reset === true) dialled.end.reset();
    else if (octets === undefined) dialled.end.destroy();
    else dialled.end.end(octets);
    await requireRefused(dialled, 'ROUTE_UNREACHABLE', 'RLY-033');
  },
}));

/** Runs with a TCP server at the port of the trunk that one case has for itself, which does with each connection what is given. */
async function withServer(
  context: RelayContext,
  onConnection: (socket: Socket) => void,
  run: () => Promise<void>,
): Promise<void> {
  await context.withoutSolo(async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      // A relay may leave in any way.
      socket.on('error', () => sockets.delete(socket));
      onConnection(socket);
    });
    await listenOn(server, context.ends.at('solo'));
    try {
      await run();
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
}

/** Demands APPLICATION_TIMEOUT at the deadline. */
async function requireTimeout(asked: Parameters<typeof requireRefused>[0], startedAt: number): Promise<void> {
  await requireRefused(asked, 'APPLICATION_TIMEOUT', 'RLY-033', undefined, DEADLINE_MS + SLACK_MS);
  const tookMs = performance.now() - startedAt;
  assertThat(tookMs >= DEADLINE_MS - EARLY_MS, `${DEADLINE_MS} ms at least`, `${Math.round(tookMs)} ms`, 'RLY-033');
}

/** Section 13.6, what is not reached. */
export const unreachable: readonly RelayCase[] = relayCases([
  ...certificateCases,
  ...answerCases,
  ...tlsCases,
  ...handshakeCases,
  {
    id: 'RLY-033/relay-tcp-refused',
    requirements: ['RLY-033', 'APP-012'],
    title: 'a port at which nobody listens is not reached, however often it is tried',
    stimulus: 'A client opens relay/unreachable twelve times, one after the other.',
    expectation: 'Each time REFUSED(ROUTE_UNREACHABLE) arrives, without a time to wait.',
    run: async (context) => {
      const peer = await context.established();
      for (let n = 0; n < 12; n += 1) {
        await requireRefused(context.ask(peer, 'relay/unreachable'), 'ROUTE_UNREACHABLE', 'RLY-033');
      }
    },
  },
  {
    id: 'RLY-033/relay-trunk-refused',
    requirements: ['RLY-033', 'RLY-036'],
    title: 'a Hawser application end at whose port nobody listens is not reached',
    stimulus:
      'Nobody listens at the port of a trunk. A client opens an application behind it, and one behind another trunk.',
    expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives for the first, and the second is opened.',
    run: async (context) => {
      await context.withoutSolo(async () => {
        const peer = await context.established();
        const asked = context.ask(peer, SOLO_APPLICATION);
        await requireRefused(asked, 'ROUTE_UNREACHABLE', 'RLY-033', undefined, DEADLINE_MS);
        await passesBothWays(await context.ledOn(peer), 'RLY-036');
      });
    },
  },
  {
    id: 'RLY-033/relay-trunk-closes',
    requirements: ['RLY-033'],
    title: 'a Hawser application end that ends each TCP connection is not reached',
    stimulus: 'The application end accepts TCP connections and ends them at once.',
    expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives.',
    run: async (context) => {
      await withServer(
        context,
        (socket) => socket.destroy(),
        async () => {
          const asked = context.ask(await context.established(), SOLO_APPLICATION);
          await requireRefused(asked, 'ROUTE_UNREACHABLE', 'RLY-033', undefined, DEADLINE_MS);
        },
      );
    },
  },
  {
    id: 'RLY-033/relay-far-relay-is-told',
    requirements: ['RLY-033', 'RLY-032'],
    title: 'a relay is told like a client that an application end is not reached',
    stimulus: 'A relay sends FORWARD for relay/unreachable.',
    expectation: 'REFUSED(ROUTE_UNREACHABLE) arrives.',
    run: async (context) => {
      const peer = await context.established({ as: 'clients/relay' });
      await requireRefused(context.pass(peer, 'relay/unreachable'), 'ROUTE_UNREACHABLE', 'RLY-033');
    },
  },
  {
    id: 'RLY-033/relay-silent',
    requirements: ['RLY-033', 'RLY-036'],
    title: 'a TLS peer that never speaks is given up at the deadline',
    stimulus:
      'A client opens relay/silent; the application end accepts the connection and says nothing. Meanwhile the client uses another channel.',
    expectation: `REFUSED(APPLICATION_TIMEOUT) arrives after ${DEADLINE_MS} ms, the connection is cut, and the other channel goes on before and after.`,
    timing: true,
    estimateMs: DEADLINE_MS + 500,
    run: async (context) => {
      const peer = await context.established();
      const startedAt = performance.now();
      const dialled = await context.dial(peer, 'relay/silent');
      const other = await context.ledOn(peer);
      await passesBothWays(other, 'RLY-036');
      await requireTimeout(dialled, startedAt);
      await dialled.end.expectCut('RLY-033');
      await passesBothWays(other, 'RLY-036');
    },
  },
  {
    id: 'RLY-033/relay-trunk-silent',
    requirements: ['RLY-033'],
    title: 'a Hawser application end that never sends CHALLENGE is given up at the deadline',
    stimulus: 'The application end completes the TLS handshake and says nothing.',
    expectation: `REFUSED(APPLICATION_TIMEOUT) arrives after ${DEADLINE_MS} ms.`,
    timing: true,
    estimateMs: DEADLINE_MS + 500,
    run: async (context) => {
      await context.solo(async (solo) => {
        const peer = await context.established();
        const startedAt = performance.now();
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.connected();
        await requireTimeout(asked, startedAt);
      });
    },
  },
  {
    id: 'RLY-033/relay-trunk-silent-tcp',
    requirements: ['RLY-033'],
    title: 'a Hawser application end that never answers the TLS handshake is given up at the deadline',
    stimulus: 'The application end accepts the TCP connection and says nothing.',
    expectation: `REFUSED(APPLICATION_TIMEOUT) arrives after ${DEADLINE_MS} ms.`,
    timing: true,
    deep: true,
    estimateMs: DEADLINE_MS + 500,
    run: async (context) => {
      await withServer(
        context,
        () => undefined,
        async () => {
          const peer = await context.established();
          const startedAt = performance.now();
          await requireTimeout(context.ask(peer, SOLO_APPLICATION), startedAt);
        },
      );
    },
  },
  {
    id: 'RLY-033/relay-slow-answer',
    requirements: ['RLY-033', 'RLY-005'],
    title: 'an application end that was reached may take its time to answer',
    stimulus: `The application end gets FORWARD and answers ${DEADLINE_MS + 1500} ms later.`,
    expectation: 'Nothing arrives at the client before, and OPENED after.',
    timing: true,
    estimateMs: DEADLINE_MS + 2000,
    run: async (context) => {
      const peer = await context.established();
      const asked = context.ask(peer, 'test/slow');
      const end = await context.endOf(asked);
      const until = performance.now() + DEADLINE_MS + 1500;
      while (performance.now() < until) await peer.arrival(until - performance.now());
      await requireSilence(asked, 'RLY-033');
      end.sendOpened();
      await peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-005' });
    },
  },
  {
    id: 'APP-012/relay-values',
    requirements: ['APP-012', 'APP-005'],
    title: 'a relay in test mode declares values within the bounds',
    stimulus: 'A client makes a session with the relay.',
    expectation: 'Liveness interval, channels, credit and message size are within the bounds of annex A.',
    run: async (context) => {
      const peer = await context.established();
      const atLeast = (name: string, bound: string): void => {
        const value = peer.serverParameter(name);
        assertThat(value >= limit(bound), `${name} of ${limit(bound)} at least`, String(value), 'APP-012');
      };
      atLeast('max_channels', 'test_min_channels');
      atLeast('initial_message_credit', 'test_min_message_credit');
      atLeast('initial_byte_credit', 'test_min_byte_credit');
      atLeast('max_message_bytes', 'test_min_message_bytes');
      const interval = peer.serverParameter('liveness_interval_ms');
      const most = limit('test_max_liveness_interval_ms');
      assertThat(interval <= most, `a liveness_interval_ms of ${most} at most`, String(interval), 'APP-012');
    },
  },
]);

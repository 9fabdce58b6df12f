import { equal } from '../../model/codec.ts';
import { schemeOfKey } from '../../model/transcript.ts';
import { timer } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { expectClose } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

/** Certificates of the client, one for each type of key, and one of another identity. */
const OWN = [
  { as: 'client', requirement: 'EST-003', words: 'a P-256 key' },
  { as: 'clients/p384', requirement: 'EST-003', words: 'a P-384 key', feature: 'p384' },
  { as: 'clients/ed25519', requirement: 'EST-003', words: 'an Ed25519 key', feature: 'ed25519' },
  { as: 'clients/rsa-2048', requirement: 'EST-003', words: 'an RSA key', feature: 'rsa' },
  { as: 'client-2', requirement: 'EST-002', words: 'the certificate of the second client' },
  { as: 'clients/under-intermediate', requirement: 'EST-002', words: 'a certificate of an intermediate authority' },
] as const;

const ownCases = OWN.map((own): Case => ({
  id: `${own.requirement}/client-signs-as-${own.as.replace(/^clients\//, '')}`,
  requirements: [own.requirement, ...(own.requirement === 'EST-003' ? ['EST-002'] : ['EST-003']), 'EST-001'],
  title: `a client with ${own.words} signs with it`,
  stimulus: `The client has ${own.words} and gets a right CHALLENGE, then a right ACCEPT.`,
  expectation:
    'The signature of CONNECT verifies with the key of the certificate presented, in the one scheme of that key, and the client reports the session.',
  ...('feature' in own ? { features: [own.feature] } : {}),
  run: async (context) => {
    const { peer, client } = await context.connected({ clientAs: own.as });
    const connect = await peer.establish();
    const scheme = schemeOfKey(context.kit.credential(own.as).key);
    assertEqual('scheme', Number(connect.integer('scheme')), scheme?.id, 'EST-003');
    await client.expectEvent('established', own.requirement);
  },
}));

/** CHALLENGEs that are right, however unusual, and all of which the signature covers. */
const CHALLENGES: readonly {
  readonly slug: string;
  readonly words: string;
  readonly send: (context: ClientContext, peer: ServerPeer) => Uint8Array;
}[] = [
  {
    slug: 'nonce-of-zeros',
    words: 'with a nonce of zeros',
    send: (_context, peer) => peer.send('CHALLENGE', { fields: { server_nonce: new Uint8Array(32) } }),
  },
  {
    slug: 'nonce-of-ones',
    words: 'with a nonce of 32 octets 0xff',
    send: (_context, peer) => peer.send('CHALLENGE', { fields: { server_nonce: new Uint8Array(32).fill(0xff) } }),
  },
  {
    slug: 'default-written-out',
    words: 'that writes out the default of a parameter, which a re-encoding might leave out',
    send: (_context, peer) => peer.sendChallenge([{ id: 'liveness_interval_ms', value: 15_000 }]),
  },
  {
    slug: 'ignored-parameters',
    words: 'with parameters that the client ignores',
    send: (context, peer) =>
      peer.sendChallenge([
        { id: 'max_message_bytes', value: 65_536 },
        { id: 0x801b, value: context.bytes(16) },
        { id: 0xfbfc, value: new Uint8Array(0) },
      ]),
  },
];

const challengeCases = CHALLENGES.map(({ slug, words, send }): Case => ({
  id: `EST-001/client-challenge-${slug}`,
  requirements: ['EST-001'],
  title: `a CHALLENGE ${words} is signed as it was sent`,
  stimulus: `The server sends a CHALLENGE ${words}, and answers CONNECT with a right ACCEPT.`,
  expectation: 'The signature of CONNECT covers CHALLENGE octet for octet, and the client reports the session.',
  run: async (context) => {
    const { peer, client } = await context.connected();
    peer.challengeFrame = send(context, peer);
    await peer.expectConnect();
    peer.sendAccept();
    await client.expectEvent('established', 'EST-001');
  },
}));

const DEADLINE_MS = timer('establishment_deadline_ms');
/** The client's clock began with its TCP connection, somewhat earlier than the harness knew of it; machines are busy. */
const EARLY_MS = 1500;
const LATE_MS = 4000;

/** Demands CLOSE(ESTABLISHMENT_TIMEOUT) at the deadline. */
async function expectTimeout(context: ClientContext, peer: ServerPeer, startedAt: number): Promise<void> {
  const withinMs = DEADLINE_MS + LATE_MS;
  await expectClose(context, peer, 'ESTABLISHMENT_TIMEOUT', 'EST-028', { exact: true, withinMs });
  const waitedMs = Math.round(performance.now() - startedAt);
  if (waitedMs < DEADLINE_MS - EARLY_MS) fail(`CLOSE after about ${DEADLINE_MS} ms`, `after ${waitedMs} ms`, 'EST-028');
}

const timing = { timing: true, estimateMs: DEADLINE_MS + 100 } as const;

/** Sections 4.3, 4.4 and 4.7, for a client: what it answers to CHALLENGE, and how long it waits. */
export const challenge: readonly ClientCase[] = clientCases([
  ...ownCases,
  ...challengeCases,
  {
    id: 'EST-011/same-challenge',
    requirements: ['EST-011'],
    title: 'the same CHALLENGE gets another nonce each time',
    stimulus: 'The client connects three times; each time it gets the same CHALLENGE, octet for octet.',
    expectation: 'The nonces and the signatures in the three CONNECTs differ.',
    run: async (context) => {
      const challenge = context.bytes(32);
      const seen: Uint8Array[] = [];
      for (let time = 0; time < 3; time += 1) {
        const { peer } = await context.connected();
        peer.challengeFrame = peer.send('CHALLENGE', { fields: { server_nonce: challenge } });
        const connect = await peer.expectConnect();
        for (const octets of [connect.bytes('client_nonce'), connect.bytes('signature')]) {
          if (seen.some((earlier) => equal(earlier, octets))) fail('fresh octets', 'earlier ones', 'EST-011');
          seen.push(octets);
        }
      }
    },
  },
  {
    id: 'WIR-017/client-connect-new',
    requirements: ['WIR-017'],
    title: 'a CONNECT for a new session is empty of resumption',
    stimulus: 'The client is asked for a session after an earlier one has ended.',
    expectation: 'Each CONNECT has mode new, and zeros as session id, epoch, attempt and receive cursor.',
    run: async (context) => {
      for (let time = 0; time < 2; time += 1) {
        const { peer, connect } = await context.established();
        if (!equal(connect.bytes('session_id'), new Uint8Array(16))) fail('a session id of zeros', connect.text);
        for (const field of ['mode', 'epoch', 'attempt', 'receive_cursor']) {
          assertEqual(field, connect.integer(field), 0n, 'WIR-017');
        }
        await peer.close();
      }
    },
  },
  ...['one-dns', 'uri-and-dns', 'uri-and-two-dns'].map((name): Case => ({
    id: `EST-009/client-names-${name}`,
    requirements: ['EST-009'],
    title: `the audience in CONNECT is the configured one, also for a server with the certificate ${name}`,
    stimulus: `The server presents the certificate ${name} of the kit, whose identity the client is configured to reach.`,
    expectation: 'CONNECT names that identity, octet for octet.',
    run: async (context) => {
      const as = `servers/${name}`;
      const audience = context.kit.entry(as).identity ?? context.kit.index.serverIdentity;
      const { peer } = await context.connected({ as, request: { audience } });
      peer.sendChallenge();
      const connect = await peer.expectConnect();
      assertEqual('audience', connect.string('audience'), audience, 'EST-009');
    },
  })),
  {
    id: 'EST-028/client-no-challenge',
    requirements: ['EST-028', 'EST-027'],
    title: 'a server that sends no CHALLENGE is given up',
    stimulus: 'The TLS handshake is complete, and the server stays silent.',
    expectation: `About ${DEADLINE_MS} ms after the TCP connection the client sends CLOSE(ESTABLISHMENT_TIMEOUT) and reports a failure.`,
    ...timing,
    run: async (context) => {
      const { peer, client } = await context.connected();
      await expectTimeout(context, peer, performance.now());
      await client.expectEvent('failed', 'EST-028');
    },
  },
  {
    id: 'EST-028/client-octet-by-octet',
    requirements: ['EST-028', 'EST-027'],
    title: 'single octets do not extend the deadline',
    stimulus: 'CHALLENGE arrives so slowly, octet by octet, that it is not complete at the deadline.',
    expectation: `About ${DEADLINE_MS} ms after the TCP connection the client sends CLOSE(ESTABLISHMENT_TIMEOUT).`,
    ...timing,
    run: async (context) => {
      const { peer } = await context.connected();
      const startedAt = performance.now();
      const frame = peer.build('CHALLENGE');
      for (let at = 0; at < frame.length - 1 && performance.now() - startedAt < DEADLINE_MS - EARLY_MS; at += 1) {
        peer.sendOctets(frame.subarray(at, at + 1), `octet ${at} of CHALLENGE`);
        await peer.arrival(400);
      }
      await expectTimeout(context, peer, startedAt);
    },
  },
  {
    id: 'EST-028/client-no-answer-to-connect',
    requirements: ['EST-028', 'EST-027', 'EST-013'],
    title: 'a server that does not answer CONNECT is given up',
    stimulus: 'The server sends CHALLENGE, and nothing in answer to CONNECT.',
    expectation: `About ${DEADLINE_MS} ms after the TCP connection the client sends CLOSE(ESTABLISHMENT_TIMEOUT), and nothing before.`,
    ...timing,
    run: async (context) => {
      const { peer, client } = await context.connecting();
      await expectTimeout(context, peer, performance.now());
      await client.expectEvent('failed', 'EST-028');
    },
  },
]);

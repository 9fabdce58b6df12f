import { equal } from '../../model/codec.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** Chapter 4, for a server. */
export const establishment: readonly ServerCase[] = serverCases([
  {
    id: 'EST-006/challenge-first',
    requirements: ['EST-006', 'EST-008'],
    title: 'the server speaks first',
    stimulus: 'A client makes a TLS connection and sends nothing.',
    expectation: 'CHALLENGE arrives.',
    run: async (context) => {
      const peer = await context.connect();
      await peer.expectChallenge();
    },
  },
  {
    id: 'EST-007/fresh-nonce',
    requirements: ['EST-007'],
    title: 'each connection gets a nonce of its own',
    stimulus: 'A client makes two TLS connections.',
    expectation: 'The nonces in the two CHALLENGEs differ, and neither is all zeros.',
    run: async (context) => {
      const nonces: Uint8Array[] = [];
      for (let connection = 0; connection < 2; connection += 1) {
        const peer = await context.connect();
        nonces.push((await peer.expectChallenge()).bytes('server_nonce'));
      }
      const [first = new Uint8Array(32), second = new Uint8Array(32)] = nonces;
      if (equal(first, second)) fail('two different nonces', 'the same one twice', 'EST-007');
      if (nonces.some((nonce) => equal(nonce, new Uint8Array(32)))) fail('random nonces', 'zeros', 'EST-007');
    },
  },
  {
    id: 'EST-001/plain',
    requirements: ['EST-001', 'EST-002', 'EST-003', 'EST-020'],
    title: 'a session is established',
    stimulus: 'A client sends a right CONNECT.',
    expectation: 'ACCEPT arrives, with a signature that verifies, epoch 1 and receive cursor 0.',
    run: async (context) => {
      const peer = await context.connect();
      await peer.establish();
      await peer.close();
    },
  },
  {
    id: 'EST-005/one-bit',
    requirements: ['EST-005', 'EST-026'],
    title: 'a signature with one wrong bit is refused',
    stimulus: 'One bit in the signature of CONNECT is inverted.',
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ signature: (octets) => octets.map((octet, at) => (at === 40 ? octet ^ 1 : octet)) });
      await peer.expectViolation('SIGNATURE_INVALID', { requirement: 'EST-005' });
    },
  },
  {
    id: 'EST-005/other-connection',
    requirements: ['EST-005', 'EST-001'],
    title: 'a signature made for another connection is refused',
    stimulus: 'The signature of CONNECT covers the exporter value of another TLS connection to the same server.',
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ transcript: { exporter: context.bytes(32) } });
      await peer.expectViolation('SIGNATURE_INVALID', { requirement: 'EST-005' });
    },
  },
  {
    id: 'EST-004/other-scheme',
    requirements: ['EST-004'],
    title: 'a scheme that is not that of the key is refused',
    stimulus: 'CONNECT is signed by the P-256 key of the certificate, but names the scheme of P-384.',
    expectation: 'The server answers with REJECT(SIGNATURE_INVALID).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ scheme: 0x0503 });
      await peer.expectViolation('SIGNATURE_INVALID', { requirement: 'EST-004' });
    },
  },
  {
    id: 'EST-016/other-audience',
    requirements: ['EST-016'],
    title: 'a request for another server is refused',
    stimulus: 'A rightly signed CONNECT names another server as its audience.',
    expectation: 'The server answers with REJECT(AUDIENCE_MISMATCH).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ audience: context.kit.index.otherServerIdentity });
      await peer.expectViolation('AUDIENCE_MISMATCH', { requirement: 'EST-016' });
    },
  },
  {
    id: 'EST-018/unknown-session',
    requirements: ['EST-018'],
    title: 'an unknown session is not resumed',
    stimulus: 'A rightly signed CONNECT asks to resume a session that never existed.',
    expectation: 'The server answers with REJECT(RESUME_REFUSED).',
    run: async (context) => {
      const peer = await context.challenged();
      peer.sendConnect({ fields: { mode: 'resume', session_id: context.bytes(16), epoch: 1, attempt: 1 } });
      await peer.expectViolation('RESUME_REFUSED', { requirement: 'EST-018' });
    },
  },
  {
    id: 'EST-028/silent-client',
    requirements: ['EST-028', 'EST-026'],
    title: 'a silent client is not waited for',
    stimulus: 'A client makes a TLS connection, reads CHALLENGE and then sends nothing.',
    expectation: 'After ten seconds the server answers with REJECT(ESTABLISHMENT_TIMEOUT) and ends the connection.',
    timing: true,
    estimateMs: 10_500,
    run: async (context) => {
      const peer = await context.challenged();
      const startedAt = performance.now();
      await peer.expectViolation('ESTABLISHMENT_TIMEOUT', { requirement: 'EST-028', withinMs: 12_000 });
      const waitedMs = Math.round(performance.now() - startedAt);
      if (waitedMs < 8000) fail('REJECT after about 10,000 ms', `after ${waitedMs} ms`, 'EST-028');
    },
  },
]);

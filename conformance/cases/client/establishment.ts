import { equal } from '../../model/codec.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';

/** Chapter 4, for a client. */
export const establishment: readonly ClientCase[] = clientCases([
  {
    id: 'EST-001/client-plain',
    requirements: ['EST-001', 'EST-002', 'EST-003'],
    title: 'a session is established',
    stimulus: 'The server sends CHALLENGE, and answers CONNECT with a right ACCEPT.',
    expectation:
      'The signature of CONNECT verifies, its audience is the configured one, and the client reports the session.',
    run: async (context) => {
      const { peer, client } = await context.connected();
      const connect = await peer.establish();
      assertEqual('audience', connect.string('audience'), context.kit.index.serverIdentity, 'EST-009');
      const event = await client.expectEvent('established', 'EST-001');
      assertEqual('server identity', event.identity, context.kit.index.serverIdentity, 'TLS-020');
    },
  },
  {
    id: 'EST-012/waits-for-challenge',
    requirements: ['EST-012'],
    title: 'the client does not speak first',
    stimulus: 'The server holds CHALLENGE back until the client has finished a session with another server.',
    expectation: 'Nothing arrives before CHALLENGE.',
    run: async (context) => {
      const { peer } = await context.connected();
      await context.established();
      const early = peer.log.entries.find(({ direction }) => direction === 'received');
      if (early !== undefined) fail('nothing before CHALLENGE', early.text, 'EST-012');
      peer.sendChallenge();
      await peer.expectConnect();
    },
    features: ['concurrent'],
  },
  {
    id: 'EST-011/fresh-nonce',
    requirements: ['EST-011'],
    title: 'each CONNECT has a nonce of its own',
    stimulus: 'The client is asked to connect twice.',
    expectation: 'The nonces in the two CONNECTs differ, and neither is all zeros.',
    run: async (context) => {
      const first = (await context.connecting()).connect.bytes('client_nonce');
      const second = (await context.connecting()).connect.bytes('client_nonce');
      if (equal(first, second)) fail('two different nonces', 'the same one twice', 'EST-011');
      if (equal(first, new Uint8Array(32))) fail('a random nonce', 'zeros', 'EST-011');
    },
  },
  {
    id: 'EST-022/accept-one-bit',
    requirements: ['EST-022', 'EST-005', 'EST-027'],
    title: 'an ACCEPT with a wrong signature establishes nothing',
    stimulus: 'One bit in the signature of ACCEPT is inverted.',
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID) and reports a failure, never a session.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      peer.sendAccept({ signature: (octets) => octets.map((octet, at) => (at === 0 ? octet ^ 1 : octet)) });
      await peer.expectViolation('SIGNATURE_INVALID', { requirement: 'EST-022', probe: false });
      await client.expectEvent('failed', 'EST-022');
    },
  },
  {
    id: 'EST-021/epoch-two',
    requirements: ['EST-021'],
    title: 'a new session with another epoch than 1 is refused',
    stimulus: 'A rightly signed ACCEPT for a new session states epoch 2.',
    expectation: 'The client sends CLOSE(FRAME_MALFORMED).',
    run: async (context) => {
      const { peer } = await context.connecting();
      peer.sendAccept({ fields: { epoch: 2 } });
      await peer.expectViolation('FRAME_MALFORMED', { requirement: 'EST-021', probe: false });
    },
  },
  {
    id: 'ERR-002/client-reject',
    requirements: ['ERR-002'],
    title: 'REJECT ends the attempt',
    stimulus: 'The server answers CONNECT with REJECT and the undefined code 0x7777.',
    expectation: 'The client reports the refusal.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      peer.sendReject(0x7777);
      await client.expectEvent('rejected', 'ERR-002');
    },
  },
]);

import { buildFrame, buildRawFrame, greaseType } from '../../model/codec.ts';
import { effectiveError, errorNamed, registry } from '../../model/registry.ts';
import { assertEqual, ConformanceFailure, fail } from '../../peer/failure.ts';
import type { ServerListener, ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import { hex } from '../server/client-frames.ts';
import type { State } from './server-frames.ts';
import { inState } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;
type EarlyState = Exclude<State, 'established'>;

const EARLY: readonly EarlyState[] = ['awaiting-challenge', 'awaiting-accept'];
const WHEN: Readonly<Record<EarlyState, string>> = {
  'awaiting-challenge': 'in place of CHALLENGE',
  'awaiting-accept': 'in answer to CONNECT',
};

/** Demands that the client ends its direction in order without a frame, while the harness keeps its own open, and reports REJECT. */
async function expectTaken(
  peer: ServerPeer,
  client: ConnectionUnderTest,
  code: number,
  retryAfterMs: number,
  requirement: string,
): Promise<void> {
  const answer = await peer.nextOrEnd('the end of the stream, and no frame');
  if (typeof answer !== 'string') fail('no frame in answer to REJECT', answer.text, 'SES-028');
  if (answer === 'reset') fail('an orderly end of the stream', 'connection reset', 'EST-032');
  const event = await client.expectEvent('rejected', requirement);
  assertEqual('code', event.code, code, requirement);
  if (event.retryAfterMs !== undefined) assertEqual('retry_after_ms', event.retryAfterMs, retryAfterMs, 'EST-024');
}

const defined = registry.errors.filter((row) => row.in.includes('REJECT'));

/** Codes that no REJECT may carry, and why. */
const UNKNOWN: readonly { readonly code: number; readonly words: string }[] = [
  { code: 0x0000, words: 'NO_ERROR, which REJECT may not carry' },
  { code: errorNamed('CREDIT_EXCEEDED').code, words: 'CREDIT_EXCEEDED, which REJECT may not carry' },
  { code: errorNamed('LIVENESS_TIMEOUT').code, words: 'LIVENESS_TIMEOUT, which REJECT may not carry' },
  { code: errorNamed('APPLICATION_REFUSED').code, words: 'APPLICATION_REFUSED, which REJECT may not carry' },
  { code: 0x0001, words: '0x0001, which is not defined' },
  { code: 0x0207, words: '0x0207, which is not defined' },
  { code: 0x8205, words: '0x8205, which is not defined' },
  { code: 0xffff, words: '0xffff, which is not defined' },
];

const codeCases = [
  ...defined.map(({ code, name }) => ({ code, slug: name.toLowerCase().replaceAll('_', '-'), words: name })),
  ...UNKNOWN.map(({ code, words }) => ({ code, slug: `unknown-${hex(code, 4).slice(2)}`, words })),
].map(({ code, slug, words }): Case => ({
  id: `ERR-002/client-reject-${slug}`,
  requirements: ['ERR-002', 'ERR-003', 'EST-032'],
  title: `REJECT with ${words} ends the attempt`,
  stimulus: `The server answers CONNECT with REJECT and the code ${words}. It keeps its own direction open.`,
  expectation: `The client sends no frame, ends its direction in order, and reports the refusal${
    effectiveError('REJECT', code).code === code ? '' : ', which counts as AUTHENTICATION_FAILED'
  }.`,
  run: async (context) => {
    const { peer, client } = await context.connecting();
    peer.sendReject(code);
    await expectTaken(peer, client, code, 0, 'ERR-002');
  },
}));

const RETRIES = [0, 1, 1234, 0xffff_ffff] as const;

const retryCases = RETRIES.map((retryAfterMs): Case => ({
  id: `EST-024/reported-${retryAfterMs}`,
  requirements: ['EST-024', 'EST-032'],
  title: `retry_after_ms = ${retryAfterMs} is taken`,
  stimulus: `The server answers CONNECT with REJECT(BUSY) and retry_after_ms = ${retryAfterMs}.`,
  expectation: 'The client ends its direction and reports the refusal; where it reports the time, that one.',
  run: async (context) => {
    const { peer, client } = await context.connecting();
    peer.sendReject('BUSY', retryAfterMs);
    await expectTaken(peer, client, errorNamed('BUSY').code, retryAfterMs, 'EST-024');
  },
}));

const endCases = EARLY.map((state): Case => ({
  id: `EST-032/${state}`,
  requirements: ['EST-032', 'SES-028'],
  title: `REJECT ${WHEN[state]} makes the client end its direction`,
  stimulus: `REJECT(SHUTTING_DOWN) comes ${WHEN[state]}; the server keeps its own direction open and stays silent.`,
  expectation: 'The client ends its direction in order, without a frame, and reports the refusal.',
  run: async (context) => {
    const { peer, client } = await inState(context, state);
    peer.sendReject('SHUTTING_DOWN');
    await expectTaken(peer, client, errorNamed('SHUTTING_DOWN').code, 0, 'EST-032');
  },
}));

/** What a server that is wrong, or lies, may send behind REJECT. */
const BEHIND: readonly {
  readonly slug: string;
  readonly words: string;
  readonly frame: (peer: ServerPeer) => Uint8Array;
}[] = [
  { slug: 'ping', words: 'a PING', frame: () => buildFrame('PING') },
  { slug: 'challenge', words: 'a CHALLENGE', frame: () => buildFrame('CHALLENGE') },
  { slug: 'accept', words: 'a right ACCEPT', frame: (peer) => peer.buildAccept() },
  { slug: 'close', words: 'a CLOSE', frame: () => buildFrame('CLOSE', { flags: ['END_SESSION'] }) },
  {
    slug: 'reject',
    words: 'a second REJECT with another code',
    frame: () => buildFrame('REJECT', { fields: { code: errorNamed('INTERNAL_ERROR').code } }),
  },
  { slug: 'ignorable', words: 'an ignorable unknown frame', frame: () => buildRawFrame({ type: greaseType(0) }) },
  { slug: 'unknown', words: 'a frame of the undefined type 0x3f', frame: () => buildRawFrame({ type: 0x3f }) },
  {
    slug: 'too-large',
    words: 'a header that announces 65,535 octets',
    frame: () => buildRawFrame({ type: 0x10, length: 0xffff }),
  },
];

const behindCases = BEHIND.map(({ slug, words, frame }): Case => ({
  id: `SES-028/client-reject-then-${slug}`,
  requirements: ['SES-028', 'EST-032'],
  title: `${words} behind REJECT changes nothing`,
  stimulus: `REJECT(BUSY) and ${words} arrive in one TLS record, in answer to CONNECT.`,
  expectation: 'The client sends no frame, ends the connection, and reports the refusal with BUSY and nothing else.',
  run: async (context) => {
    const { peer, client } = await context.connecting();
    const reject = buildFrame('REJECT', { fields: { code: errorNamed('BUSY').code } });
    peer.sendOctets(Buffer.concat([reject, frame(peer)]), `REJECT(BUSY), and behind it ${words}`);
    await peer.expectNoFrame('SES-028');
    const event = await client.expectEvent('rejected', 'EST-032');
    assertEqual('code', event.code, errorNamed('BUSY').code, 'WIR-028');
    const [more] = client.pendingEvents;
    if (more !== undefined) fail('no event behind rejected', more.event, 'SES-028');
  },
}));

/** Errors found by the server, after which nobody but a person may try again. */
const NEVER = ['FRAME_MALFORMED', 'SIGNATURE_INVALID', 'PARAMETER_UNKNOWN'] as const;

/** How long a client that may not come back is watched for coming back, in milliseconds. */
const WATCHED_MS = 1500;

/** Fails if the client makes another connection within {@link WATCHED_MS}. */
async function requireNoAttempt(listener: ServerListener): Promise<void> {
  try {
    await listener.nextAttempt(WATCHED_MS);
  } catch (error) {
    if (error instanceof ConformanceFailure) return;
    throw error;
  }
  fail('no second connection', 'another one', 'ERR-006');
}

const neverCases = NEVER.map((code): Case => ({
  id: `ERR-006/${code.toLowerCase().replaceAll('_', '-')}`,
  requirements: ['ERR-006'],
  title: `the client does not come back after REJECT(${code})`,
  stimulus: `A client that attempts again by itself is answered with REJECT(${code}).`,
  expectation: `It makes no second connection within ${WATCHED_MS} ms.`,
  timing: true,
  estimateMs: WATCHED_MS,
  features: ['reconnect'],
  run: async (context) => {
    const { peer, client, listener } = await context.connecting({ request: { reconnect: true } });
    peer.sendReject(code);
    await client.expectEvent('rejected', 'ERR-006');
    await peer.expectNoFrame('EST-032');
    await requireNoAttempt(listener);
  },
}));

/** Section 4.6 and chapter 7, for a client: REJECT, its codes, and what follows from them. */
export const reject: readonly ClientCase[] = clientCases([
  ...endCases,
  ...codeCases,
  ...retryCases,
  ...behindCases,
  {
    id: 'EST-024/waits',
    requirements: ['EST-024', 'ERR-007'],
    title: 'the client waits as long as it was told',
    stimulus: 'A client that attempts again by itself is answered with REJECT(BUSY) and retry_after_ms = 600.',
    expectation: 'Its next connection comes 600 ms later, or after that.',
    timing: true,
    estimateMs: 2000,
    features: ['reconnect'],
    run: async (context) => {
      const { peer, listener } = await context.connecting({ request: { reconnect: true } });
      const startedAt = performance.now();
      peer.sendReject('BUSY', 600);
      await listener.nextAttempt(30_000);
      const waitedMs = Math.round(performance.now() - startedAt);
      // The client's clock began when REJECT arrived, a little later than ours.
      if (waitedMs < 600) fail('the next attempt after 600 ms', `after ${waitedMs} ms`, 'EST-024');
    },
  },
  ...neverCases,
  {
    id: 'ERR-006/own-error',
    requirements: ['ERR-006'],
    title: 'the client does not come back after an error that it found itself',
    stimulus: 'A client that attempts again by itself gets an ACCEPT whose signature is wrong.',
    expectation: `It sends CLOSE(SIGNATURE_INVALID) and makes no second connection within ${WATCHED_MS} ms.`,
    timing: true,
    estimateMs: WATCHED_MS,
    features: ['reconnect'],
    run: async (context) => {
      const { peer, listener } = await context.connecting({ request: { reconnect: true } });
      peer.sendAccept({ label: 'connect' });
      await peer.expectViolation('SIGNATURE_INVALID', { requirement: 'EST-022' });
      await requireNoAttempt(listener);
    },
  },
  {
    id: 'EST-025/reject-of-another-server',
    requirements: ['EST-025', 'EST-010', 'EST-009'],
    title: 'a REJECT does not make another server the right one',
    stimulus:
      'A server of the same authority with another identity answers with REJECT(BUSY) first of all; then the client is asked to connect to the right server.',
    expectation: 'The client sends no CONNECT to the first, and establishes a session with the second.',
    run: async (context) => {
      const { attempt } = await context.attempt({ as: 'servers/other-identity' });
      if (attempt.type === 'connected') {
        const { peer } = attempt;
        peer.sendReject('BUSY');
        const answer = await peer.nextOrEnd('the end of the connection');
        if (typeof answer !== 'string' && answer.name !== 'CLOSE') fail('no CONNECT', answer.text, 'EST-009');
      }
      const { peer, client } = await context.connected();
      await peer.establish();
      await client.expectEvent('established', 'EST-025');
    },
  },
  {
    id: 'EST-032/then-again',
    requirements: ['EST-032', 'EST-011'],
    title: 'a client that was rejected can be asked again',
    stimulus: 'The server answers with REJECT(BUSY); the client is asked to connect to it once more, and gets ACCEPT.',
    expectation: 'The session is established, and the nonce in the second CONNECT is another one.',
    run: async (context) => {
      const listener = await context.listen();
      const nonces: string[] = [];
      for (const answer of ['REJECT', 'ACCEPT']) {
        const client = await context.ask(listener);
        const peer = await listener.accept();
        peer.sendChallenge();
        const connect = await peer.expectConnect();
        nonces.push(Buffer.from(connect.bytes('client_nonce')).toString('hex'));
        if (answer === 'REJECT') peer.sendReject('BUSY');
        else peer.sendAccept();
        await client.expectEvent(answer === 'REJECT' ? 'rejected' : 'established', 'EST-032');
      }
      if (nonces[0] === nonces[1]) fail('two different nonces', 'the same one twice', 'EST-011');
    },
  },
]);

import { buildFrame } from '../../model/codec.ts';
import { errorNamed, frameNamed, frameRows } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerPeer } from '../../peer/server-peer.ts';
import type { ConnectionUnderTest } from '../../testee/connection-under-test.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import { A } from '../server/client-frames.ts';
import type { State } from './server-frames.ts';
import { expectClose, inState, STATE_WORDS } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;
type EarlyState = Exclude<State, 'established'>;

/** What a client may be asked to do too early, in words and as a request of the driver. */
const WISHES = [
  { slug: 'open', words: 'to open a channel' },
  { slug: 'send', words: 'to open a channel and to send a message on it' },
  { slug: 'reset', words: 'to open a channel and to reset it' },
] as const;

/** Asks for it; the client may refuse, or keep it until the session is there. */
async function wish(client: ConnectionUnderTest, slug: (typeof WISHES)[number]['slug']): Promise<void> {
  const connection = client.name;
  const response = await client.ask({ do: 'open', connection, application: 'test/echo' });
  const { channel } = response;
  if (channel === undefined || slug === 'open') return;
  if (slug === 'send') await client.ask({ do: 'send', connection, channel, message: 'aGVsbG8=' });
  else await client.ask({ do: 'close', connection, channel, reset: true });
}

/** Fails if anything has come in since `from` entries of the log. */
function requireSilence(peer: ServerPeer, from: number, what: string, requirement: string): void {
  const early = peer.log.entries.slice(from).find(({ direction }) => direction === 'received');
  if (early !== undefined) fail(what, early.text, requirement);
}

const wishCases = WISHES.flatMap(({ slug, words }): readonly Case[] => [
  {
    id: `EST-012/asked-to-${slug}`,
    requirements: ['EST-012'],
    title: `the client does not speak before CHALLENGE when asked ${words}`,
    stimulus: `Before CHALLENGE the client is asked ${words}; it may decline. Then it finishes a session with another server, and only then CHALLENGE comes.`,
    expectation: 'Nothing arrives before CHALLENGE; behind it comes CONNECT, and the session is established.',
    features: ['concurrent'],
    run: async (context) => {
      const { peer, client } = await context.connected();
      await wish(client, slug);
      await context.established();
      requireSilence(peer, 0, 'nothing before CHALLENGE', 'EST-012');
      await peer.establish();
      await client.expectEvent('established', 'EST-012');
    },
  },
  {
    id: `EST-013/asked-to-${slug}`,
    requirements: ['EST-013'],
    title: `the client sends nothing behind CONNECT when asked ${words}`,
    stimulus: `Between CONNECT and ACCEPT the client is asked ${words}; it may decline. Then it finishes a session with another server, and only then ACCEPT comes.`,
    expectation: 'Nothing arrives between CONNECT and ACCEPT; then the session is established.',
    features: ['concurrent'],
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const from = peer.log.entries.length;
      await wish(client, slug);
      await context.established();
      requireSilence(peer, from, 'nothing between CONNECT and ACCEPT', 'EST-013');
      peer.sendAccept();
      await client.expectEvent('established', 'EST-013');
    },
  },
]);

const STATE_OF: Readonly<Record<EarlyState, { readonly requirement: string; readonly welcome: readonly string[] }>> = {
  'awaiting-challenge': { requirement: 'EST-012', welcome: ['CHALLENGE', 'REJECT'] },
  'awaiting-accept': { requirement: 'EST-013', welcome: ['ACCEPT', 'REJECT'] },
};

/** A well-formed frame of each type, which the client's state does not allow. */
const tooEarlyCases = (['awaiting-challenge', 'awaiting-accept'] as const).flatMap((state) =>
  frameRows
    .filter(({ name }) => !STATE_OF[state].welcome.includes(name))
    .map((row): Case => ({
      id: `SES-001/client-${state}-${row.name.toLowerCase()}`,
      requirements: ['SES-001', STATE_OF[state].requirement, 'EST-027'],
      title: `${row.name} is refused in ${state}`,
      stimulus: `${STATE_WORDS[state]} ${A(row.name).replace(/^A/, 'a')} arrives, well-formed.`,
      expectation: 'The client sends CLOSE(FRAME_UNEXPECTED), no other frame, and reports a failure.',
      run: async (context) => {
        const { peer, client } = await inState(context, state);
        const onChannel = row.layer === 'channel' ? { channel: 1 } : {};
        const flags = row.name === 'CLOSE' ? { flags: ['END_SESSION'] } : {};
        const whole = row.name === 'MESSAGE' ? { flags: ['FIRST', 'LAST'] } : {};
        peer.sendFrame(buildFrame(row.name, { seq: row.sequenced ? 1 : 0, ...onChannel, ...flags, ...whole }));
        await expectClose(context, peer, 'FRAME_UNEXPECTED', 'SES-001', { exact: true, probe: false });
        await client.expectEvent('failed', 'SES-001');
      },
    })),
);

/** Section 4.4, for a client: what it sends, and takes, before the session is established. */
export const silenceBeforeAccept: readonly ClientCase[] = clientCases([
  ...wishCases,
  {
    id: 'EST-013/waits-for-accept',
    requirements: ['EST-013'],
    title: 'the client waits for ACCEPT in silence',
    stimulus: 'The server holds ACCEPT back until the client has finished a session with another server.',
    expectation: 'Nothing arrives between CONNECT and ACCEPT.',
    features: ['concurrent'],
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const from = peer.log.entries.length;
      await context.established();
      requireSilence(peer, from, 'nothing between CONNECT and ACCEPT', 'EST-013');
      peer.sendAccept();
      await client.expectEvent('established', 'EST-013');
    },
  },
  {
    id: 'EST-013/nothing-in-the-record-of-connect',
    requirements: ['EST-013'],
    title: 'CONNECT is the one frame of the client before ACCEPT',
    stimulus: 'CHALLENGE and, after CONNECT, REJECT are sent.',
    expectation: 'CONNECT is all that arrives until the client ends its direction.',
    run: async (context) => {
      const { peer } = await context.connecting();
      peer.sendReject('BUSY');
      await peer.expectNoFrame('EST-013');
    },
  },
  {
    id: 'EST-013/no-liveness-yet',
    requirements: ['EST-013', 'SES-019'],
    title: 'the promise of a sign of life begins with the session',
    stimulus: 'The client declares an interval of 200 ms in CONNECT; the server takes 700 ms to decide.',
    expectation: 'No PING arrives before ACCEPT; then the session is established.',
    timing: true,
    estimateMs: 800,
    features: ['parameters'],
    run: async (context) => {
      const { peer, client } = await context.connecting({ request: { parameters: { liveness_interval_ms: 200 } } });
      const from = peer.log.entries.length;
      await peer.arrival(700);
      requireSilence(peer, from, 'nothing between CONNECT and ACCEPT', 'EST-013');
      peer.sendAccept();
      await client.expectEvent('established', 'EST-013');
    },
  },
  {
    id: 'EST-013/server-is-not-judged-yet',
    requirements: ['EST-013', 'SES-022'],
    title: 'the server may be silent for longer than its interval before ACCEPT',
    stimulus: 'CHALLENGE promises an interval of 200 ms; the server takes 900 ms to decide.',
    expectation: 'Nothing arrives before ACCEPT; then the session is established.',
    timing: true,
    estimateMs: 1000,
    run: async (context) => {
      const parameters = [{ id: 'liveness_interval_ms', value: 200 }];
      const { peer, client } = await context.connecting({ parameters });
      const from = peer.log.entries.length;
      await peer.arrival(900);
      requireSilence(peer, from, 'nothing between CONNECT and ACCEPT', 'EST-013');
      peer.sendAccept();
      await client.expectEvent('established', 'EST-013');
      await peer.barrier('EST-013');
    },
  },
  ...(['awaiting-challenge', 'awaiting-accept'] as const).map((state): Case => ({
    id: `${STATE_OF[state].requirement}/asked-to-close`,
    requirements: [STATE_OF[state].requirement, 'EST-027'],
    title: `a client that gives up in ${state} sends CLOSE or nothing`,
    stimulus: `In ${state} the client is asked to close; it may decline. If it does, REJECT comes.`,
    expectation: 'CLOSE(NO_ERROR) arrives, with both cursors zero and END_SESSION set, or no frame at all.',
    run: async (context) => {
      const { peer, client } = await inState(context, state);
      const response = await client.ask({ do: 'close', connection: client.name });
      if (response.ok) {
        await expectClose(context, peer, 'NO_ERROR', STATE_OF[state].requirement, { exact: true });
        return;
      }
      peer.sendReject('BUSY');
      await peer.expectNoFrame(STATE_OF[state].requirement);
    },
  })),
  ...tooEarlyCases,
  {
    id: 'SES-001/client-channel-frames-before-accept',
    requirements: ['SES-001', 'EST-013'],
    title: 'a server that begins its session before ACCEPT is refused',
    stimulus: 'Between CONNECT and ACCEPT a whole exchange arrives in one TLS record: OPENED, a message and END.',
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED), nothing else, and reports a failure.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const opened = peer.build('OPENED', { channel: 1 });
      const fields = { fragment: context.bytes(5) };
      const message = peer.build('MESSAGE', { channel: 1, flags: ['FIRST', 'LAST'], fields });
      peer.sendTogether([opened, message, peer.build('END', { channel: 1 }), peer.buildAccept()]);
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'SES-001', { exact: true, probe: false });
      await client.expectEvent('failed', 'SES-001');
    },
  },
  {
    id: 'SES-001/client-accept-first',
    requirements: ['SES-001', 'EST-012', 'EST-022'],
    title: 'an ACCEPT of another session instead of CHALLENGE is refused',
    stimulus: 'A session is established; on the next connection its ACCEPT arrives instead of CHALLENGE.',
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED), no CONNECT, and reports a failure.',
    run: async (context) => {
      const first = await context.established();
      const { peer, client } = await context.connected();
      peer.sendFrame(first.peer.acceptFrame ?? new Uint8Array(0));
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'SES-001', { exact: true, probe: false });
      await client.expectEvent('failed', 'SES-001');
    },
  },
  {
    id: 'SES-001/client-two-challenges-in-one-record',
    requirements: ['SES-001', 'EST-013'],
    title: 'a second CHALLENGE is refused, and answered by no second CONNECT',
    stimulus: 'Two CHALLENGEs with different nonces arrive in one TLS record.',
    expectation: 'At most one CONNECT arrives, then CLOSE(FRAME_UNEXPECTED).',
    run: async (context) => {
      const { peer } = await context.connected();
      const frames = [0, 1].map(() => buildFrame('CHALLENGE', { fields: { server_nonce: context.bytes(32) } }));
      peer.sendTogether(frames);
      const first = await peer.next('CONNECT or CLOSE', '*', { requirement: 'SES-001' });
      const close = first.name === 'CONNECT' ? await peer.next('CLOSE', '*', { requirement: 'SES-001' }) : first;
      if (close.name !== 'CLOSE') fail('CLOSE(FRAME_UNEXPECTED)', close.text, 'SES-001');
      close.requireCode('FRAME_UNEXPECTED', 'SES-001');
      await peer.expectEnd('SES-014');
    },
  },
  {
    id: 'SES-001/client-close-with-code',
    requirements: ['SES-001', 'EST-027'],
    title: 'a server says with REJECT, not with CLOSE, that there is no session',
    stimulus: 'Instead of ACCEPT a CLOSE(SHUTTING_DOWN) arrives.',
    expectation: 'The client sends CLOSE(FRAME_UNEXPECTED), and reports a failure.',
    run: async (context) => {
      const { peer, client } = await context.connecting();
      const fields = { code: errorNamed('SHUTTING_DOWN').code };
      peer.sendFrame(buildFrame('CLOSE', { flags: frameNamed('CLOSE').flags.map(({ name }) => name), fields }));
      await expectClose(context, peer, 'FRAME_UNEXPECTED', 'SES-001', { exact: true, probe: false });
      await client.expectEvent('failed', 'SES-001');
    },
  },
]);

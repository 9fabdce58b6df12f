/** RLY-035: nothing of a client whose certificate was revoked passes on. */
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { Credential } from '../../peer/credential.ts';
import { fail } from '../../peer/failure.ts';
import type { ChannelEnd } from '../../peer/ends/channel-end.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { RelayContext } from '../relay-context.ts';
import { SOLO_APPLICATION } from '../relay-context.ts';
import { again, kept } from '../server/continuity/sessions.ts';
import { numbered, passesBothWays, requireReset, requireSame } from './passing.ts';

const HOUR_MS = 3_600_000;
const FEATURES = ['reload'];

const freshCredential = (context: RelayContext): Promise<Credential> =>
  context.issuance.credential('client', context.kit.index.clientIdentity, HOUR_MS);

/** Puts a certificate on the list, has the relay load it, and demands the end of the connection. */
async function revoke(context: RelayContext, credential: Credential, peer: ClientPeer): Promise<void> {
  await context.issuance.revoke(credential);
  await context.reload();
  const close = await peer.expectWhere('CLOSE(AUTHORITY_REVOKED)', ({ name }) => name === 'CLOSE', {
    requirement: 'SES-026',
  });
  close.requireCode('AUTHORITY_REVOKED', 'SES-026');
  peer.sendClose('NO_ERROR', close.has('END_SESSION') ? {} : { flags: [] });
  peer.socket.end();
}

/** Demands RESET(CANCELLED) at the application end, and no message before it. */
async function requireCancelled(end: ChannelEnd): Promise<void> {
  const frame = await end.next('RESET(CANCELLED)', '*', { requirement: 'RLY-035' });
  if (frame.name !== 'RESET') fail('no message', frame.text, 'RLY-035');
  frame.requireCode('CANCELLED', 'RLY-034');
}

/** RLY-035. */
export const revocation: readonly RelayCase[] = relayCases([
  {
    id: 'RLY-035/relay-session-ends',
    requirements: ['RLY-035', 'RLY-034', 'SES-026', 'RLY-036'],
    title: 'what waits of a client that was revoked is not passed on',
    stimulus:
      'A client sends five messages to an application end that grants nothing, in a session that ends with its connection. Its certificate is revoked. Then the application end grants credit.',
    expectation:
      'CLOSE(AUTHORITY_REVOKED) arrives at the client, RESET(CANCELLED) at the application end, and no message.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      await context.solo(async (solo) => {
        const credential = await freshCredential(context);
        const peer = await context.established({ credential });
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.accept({ messages: 0, octets: 0 });
        const end = await solo.forwarded();
        end.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel });
        for (const message of numbered(5)) peer.sendMessage(asked.channel, message);
        await peer.barrier();
        await revoke(context, credential, peer);
        await requireCancelled(end);
        await end.expectNothing('RLY-035');
      });
    },
  },
  {
    id: 'RLY-035/relay-detached',
    requirements: ['RLY-035', 'RLY-027', 'CNT-022'],
    title: 'what waits of a client that was revoked passes when it comes back with a certificate that holds',
    stimulus:
      'A client with a resumable session sends five messages to an application end that grants nothing. Its certificate is revoked; then the application end grants credit. Later the client attaches its session with another certificate of the same identity.',
    expectation:
      'Nothing arrives at the application end before the client is back; then the five messages do, once and in order.',
    features: FEATURES,
    estimateMs: 400,
    run: async (context) => {
      await context.solo(async (solo) => {
        const credential = await freshCredential(context);
        const peer = await kept(context, { credential });
        const asked = context.ask(peer, SOLO_APPLICATION);
        await solo.accept({ messages: 0, octets: 0 });
        const end = await solo.forwarded();
        end.sendOpened();
        await peer.expect('OPENED', { channel: asked.channel });
        for (const message of numbered(5)) peer.sendMessage(asked.channel, message);
        await peer.barrier();
        await revoke(context, credential, peer);
        end.grant(10, 1000);
        await end.trunk.barrier();
        await end.expectNothing('RLY-035');
        const next = await again(context, peer);
        await next.barrier();
        for (const message of numbered(5)) {
          requireSame('the message', await end.receive('RLY-027'), message, 'RLY-027');
        }
        await passesBothWays({ ...asked, peer: next, end }, 'RLY-035');
      });
    },
  },
  {
    id: 'RLY-035/relay-not-opened',
    requirements: ['RLY-035', 'RLY-034'],
    title: 'a request of a client that was revoked meanwhile does not come to be',
    stimulus:
      'A client opens a channel that the application end does not answer. Its certificate is revoked, and then the application end answers.',
    expectation: 'RESET(CANCELLED) arrives at the application end.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context);
      const peer = await context.established({ credential });
      const asked = context.ask(peer, 'test/revoked');
      const end = await context.endOf(asked);
      await revoke(context, credential, peer);
      await requireCancelled(end);
    },
  },
  {
    id: 'RLY-035/relay-tcp',
    requirements: ['RLY-035', 'RLY-023', 'RLY-036'],
    title: 'the connections of a client that was revoked are cut, and those of others are not',
    stimulus: 'Two clients have a channel to a TCP peer each; the certificate of one is revoked.',
    expectation: 'Its connection is cut; octets of the other client arrive.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context);
      const revoked = await context.dialled('relay/stream', { credential });
      const other = await context.dialled('relay/stream', { as: 'client-2' });
      await revoke(context, credential, revoked.peer);
      await revoked.end.expectCut('RLY-023');
      other.peer.sendMessage(other.channel, Buffer.from('still here'));
      await other.end.expectOctets(Buffer.from('still here'), 'RLY-036');
    },
  },
  {
    id: 'RLY-035/relay-far-clients',
    requirements: ['RLY-035', 'RLY-034', 'RLY-036'],
    title: 'a relay that was revoked takes all its clients with it',
    stimulus: 'A relay has channels for two far clients; its certificate is revoked.',
    expectation: 'RESET(CANCELLED) arrives at both application ends, and a channel of a client of its own goes on.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const credential = await context.issuance.credential('client', 'spiffe://hawser.test/relay-revoked', HOUR_MS);
      const relay = await context.established({ credential });
      const one = await context.passedOn(relay, undefined, { client: 'spiffe://hawser.test/one' });
      const two = await context.passedOn(relay, undefined, { client: 'spiffe://hawser.test/two' });
      const other = await context.led();
      await revoke(context, credential, relay);
      await requireCancelled(one.end);
      await requireCancelled(two.end);
      await passesBothWays(other, 'RLY-036');
    },
  },
  {
    id: 'SES-026/relay-trunk',
    requirements: ['SES-026', 'RLY-001', 'RLY-036'],
    title: 'a trunk to an application end that was revoked ends at once',
    stimulus:
      'The application end of a trunk has a fresh certificate, which is revoked while a client has a channel on it, and another one elsewhere.',
    expectation:
      'CLOSE(AUTHORITY_REVOKED) without END_SESSION arrives on the trunk; messages pass on the channel elsewhere.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const identity = context.kit.index.serverIdentity;
      const credential = await context.issuance.credential('server', identity, HOUR_MS);
      await context.solo(
        async (solo) => {
          const elsewhere = await context.ledOn(await kept(context));
          const asked = context.ask(elsewhere.peer, SOLO_APPLICATION);
          await solo.accept();
          const end = await solo.forwarded();
          end.sendOpened();
          await asked.peer.expect('OPENED', { channel: asked.channel });
          await context.issuance.revoke(credential);
          await context.reload();
          const { peer } = solo.trunk;
          await peer.expectDetached('AUTHORITY_REVOKED', 'SES-026');
          await passesBothWays(elsewhere, 'RLY-036');
        },
        { credential },
      );
    },
  },
  {
    id: 'RLY-035/relay-lost-for-good',
    requirements: ['RLY-035', 'TLS-024'],
    title: 'a client that was revoked does not come back with the same certificate',
    stimulus:
      'A client with a resumable session is revoked, and tries to attach its session with the same certificate.',
    expectation: 'It is not accepted, and nothing arrives at the application end.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context);
      const peer = await kept(context, { credential });
      const led = await context.ledOn(peer);
      await revoke(context, credential, peer);
      await context.expectNotAccepted({ credential }, 'TLS-024', (again_) => again_.sendResume(peer));
      await led.end.expectNothing('RLY-035');
      led.end.reset('APPLICATION_ERROR');
      const next = await again(context, peer);
      await requireReset({ peer: next, channel: led.channel }, 'APPLICATION_ERROR', 'RLY-032');
    },
  },
]);

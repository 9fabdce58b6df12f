import { equal } from '../../model/codec.ts';
import { limit, timer } from '../../model/registry.ts';
import { assertEqual, assertThat, fail } from '../../peer/failure.ts';
import { chainOf, requireSignedOpened } from '../../peer/proof.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import { again, kept, requireEcho } from './continuity/sessions.ts';
import { RELAY, relaying, requireRefused } from './forwarded.ts';
import type { AskOptions } from './proving.ts';
import { ask, FORWARDED_PROOF, forwardedProving, PROOF, proving, requireNotProved, requireOpened } from './proving.ts';

type NewCase = Omit<ServerCase, 'role'>;

/** How much later than its deadline a refusal may come: the way, and a busy machine. */
const LATE_MS = 3000;
/** How much earlier a refusal may not come: PROVE was on its way. */
const EARLY_MS = 1000;

/** Certificates with the identity of the client of the kit, and keys of each type. */
const KEYS = [
  { as: 'client', slug: 'p256', what: 'ECDSA on P-256', features: [] },
  { as: 'clients/p384', slug: 'p384', what: 'ECDSA on P-384', features: ['p384'] },
  { as: 'clients/ed25519', slug: 'ed25519', what: 'Ed25519', features: ['ed25519'] },
  { as: 'clients/rsa-2048', slug: 'rsa', what: 'RSA of 2048 bits', features: ['rsa'] },
  { as: 'clients/under-intermediate', slug: 'under-intermediate', what: 'an intermediate authority', features: [] },
  { as: 'clients/chain-of-eight', slug: 'chain-of-eight', what: 'six intermediate authorities', features: [] },
  { as: 'clients/both-purposes', slug: 'both-purposes', what: 'a certificate for both roles', features: [] },
];

const keyCases = KEYS.map(({ as, slug, what, features }): NewCase => ({
  id: `RLY-045/${slug}`,
  requirements: ['RLY-045', 'RLY-043', 'APP-001'],
  title: `a PROOF that holds opens the channel (${what})`,
  stimulus: `A client opens test/prove and answers PROVE with PROOF, with ${what}.`,
  expectation: 'OPENED arrives with an open_signature that verifies, and the application returns a message.',
  features: [...PROOF, ...features],
  run: async (context) => {
    await requireOpened(context, await proving(context, { as }));
  },
}));

/** OPENs whose every octet is signed. */
const OPENS: readonly { readonly slug: string; readonly what: string; readonly asked: () => AskOptions }[] = [
  { slug: 'data', what: 'application_data', asked: () => ({ data: Uint8Array.of(1, 2, 3) }) },
  {
    slug: 'much-data',
    what: '4,096 octets of application_data',
    asked: () => ({ data: new Uint8Array(4096).fill(7) }),
  },
  {
    slug: 'unknown-parameters',
    what: 'unknown parameters that may be ignored',
    asked: () => ({
      more: [
        { id: 0x8a0a, value: Uint8Array.of(1, 2, 3) },
        { id: 0xcaca, value: new Uint8Array(0) },
      ],
    }),
  },
  {
    slug: 'default-priority',
    what: 'a priority that is the default',
    asked: () => ({ more: [{ id: 'priority', value: 1 }] }),
  },
  {
    slug: 'no-outcomes',
    what: 'outcomes that are not wanted',
    asked: () => ({ more: [{ id: 'outcomes', value: 0 }] }),
  },
];

const openCases = OPENS.map(({ slug, what, asked }): NewCase => ({
  id: `RLY-045/open-with-${slug}`,
  requirements: ['RLY-045', 'RLY-043'],
  title: `signed is the payload of OPEN as it was received: ${what}`,
  stimulus: `A client opens test/prove with ${what} in OPEN, and answers PROVE with PROOF.`,
  expectation: 'OPENED arrives, with an open_signature that verifies over that OPEN.',
  features: PROOF,
  run: async (context) => {
    await requireOpened(context, await proving(context, asked()));
  },
}));

/** Section 13.7, for the application end in a server. */
export const proof: readonly ServerCase[] = serverCases([
  ...keyCases,
  ...openCases,
  {
    id: 'RLY-037/fresh-nonce',
    requirements: ['RLY-037'],
    title: 'the nonce of each PROVE is another one',
    stimulus: 'Clients open test/prove on five channels of one session and on one of another.',
    expectation: 'Six PROVEs arrive with six nonces, none of them of one octet repeated.',
    features: PROOF,
    run: async (context) => {
      const { peer, prove } = await proving(context);
      const proves = [prove, (await proving(context)).prove];
      for (let count = 0; count < 4; count += 1) proves.push((await ask(peer)).prove);
      const nonces = proves.map((frame) => Buffer.from(frame.bytes('nonce')).toString('hex'));
      assertEqual('different nonces:', new Set(nonces).size, nonces.length, 'RLY-037');
      const dull = nonces.find((nonce) => new Set(Buffer.from(nonce, 'hex')).size < 8);
      if (dull !== undefined) fail('a nonce that looks random', dull, 'RLY-037');
    },
  },
  {
    id: 'RLY-037/once',
    requirements: ['RLY-037', 'RLY-043'],
    title: 'PROVE comes once, and nothing follows it',
    stimulus: 'A client opens test/prove, and sends two PINGs.',
    expectation: 'One PROVE arrives, and nothing else on the channel.',
    features: PROOF,
    run: async (context) => {
      const { peer, channel } = await proving(context);
      for (const round of ['first', 'second']) {
        const more = (await peer.barrier('RLY-043')).find((frame) => frame.channel === channel);
        if (more !== undefined) fail(`nothing on the channel before the ${round} PONG`, more.text, 'RLY-043');
      }
    },
  },
  {
    id: 'RLY-037/no-second-one',
    requirements: ['RLY-037', 'RLY-044'],
    title: 'a PROOF that does not hold is not asked for again',
    stimulus: 'A client answers PROVE with a PROOF whose signature is wrong.',
    expectation: 'REFUSED(PROOF_INVALID) arrives, and nothing else on the channel.',
    features: PROOF,
    run: async (context) => {
      const met = await proving(context);
      await requireNotProved(met, { signature: (octets) => octets.map((octet, at) => (at === 5 ? octet ^ 1 : octet)) });
      const more = (await met.peer.barrier('RLY-037')).find((frame) => frame.channel === met.channel);
      if (more !== undefined) fail('nothing more on the channel', more.text, 'RLY-037');
    },
  },
  {
    id: 'APP-001/prove-says-who-asks',
    requirements: ['APP-001', 'RLY-037'],
    title: 'PROVE names no relay where OPEN has come, and has the chain of the server',
    stimulus: 'A client opens test/prove.',
    expectation: "PROVE arrives with an empty relay; the leaf of its chain is the server's certificate.",
    features: PROOF,
    run: async (context) => {
      const { prove, peer } = await proving(context);
      assertEqual('relay', prove.string('relay'), '', 'APP-001');
      assertThat(
        equal(chainOf(prove)[0].raw, peer.serverCertificate.raw),
        "the server's certificate",
        chainOf(prove)[0].subject,
        'APP-001',
      );
    },
  },
  {
    id: 'APP-001/prove-names-the-relay',
    requirements: ['APP-001', 'RLY-037'],
    title: 'PROVE names the relay from which FORWARD has come',
    stimulus: 'Two relays send FORWARD for test/prove.',
    expectation: 'Each gets a PROVE that names its own identity as the relay.',
    features: FORWARDED_PROOF,
    run: async (context) => {
      for (const as of [RELAY, 'clients/relay-2', 'clients/relay-dns']) {
        const peer = await relaying(context, { as });
        const channel = peer.sendForward('test/prove');
        const prove = await peer.expect('PROVE', { channel, requirement: 'APP-001' });
        assertEqual('relay', prove.string('relay'), context.kit.entry(as).identity, 'APP-001');
      }
    },
  },
  {
    id: 'RLY-043/for-the-client-of-forward',
    requirements: ['RLY-043', 'RLY-045'],
    title: "behind a relay it is the client's PROOF that counts",
    stimulus: 'A relay sends FORWARD for test/prove, and the PROOF of the client that it names.',
    expectation: 'OPENED arrives with an open_signature that verifies over the OPEN of the client.',
    features: FORWARDED_PROOF,
    run: async (context) => {
      const met = await forwardedProving(context, { data: context.bytes(10) });
      await requireOpened(context, met, { credential: context.kit.credential('client') });
    },
  },
  {
    id: 'RLY-044/relay-for-itself',
    requirements: ['RLY-044', 'RLY-043'],
    title: 'a relay cannot prove for its client',
    stimulus: 'A relay sends FORWARD for test/prove, and a PROOF of its own.',
    expectation: 'REFUSED(PROOF_INVALID) arrives, and the session goes on.',
    features: FORWARDED_PROOF,
    run: async (context) => {
      await requireNotProved(await forwardedProving(context), { credential: context.kit.credential(RELAY) });
    },
  },
  {
    id: 'RLY-044/relay-names-another-client',
    requirements: ['RLY-044', 'RLY-043'],
    title: 'a relay cannot pass off one client as another',
    stimulus:
      'A relay names the second client of the kit in FORWARD for test/prove, and the PROOF is that of the first.',
    expectation: 'REFUSED(PROOF_INVALID) arrives.',
    features: FORWARDED_PROOF,
    run: async (context) => {
      const client = context.kit.index.secondClientIdentity;
      await requireNotProved(await forwardedProving(context, { client }), {
        credential: context.kit.credential('client'),
      });
    },
  },
  {
    id: 'RLY-044/chain-of-the-client-key-of-the-relay',
    requirements: ['RLY-044', 'RLY-043'],
    title: "the client's chain is public, its key is not",
    stimulus:
      "A relay sends FORWARD for test/prove, and a PROOF with the client's chain that is signed with the relay's key.",
    expectation: 'REFUSED(PROOF_INVALID) arrives.',
    features: FORWARDED_PROOF,
    run: async (context) => {
      const { key } = context.kit.credential(RELAY);
      const credential = context.kit.credential('client');
      await requireNotProved(await forwardedProving(context), { credential, key });
    },
  },
  {
    id: 'RLY-044/other-identity',
    requirements: ['RLY-044', 'RLY-043'],
    title: 'a client cannot prove with the certificate of another one',
    stimulus:
      'A client opens test/prove and sends a PROOF that the second client of the kit has signed, with its chain.',
    expectation: 'REFUSED(PROOF_INVALID) arrives, and the session goes on.',
    features: PROOF,
    run: async (context) => {
      await requireNotProved(await proving(context), { credential: context.kit.credential('client-2') });
    },
  },
  {
    id: 'RLY-043/another-certificate',
    requirements: ['RLY-043', 'RLY-045'],
    title: 'it is the identity that counts, not the certificate of the connection',
    stimulus:
      'A client opens test/prove and sends a PROOF with another certificate, of the same identity, and its key.',
    expectation: 'OPENED arrives.',
    features: PROOF,
    run: async (context) => {
      const credential = context.kit.credential('clients/under-intermediate');
      await requireOpened(context, await proving(context), { credential });
    },
  },
  {
    id: 'RLY-044/proofs-swapped',
    requirements: ['RLY-044', 'RLY-043'],
    title: 'a PROOF holds on its own channel only',
    stimulus: 'A client opens test/prove twice and sends on each channel the PROOF that was made for the other.',
    expectation: 'REFUSED(PROOF_INVALID) arrives on both.',
    features: PROOF,
    run: async (context) => {
      const first = await proving(context);
      const second = await ask(first.peer);
      const { peer } = first;
      const [one, two] = [first, second].map(({ channel }) => peer.buildProof(channel));
      peer.send('PROOF', { channel: first.channel, rawPayload: two ?? new Uint8Array(0) });
      peer.send('PROOF', { channel: second.channel, rawPayload: one ?? new Uint8Array(0) });
      for (const { channel } of [first, second]) {
        const refused = await peer.expect('REFUSED', { channel, requirement: 'RLY-044' });
        refused.requireCode('PROOF_INVALID', 'RLY-044');
      }
    },
  },
  {
    id: 'RLY-043/side-by-side',
    requirements: ['RLY-043', 'RLY-045', 'CHN-032'],
    title: 'channels prove side by side',
    stimulus:
      'A client opens test/prove three times, and sends the PROOFs in the reverse order; that of the second channel is wrong.',
    expectation:
      'The first and the third are opened, and each OPENED is signed for its own channel; the second is refused.',
    features: PROOF,
    run: async (context) => {
      const first = await proving(context);
      const { peer } = first;
      const [second, third] = [await ask(peer), await ask(peer)];
      await requireOpened(context, third);
      await requireNotProved(second, { transcript: { open: new Uint8Array(43) } });
      await requireOpened(context, first);
    },
  },
  {
    id: 'RLY-044/replayed',
    requirements: ['RLY-044', 'RLY-037'],
    title: 'a PROOF cannot be used again',
    stimulus:
      'A client opens test/prove twice with the same OPEN, octet for octet, and sends the PROOF of the first channel on the second.',
    expectation: 'The first is opened, and REFUSED(PROOF_INVALID) arrives on the second.',
    features: PROOF,
    run: async (context) => {
      const first = await proving(context);
      const { peer } = first;
      const payload = peer.sendProof(first.channel).slice(16);
      await peer.expect('OPENED', { channel: first.channel, requirement: 'RLY-043' });
      const channel = peer.nextChannel++;
      peer.send('OPEN', { channel, rawPayload: peer.proofs.of(first.channel).open });
      await peer.expect('PROVE', { channel, requirement: 'APP-001' });
      peer.send('PROOF', { channel, rawPayload: payload });
      await requireRefused(peer, channel, 'PROOF_INVALID', 'RLY-044');
    },
  },
  ...[1, 4].map((relays): NewCase => ({
    id: `RLY-049/${relays === 1 ? 'second-relay' : 'many-relays'}`,
    requirements: ['RLY-049'],
    title: `proof spans one relay: ${relays} before the sender`,
    stimulus: `A relay sends FORWARD for test/prove, with ${relays === 1 ? 'a relay' : `${relays} relays`} in its route.`,
    expectation: 'REFUSED(PROOF_UNAVAILABLE) arrives, and no PROVE.',
    features: FORWARDED_PROOF,
    run: async (context) => {
      const peer = await relaying(context);
      const route = Array.from({ length: relays }, (_, at) => `spiffe://hawser.test/relay-${at}`);
      const channel = peer.sendForward('test/prove', { route });
      await requireRefused(peer, channel, 'PROOF_UNAVAILABLE', 'RLY-049');
    },
  })),
  {
    id: 'RLY-052/no-proof',
    requirements: ['RLY-052'],
    title: 'a client that does not prove is refused in time',
    stimulus: 'A client opens test/prove and never answers PROVE.',
    expectation: `REFUSED(PROOF_INVALID) arrives ${timer('proof_deadline_ms') / 1000} s after PROVE, and the session goes on.`,
    features: PROOF,
    timing: true,
    estimateMs: timer('proof_deadline_ms') + 500,
    run: async (context) => {
      const { peer, channel } = await proving(context);
      const began = performance.now();
      const withinMs = timer('proof_deadline_ms') + LATE_MS;
      const refused = await peer.expect('REFUSED', { channel, requirement: 'RLY-052', withinMs });
      refused.requireCode('PROOF_INVALID', 'RLY-052');
      const tookMs = performance.now() - began;
      const least = timer('proof_deadline_ms') - EARLY_MS;
      assertThat(tookMs >= least, `REFUSED after ${least} ms at least`, `after ${Math.round(tookMs)} ms`, 'RLY-052');
      const next = await ask(peer);
      await requireOpened(context, next);
    },
  },
  {
    id: 'RLY-052/late-proof',
    requirements: ['RLY-052', 'RLY-043'],
    title: 'there is time for a slow client',
    stimulus: 'A client opens test/prove and sends PROOF after half of the deadline.',
    expectation: 'OPENED arrives.',
    features: PROOF,
    timing: true,
    estimateMs: timer('proof_deadline_ms') / 2 + 500,
    run: async (context) => {
      const met = await proving(context);
      const end = performance.now() + timer('proof_deadline_ms') / 2;
      while (performance.now() < end) await met.peer.arrival(end - performance.now());
      await requireOpened(context, met);
    },
  },
  {
    id: 'CHN-009/proving',
    requirements: ['CHN-009'],
    title: 'a channel whose client has not proved is held',
    stimulus: 'The client opens test/prove as often as it was granted channels, answers none, and opens test/echo.',
    expectation: 'REFUSED(CHANNEL_LIMIT) arrives; when one of the channels was refused, there is room.',
    features: PROOF,
    run: async (context) => {
      const met = await proving(context);
      const { peer } = met;
      const granted = peer.serverParameter('max_channels');
      if (granted > limit('max_pending_opens')) return;
      for (let count = 1; count < granted; count += 1) await ask(peer);
      await requireRefused(peer, peer.sendOpen('test/echo'), 'CHANNEL_LIMIT', 'CHN-009');
      await requireNotProved(met, { transcript: { open: new Uint8Array(1) } });
      const channel = peer.sendOpen('test/echo');
      await peer.expect('OPENED', { channel, requirement: 'CHN-009' });
    },
  },
  {
    id: 'RLY-043/outcomes',
    requirements: ['RLY-043', 'CNT-039'],
    title: 'a channel that was proved has the outcomes that OPEN asked for',
    stimulus: 'A client opens test/prove with outcomes, proves, and sends a message.',
    expectation: 'The message comes back, and OUTCOME accepts it.',
    features: PROOF,
    run: async (context) => {
      const { peer, channel } = await proving(context, { more: [{ id: 'outcomes', value: 1 }] });
      peer.sendProof(channel);
      await peer.expect('OPENED', { channel, requirement: 'RLY-043' });
      peer.sendMessage(channel, context.bytes(4));
      const due = new Set(['MESSAGE', 'OUTCOME']);
      while (due.size > 0) {
        const what = [...due].join(' and ');
        const frame = await peer.expectWhere(what, (passed) => passed.channel === channel && due.has(passed.name), {
          requirement: 'CNT-039',
        });
        due.delete(frame.name);
      }
    },
  },
  {
    id: 'CNT-030/prove-again',
    requirements: ['CNT-030', 'RLY-037', 'RLY-043'],
    title: 'a PROVE that was lost comes again as it was',
    stimulus:
      'In a resumable session a client opens test/prove and loses the connection when PROVE has come, which it does not hold. It attaches the session again and proves.',
    expectation: 'The same PROVE arrives again, with the same nonce, and OPENED behind PROOF.',
    features: PROOF,
    run: async (context) => {
      const former = await kept(context, { acknowledge: false });
      const { channel, prove } = await ask(former);
      former.destroy();
      const peer = await again(context, former, { receiveCursor: 0n });
      const same = await peer.expect('PROVE', { channel, requirement: 'CNT-030' });
      assertThat(equal(same.octets, prove.octets), 'the same PROVE', same.text, 'CNT-030');
      await requireOpened(context, { peer, channel, prove });
    },
  },
  {
    id: 'RLY-043/proved-on-the-next-connection',
    requirements: ['RLY-043', 'RLY-045', 'CNT-013'],
    title: 'PROVE can be answered on another connection',
    stimulus:
      'In a resumable session a client opens test/prove, acknowledges PROVE, loses the connection, attaches the session again and sends PROOF.',
    expectation: 'PROVE does not come again, and OPENED arrives, signed.',
    features: PROOF,
    run: async (context) => {
      const former = await kept(context);
      const { channel, prove } = await ask(former);
      await former.barrier();
      former.destroy();
      const peer = await again(context, former);
      const more = (await peer.barrier('CNT-030')).find((frame) => frame.channel === channel);
      if (more !== undefined) fail('nothing on the channel', more.text, 'CNT-030');
      await requireOpened(context, { peer, channel, prove });
    },
  },
  {
    id: 'CNT-030/proof-lost',
    requirements: ['CNT-030', 'RLY-045'],
    title: 'a PROOF that was lost with its connection is taken when it comes again',
    stimulus:
      'In a resumable session the connection is cut inside PROOF; the client attaches the session again and sends it again.',
    expectation: 'OPENED arrives once, signed, and the application works.',
    features: PROOF,
    run: async (context) => {
      const former = await kept(context);
      const { channel, prove } = await ask(former);
      const frame = former.build('PROOF', { channel, rawPayload: former.buildProof(channel) });
      former.sendPartAndCut(frame, 40);
      const peer = await again(context, former);
      const opened = await peer.expect('OPENED', { channel, requirement: 'CNT-030' });
      requireSignedOpened(opened, chainOf(prove)[0], peer.proofs.of(channel));
      await requireEcho(peer, channel, context.bytes(5), 'CNT-030');
    },
  },
  {
    id: 'CNT-030/opened-again-signed',
    requirements: ['CNT-030', 'RLY-045'],
    title: 'an OPENED that is signed comes again as it was',
    stimulus:
      'In a resumable session a client proves, and loses the connection with OPENED. It attaches the session again.',
    expectation: 'The same OPENED arrives, octet for octet, and the application works.',
    features: PROOF,
    run: async (context) => {
      const former = await kept(context, { acknowledge: false });
      const met = await ask(former);
      former.sendProof(met.channel);
      const opened = await former.expect('OPENED', { channel: met.channel, requirement: 'RLY-043' });
      former.destroy();
      const peer = await again(context, former, { receiveCursor: opened.seq - 1n });
      const same = await peer.expect('OPENED', { channel: met.channel, requirement: 'CNT-030' });
      assertThat(equal(same.octets, opened.octets), 'the same OPENED', same.text, 'CNT-030');
      await requireEcho(peer, met.channel, context.bytes(5), 'CNT-030');
    },
  },
]);

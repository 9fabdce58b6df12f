import { X509Certificate } from 'node:crypto';
import { setTimeout as elapse } from 'node:timers/promises';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { Credential } from '../../peer/credential.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { again, keptOpen, requireCount, requireEcho } from './continuity/sessions.ts';

const HOUR_MS = 3_600_000;
/** Certificates tell time in whole seconds, and are valid up to the end of their last one; and room for both schedulers. */
const LATE_MS = 2000;

/** A certificate for the client's identity that did not exist before. */
const freshCredential = (context: ServerContext, lifetimeMs: number): Promise<Credential> =>
  context.issuance.credential('client', context.kit.index.clientIdentity, lifetimeMs);

/** Certificates begin and end with whole seconds: of this, the last three are certain. */
const SHORT_MS = 4000;

const expiryOf = (credential: Credential): number => Date.parse(new X509Certificate(credential.certificatePem).validTo);

/** Revokes a certificate that no session shows, and waits until the server has loaded the list: another one is on it too. */
async function revokeUnseen(context: ServerContext, credential: Credential): Promise<void> {
  const witness = await freshCredential(context, HOUR_MS);
  const peer = await context.established({ credential: witness });
  await context.issuance.revoke(credential);
  await context.issuance.revoke(witness);
  await context.reload();
  await context.dependency('a list that is loaded', () => peer.expectClosedWith('AUTHORITY_REVOKED', 'SES-026'));
}

/** Demands AUTHORITY_EXPIRED when the certificate is over. */
async function expectExpiry(peer: ClientPeer, credential: Credential): Promise<void> {
  const leftMs = expiryOf(credential) - Date.now();
  await peer.expectClosedWith('AUTHORITY_EXPIRED', 'SES-027', leftMs + LATE_MS);
}

/** Section 5.5, for a server. */
export const authority: readonly ServerCase[] = serverCases([
  {
    id: 'SES-026/revoked-in-session',
    requirements: ['SES-026', 'SES-025', 'SES-003'],
    title: 'a session ends at once when the certificate of its client is revoked',
    stimulus:
      'A client with a fresh certificate has a session and an open channel; its certificate is put on the revocation list, and the server loads the list again.',
    expectation: 'The server sends CLOSE(AUTHORITY_REVOKED); a session of another certificate goes on.',
    features: ['reload'],
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const other = await context.established();
      const { peer } = await context.opened('test/echo', { credential });
      await context.dependency('a PING', () => peer.barrier());
      await context.issuance.revoke(credential);
      await context.reload();
      await peer.expectClosedWith('AUTHORITY_REVOKED', 'SES-026');
      await other.barrier('SES-025');
    },
  },
  {
    id: 'SES-026/all-sessions-of-a-certificate',
    requirements: ['SES-026', 'SES-025'],
    title: 'all sessions of a revoked certificate end, whatever they are doing',
    stimulus:
      'Three sessions of one fresh certificate exist: one is idle, one inside a message, one with messages of test/source that wait for credit. The certificate is revoked, and the server loads the list again.',
    expectation: 'The server sends CLOSE(AUTHORITY_REVOKED) in all three.',
    features: ['reload'],
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const idle = await context.established({ credential });
      const inside = await context.opened('test/echo', { credential });
      inside.peer.send('MESSAGE', {
        channel: inside.channel,
        flags: ['FIRST'],
        fields: { fragment: context.bytes(10) },
      });
      const parameters = [{ id: 'initial_message_credit', value: 0 }];
      const data = Uint8Array.of(0, 0, 0, 9, 0, 0, 0, 9);
      const waiting = await context.opened('test/source', { credential, connect: { parameters }, data });
      await context.issuance.revoke(credential);
      await context.reload();
      for (const peer of [idle, inside.peer, waiting.peer]) {
        await peer.expectClosedWith('AUTHORITY_REVOKED', 'SES-026');
      }
    },
  },
  {
    id: 'SES-026/no-way-back',
    requirements: ['SES-026', 'TLS-024'],
    title: 'a client whose session was ended by revocation is not accepted again',
    stimulus: 'After CLOSE(AUTHORITY_REVOKED) the client connects again with the same certificate.',
    expectation: 'The TLS handshake fails, or the server answers with REJECT(AUTHENTICATION_FAILED).',
    features: ['reload'],
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const peer = await context.established({ credential });
      await context.issuance.revoke(credential);
      await context.reload();
      await peer.expectClosedWith('AUTHORITY_REVOKED', 'SES-026');
      await context.expectNotAccepted({ credential }, 'TLS-024');
    },
  },
  {
    id: 'SES-025/list-that-changes-nothing',
    requirements: ['SES-025'],
    title: 'a new revocation list ends no session of another certificate',
    stimulus:
      'Two certificates of one identity each have a session; the first is revoked, and the server loads the list again, twice.',
    expectation: 'The session of the second certificate goes on: it is the certificate that counts, not the identity.',
    features: ['reload'],
    estimateMs: 300,
    run: async (context) => {
      const credentials = [await freshCredential(context, HOUR_MS), await freshCredential(context, HOUR_MS)] as const;
      const [revoked, good] = [
        await context.established({ credential: credentials[0] }),
        await context.established({ credential: credentials[1] }),
      ];
      await context.issuance.revoke(credentials[0]);
      await context.reload();
      await revoked.expectClosedWith('AUTHORITY_REVOKED', 'SES-026');
      await context.reload();
      await good.barrier('SES-025');
      await good.close();
    },
  },
  {
    id: 'SES-026/session-that-is-kept',
    requirements: ['SES-026', 'CNT-014', 'CNT-021', 'CNT-030'],
    title: 'a revocation ends the connection of a session that is kept, and the next certificate of its owner finds it',
    stimulus:
      'In a resumable session a client with a fresh certificate sends messages to test/sink; its certificate is revoked, and the server loads the list again. Then the client attaches the session with another certificate for the same identity.',
    expectation:
      'CLOSE(AUTHORITY_REVOKED) without END_SESSION; the session is attached again, and test/sink counts the messages of both connections.',
    features: ['reload'],
    estimateMs: 400,
    run: async (context) => {
      const [revoked, next] = [await freshCredential(context, HOUR_MS), await freshCredential(context, HOUR_MS)];
      const { peer, channel } = await keptOpen(context, 'test/sink', { credential: revoked });
      for (let n = 0; n < 3; n += 1) peer.sendMessage(channel, context.bytes(10));
      await context.dependency('a PING', () => peer.barrier());
      await context.issuance.revoke(revoked);
      await context.reload();
      await peer.expectDetached('AUTHORITY_REVOKED', 'SES-026');
      const later = await again(context, peer, { connection: { credential: next } });
      later.sendMessage(channel, context.bytes(5));
      await requireCount(later, channel, 4, 35, 'CNT-030');
    },
  },
  {
    id: 'SES-026/revoked-while-detached',
    requirements: ['SES-026', 'TLS-024', 'CNT-021'],
    title: 'who was revoked while the session had no connection does not get it back, and its owner does',
    stimulus:
      'A resumable session loses its connection; then the certificate of its client is revoked, and the server loads the list again. The client asks to attach the session with the revoked certificate, and then with another one for the same identity.',
    expectation: 'The first attempt is not accepted, and the second one is.',
    features: ['reload'],
    estimateMs: 400,
    run: async (context) => {
      const [revoked, next] = [await freshCredential(context, HOUR_MS), await freshCredential(context, HOUR_MS)];
      const { peer, channel } = await keptOpen(context, 'test/echo', { credential: revoked });
      await peer.detach();
      await revokeUnseen(context, revoked);
      await context.expectNotAccepted({ credential: revoked }, 'TLS-024', (attempt) => attempt.sendResume(peer));
      const later = await again(context, peer, { connection: { credential: next } });
      await requireEcho(later, channel, context.bytes(12), 'CNT-021');
    },
  },
  {
    id: 'SES-026/moved-in-time',
    requirements: ['SES-026', 'SES-025'],
    title: 'a session that has moved to another certificate is not touched by the revocation of the former one',
    stimulus:
      'A client moves its resumable session to a connection with another certificate for the same identity; then the former certificate is revoked, and the server loads the list again.',
    expectation: 'The session goes on where it is.',
    features: ['reload'],
    estimateMs: 400,
    run: async (context) => {
      const [former, next] = [await freshCredential(context, HOUR_MS), await freshCredential(context, HOUR_MS)];
      const { peer, channel } = await keptOpen(context, 'test/echo', { credential: former });
      const later = await again(context, peer, { connection: { credential: next } });
      await revokeUnseen(context, former);
      await requireEcho(later, channel, context.bytes(12), 'SES-025');
    },
  },
  {
    id: 'SES-027/expires-in-session',
    requirements: ['SES-027', 'SES-025', 'SES-003'],
    title: 'a session ends when the certificate of its client expires',
    stimulus:
      'A client with a certificate that is valid for three more seconds establishes a session and opens a channel.',
    expectation: 'The server sends CLOSE(AUTHORITY_EXPIRED) when the certificate expires.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const credential = await freshCredential(context, SHORT_MS);
      const { peer } = await context.opened('test/echo', { credential });
      await expectExpiry(peer, credential);
    },
  },
  {
    id: 'SES-027/in-use',
    requirements: ['SES-027'],
    title: 'a session that is in use ends all the same',
    stimulus:
      'A client with a certificate that is valid for three more seconds sends a message to test/echo ten times a second.',
    expectation: 'The server sends CLOSE(AUTHORITY_EXPIRED) when the certificate expires.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const credential = await freshCredential(context, SHORT_MS);
      const { peer, channel } = await context.opened('test/echo', { credential });
      let sent = 0;
      const traffic = setInterval(() => {
        sent += 1;
        // Within the smallest initial credit, and only while there is somebody to read it.
        if (sent < 16 && peer.socket.writable) peer.sendMessage(channel, peer.random(4));
      }, 100);
      try {
        await expectExpiry(peer, credential);
      } finally {
        clearInterval(traffic);
      }
    },
  },
  {
    id: 'SES-027/only-its-own-sessions',
    requirements: ['SES-027', 'TLS-012'],
    title: 'the expiry of one certificate ends no other session, and lets nobody in again',
    stimulus:
      'Two certificates of one identity each have a session; one is valid for four seconds, the other for an hour. After the first has expired, its client connects again.',
    expectation: 'Only the session of the first is ended, and its client is not accepted any more.',
    timing: true,
    estimateMs: 6500,
    run: async (context) => {
      const long = await freshCredential(context, HOUR_MS);
      const other = await context.established({ credential: long });
      // Its time runs from here on: nothing else of the case comes before it is used.
      const short = await freshCredential(context, SHORT_MS);
      const peer = await context.established({ credential: short });
      await expectExpiry(peer, short);
      await other.barrier('SES-027');
      // Whole seconds, again: the certificate is certainly over one second later.
      await elapse(Math.max(0, expiryOf(short) + 1100 - Date.now()));
      await context.expectNotAccepted({ credential: short }, 'TLS-012');
    },
  },
]);

import { X509Certificate } from 'node:crypto';
import type { Credential } from '../../peer/credential.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { again, attach, comes, expectNotTaken, keptOpen, sendAndTake, small } from './continuity-sessions.ts';

/** New lists come with another request to connect. */
const FEATURES = ['reload', 'concurrent'];
const KEPT = [...FEATURES, 'resumption'];
const HOUR_MS = 3_600_000;
/** Certificates begin and end with whole seconds: of this, the last three are certain. */
const SHORT_MS = 4000;
/** Room for both schedulers, and for the rest of the last second. */
const LATE_MS = 2000;

/** A certificate for the server's identity that did not exist before. */
const freshCredential = (context: ClientContext, lifetimeMs: number): Promise<Credential> =>
  context.issuance.credential('server', context.kit.index.serverIdentity, lifetimeMs);

/** Puts a certificate on the list, and has the client load that. */
async function revoke(context: ClientContext, credential: Credential): Promise<void> {
  await context.issuance.revoke(credential);
  await context.dependency('a connection with the newer list', () => context.established());
}

/** Section 5.5, for a client. */
export const authority: readonly ClientCase[] = clientCases([
  {
    id: 'SES-026/client-revoked-in-session',
    requirements: ['SES-026', 'SES-025', 'SES-003'],
    title: 'a session ends at once when the certificate of its server is revoked',
    stimulus:
      'A server with a fresh certificate has a session with the client, and an open channel; its certificate is put on the revocation list, and the client is asked for another connection.',
    expectation: 'The client sends CLOSE(AUTHORITY_REVOKED); its session with another certificate goes on.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const other = await context.established();
      const { peer, client } = await context.opened('test/echo', { listen: { credential } });
      await context.dependency('a PING', () => peer.barrier());
      await revoke(context, credential);
      await peer.expectClosedWith('AUTHORITY_REVOKED', 'SES-026');
      await client.expectEvent('failed', 'SES-026');
      await other.peer.barrier('SES-025');
    },
  },
  {
    id: 'SES-025/client-list-that-changes-nothing',
    requirements: ['SES-025'],
    title: 'a new revocation list ends no session with another certificate',
    stimulus: 'A certificate of the same identity is revoked with which the client has no session, twice.',
    expectation: 'The session goes on.',
    features: FEATURES,
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const { peer } = await context.established({ listen: { credential } });
      for (let n = 0; n < 2; n += 1) await revoke(context, await freshCredential(context, HOUR_MS));
      await peer.barrier('SES-025');
    },
  },
  {
    id: 'SES-026/client-session-that-is-kept',
    requirements: ['SES-026', 'CNT-014'],
    title: 'a revocation ends the connection of a session that is kept, and not the session',
    stimulus:
      'The client has a resumable session with a server whose fresh certificate is put on the revocation list, and is asked for another connection.',
    expectation: 'The client sends CLOSE(AUTHORITY_REVOKED) without END_SESSION.',
    features: KEPT,
    estimateMs: 300,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const met = await keptOpen(context, 'test/sink', { listen: { credential } });
      await revoke(context, credential);
      await met.peer.expectDetached('AUTHORITY_REVOKED', 'SES-026');
    },
  },
  {
    id: 'CNT-065/client-another-certificate',
    requirements: ['CNT-065'],
    title: 'a session whose server was revoked is attached again when there are newer lists',
    stimulus:
      'The certificate of a server with which the client has a resumable session is revoked. The server gets another one, and then the client newer lists.',
    expectation: 'The client attaches the session to the server with the other certificate, and sends a message there.',
    level: 'SHOULD',
    features: KEPT,
    estimateMs: 400,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const met = await keptOpen(context, 'test/sink', { listen: { credential } });
      await revoke(context, credential);
      await met.peer.expectDetached('AUTHORITY_REVOKED', 'SES-026');
      await met.client.expectEvent('detached', 'CNT-065');
      met.listener.change({ credential: context.kit.credential('server') });
      await revoke(context, await freshCredential(context, HOUR_MS));
      await sendAndTake({ ...met, ...(await attach(await comes(context, met, 'CNT-065'))) }, small(1));
    },
  },
  {
    id: 'TLS-024/client-revoked-while-detached',
    requirements: ['TLS-024', 'SES-025'],
    title: 'a session is not attached to a server that was revoked while it had no connection',
    stimulus:
      'A resumable session is detached; then the certificate of its server is revoked, and the client is asked for another connection. Then it is asked to attach the session, and the server presents the certificate as before.',
    expectation:
      'The client sends no CONNECT: it ends the handshake, or sends CLOSE(AUTHENTICATION_FAILED). It attaches the session to the server with another certificate.',
    features: [...KEPT, 'rotation'],
    estimateMs: 400,
    run: async (context) => {
      const credential = await freshCredential(context, HOUR_MS);
      const met = await keptOpen(context, 'test/sink', { listen: { credential } });
      await met.client.detach();
      await met.peer.expectDetached('NO_ERROR', 'CNT-015');
      await met.client.expectEvent('detached', 'CNT-015');
      await revoke(context, credential);
      await met.client.rotate();
      await expectNotTaken(met, 'TLS-024');
      met.listener.change({ credential: context.kit.credential('server') });
      await met.client.rotate();
      await again(context, met);
    },
  },
  {
    id: 'SES-027/client-expires-in-session',
    requirements: ['SES-027', 'SES-025'],
    title: 'a session ends when the certificate of its server expires',
    stimulus: 'A server with a certificate that is valid for three more seconds accepts a session.',
    expectation: 'The client sends CLOSE(AUTHORITY_EXPIRED) when the certificate expires.',
    timing: true,
    estimateMs: 4500,
    run: async (context) => {
      const credential = await freshCredential(context, SHORT_MS);
      const { peer } = await context.established({ listen: { credential } });
      const expiresAt = Date.parse(new X509Certificate(credential.certificatePem).validTo);
      await peer.expectClosedWith('AUTHORITY_EXPIRED', 'SES-027', expiresAt - Date.now() + LATE_MS);
    },
  },
]);

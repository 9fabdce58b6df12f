import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Client, Target } from '../../node/index.ts';
import {
  RecordingLog,
  type RunningServer,
  clientOf,
  connectClient,
  expectEcho,
  startServer,
} from './support/endpoints.ts';
import { happens } from './support/waiting.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit, issue, toCredential } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('new revocation lists', () => {
  it('cut a live client that they revoke at once, and leave the others alone [SES-025] [SES-026]', async () => {
    const { server, port } = await startServer(kit);
    const issued = await kit.authority.issue({ role: 'client', uris: ['spiffe://hawser.test/fired'] });
    const fired = await connectClient(kit, port, { credential: await toCredential(issued) });
    const other = await connectClient(kit, port);
    const channel = await fired.open('test/hold');
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    await server.reload({ crls });
    expect(await fired.closed).toMatchObject({ outcome: 'error', code: 'AUTHORITY_REVOKED', remote: true });
    expect(await channel.closed).toMatchObject({ type: 'session-ended' });
    await expectEcho(other);
    expect(server.sessions.map(({ peerIdentity }) => peerIdentity)).toEqual([CLIENT_IDENTITY]);
    await expect(connectClient(kit, port, { credential: await toCredential(issued) })).rejects.toMatchObject({
      code: 'HAWSER_ERR_REMOTE_AUTHENTICATION_FAILED',
    });
  });

  /** A server whose certificate can be revoked, a client, and the list that does it. */
  async function revocable(): Promise<
    RunningServer & { client: Client; target: Target; log: RecordingLog; crls: Uint8Array[] }
  > {
    const issued = await kit.authority.issue({ role: 'server', uris: [SERVER_IDENTITY] });
    const { port, server } = await startServer(kit, { credential: await toCredential(issued) });
    const log = new RecordingLog();
    const target = { host: '127.0.0.1', port, audience: SERVER_IDENTITY };
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    return { server, port, client: clientOf(kit, { log }), target, log, crls };
  }

  it('reach a live session of a client too', async () => {
    const { server, client, target, crls } = await revocable();
    const session = await client.connect(target);
    const [atServer] = server.sessions;
    await client.reload(kit.trust);
    await expectEcho(session);
    await client.reload({ crls });
    expect(await session.closed).toMatchObject({ code: 'AUTHORITY_REVOKED', remote: false });
    expect(await atServer?.closed).toMatchObject({ code: 'AUTHORITY_REVOKED', remote: true });
    await expect(client.connect(target)).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_TLS' });
  });

  it('reach a session of a client that comes about meanwhile', async () => {
    const { client, target, crls } = await revocable();
    const connecting = client.connect(target);
    await client.reload({ crls });
    expect(await (await connecting).closed).toMatchObject({ code: 'AUTHORITY_REVOKED', remote: false });
  });

  it('keep a session that lives on from the server that they revoke, until that has another certificate [TLS-024]', async () => {
    const { server, client, target, log, crls } = await revocable();
    const session = await client.connect({ ...target, continuity: { retentionMs: 60_000, reconnectBoundMs: 1 } });
    onTestFinished(() => session.close().then(() => undefined));
    const [attached, detached] = [happens(session, 'attached'), happens(session, 'detached')];
    await client.reload({ crls });
    expect(await detached).toMatchObject([{ code: 'AUTHORITY_REVOKED', remote: false }]);
    await client.reload({ crls });
    expect((await log.line('waits for another certificate')).fields).toMatchObject({
      err: { code: 'HAWSER_ERR_TRANSPORT_TLS' },
    });
    expect(session.state).toBe('detached');
    await server.reload({ credential: kit.server });
    await client.reload({ crls });
    await attached;
    await expectEcho(session);
    expect(session.evidence().serverChain[0]).toEqual(kit.server.chainDer[0]);
  });
});

describe('a client', () => {
  it('shows its new certificate on every further connection, of sessions that exist too', async () => {
    const { server, port } = await startServer(kit);
    const client = clientOf(kit);
    const target = { host: '127.0.0.1', port, audience: SERVER_IDENTITY, continuity: { retentionMs: 60_000 } };
    const session = await client.connect(target);
    onTestFinished(() => session.close().then(() => undefined));
    const renewed = await issue(kit.authority, { role: 'client', uris: [CLIENT_IDENTITY], keyAlgorithm: 'ed25519' });
    await client.reload({ credential: renewed });
    expect(session.evidence().clientChain[0]).toEqual(kit.client.chainDer[0]);
    await session.rotate();
    expect(session.evidence().clientChain[0]).toEqual(renewed.chainDer[0]);
    expect(server.sessions[0]?.evidence().clientChain[0]).toEqual(renewed.chainDer[0]);
    await expectEcho(session);
  });

  it('keeps what it has when the new can not be used', async () => {
    const { port } = await startServer(kit);
    const client = clientOf(kit);
    await expect(client.reload({ credential: kit.server })).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_CERTIFICATE_PROFILE',
    });
    const past = new Date(Date.now() - 60_000);
    const expired = (await kit.authority.crl({ thisUpdate: past, nextUpdate: past })).der;
    await expect(client.reload({ crls: [expired] })).rejects.toMatchObject({ code: 'HAWSER_ERR_CONFIG_CRL_UNUSABLE' });
    const session = await client.connect({ host: '127.0.0.1', port, audience: SERVER_IDENTITY });
    await expectEcho(session);
    await session.close();
  });
});

describe('reload', () => {
  it('puts a new certificate in force for new connections, and keeps live sessions', async () => {
    const { server, port } = await startServer(kit);
    const before = await connectClient(kit, port);
    const renewed = await issue(kit.authority, { role: 'server', uris: [SERVER_IDENTITY], keyAlgorithm: 'ed25519' });
    await server.reload({ credential: renewed });
    const after = await connectClient(kit, port);
    await expectEcho(before);
    await expectEcho(after);
    expect(after.evidence().serverChain[0]).toEqual(renewed.chainDer[0]);
    expect(before.evidence().serverChain[0]).toEqual(kit.server.chainDer[0]);
  });

  it('leaves everything as it was when the new credential can not be used', async () => {
    const { server, port } = await startServer(kit);
    const live = await connectClient(kit, port);
    const other = await issue(kit.authority, { role: 'server', uris: [SERVER_IDENTITY] });
    await expect(server.reload({ credential: { ...kit.server, keyPem: other.keyPem } })).rejects.toMatchObject({
      code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
    });
    await expect(server.reload({ credential: kit.client })).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_CERTIFICATE_PROFILE',
    });
    const past = new Date(Date.now() - 60_000);
    const expired = (await kit.authority.crl({ thisUpdate: past, nextUpdate: past })).der;
    await expect(server.reload({ crls: [expired] })).rejects.toMatchObject({ code: 'HAWSER_ERR_CONFIG_CRL_UNUSABLE' });
    await expectEcho(live);
    const session = await connectClient(kit, port);
    await expectEcho(session);
    expect(session.evidence().serverChain[0]).toEqual(kit.server.chainDer[0]);
  });
});

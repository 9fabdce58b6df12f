import { beforeAll, describe, expect, it } from 'vitest';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
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

  it('reach a live session of a client too', async () => {
    const issued = await kit.authority.issue({ role: 'server', uris: [SERVER_IDENTITY] });
    const { port, server } = await startServer(kit, { credential: await toCredential(issued) });
    const session = await connectClient(kit, port);
    const [atServer] = server.sessions;
    await session.updateTrust(kit.trust);
    await expectEcho(session);
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    await session.updateTrust({ ...kit.trust, crls });
    expect(await session.closed).toMatchObject({ code: 'AUTHORITY_REVOKED', remote: false });
    expect(await atServer?.closed).toMatchObject({ code: 'AUTHORITY_REVOKED', remote: true });
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

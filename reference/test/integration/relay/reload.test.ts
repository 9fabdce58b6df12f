import { beforeAll, describe, expect, it } from 'vitest';
import type { HawserRoute, Session } from '../../../node/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from '../support/endpoints.ts';
import { type Kit, RELAY_IDENTITY, SERVER_IDENTITY, createKit, issue, toCredential } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { happens, until } from '../support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const relayed: Parameters<typeof startServer>[1] = {
  policy: {
    acceptsClient: () => true,
    acceptsRelay: (identity) => identity === RELAY_IDENTITY,
    allowsApplication: () => true,
  },
};

function connectTo(port: number): Promise<Session> {
  return connectClient(kit, port, { audience: RELAY_IDENTITY });
}

function routeTo(port: number, application = '*'): HawserRoute {
  return { application, kind: 'hawser', host: '127.0.0.1', port, audience: SERVER_IDENTITY };
}

describe('the reload of a relay', () => {
  it('has its trunks show the new certificate from their next connection on', async () => {
    const server = await startServer(kit, relayed);
    const proxy = await CutProxy.start(server.port);
    const { relay, port } = await startRelay(kit, proxy.port);
    const session = await connectTo(port);
    await expectEcho(session);
    const [trunk] = server.server.sessions;
    if (trunk === undefined) throw new Error('no trunk');
    const renewed = await issue(kit.authority, { role: 'both', uris: [RELAY_IDENTITY], keyAlgorithm: 'ed25519' });
    await relay.reload({ credential: renewed });
    expect(trunk.evidence().clientChain[0]).toEqual(kit.relay.chainDer[0]);
    const attached = happens(trunk, 'attached');
    proxy.cut();
    await attached;
    await expectEcho(session);
    expect(trunk.evidence().clientChain[0]).toEqual(renewed.chainDer[0]);
    expect(server.server.sessions).toHaveLength(1);
  });

  it('lets a trunk have no connection to an application end that was revoked, and keeps its channels [TLS-024] [CNT-065]', async () => {
    const issued = await kit.authority.issue({ role: 'server', uris: [SERVER_IDENTITY] });
    const server = await startServer(kit, { ...relayed, credential: await toCredential(issued) });
    const { relay, port, log } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    const channel = await session.open('test/echo');
    const answers = channel[Symbol.asyncIterator]();
    const [trunk] = server.server.sessions;
    if (trunk === undefined) throw new Error('no trunk');
    const [detached, attached] = [happens(trunk, 'detached'), happens(trunk, 'attached')];
    const crls = [(await kit.authority.crl({ number: 2, revoked: [{ serial: issued.serial }] })).der];
    await relay.reload({ crls });
    await detached;
    await channel.send(Buffer.from('kept'));
    await relay.reload({ crls });
    await log.line('waits for another certificate');
    expect(trunk.state).toBe('detached');
    await server.server.reload({ credential: kit.server });
    await relay.reload({ crls });
    await attached;
    const { value } = await answers.next();
    expect(Buffer.from(value ?? []).toString()).toBe('kept');
    expect(trunk.evidence().serverChain[0]).toEqual(kit.server.chainDer[0]);
  });

  it('leaves a trunk to which no route leads any more when its last channel is over', async () => {
    const [former, next] = [await startServer(kit, relayed), await startServer(kit, relayed)];
    const { relay, port } = await startRelay(kit, former.port);
    const session = await connectTo(port);
    const channel = await session.open('test/echo');
    const answers = channel[Symbol.asyncIterator]();
    const [trunk] = former.server.sessions;
    if (trunk === undefined) throw new Error('no trunk');
    await relay.reload({ routes: [routeTo(next.port)] });
    await expectEcho(session);
    expect(next.server.sessions).toHaveLength(1);
    await channel.send(Buffer.from('goes on'));
    expect(Buffer.from((await answers.next()).value ?? []).toString()).toBe('goes on');
    expect(trunk.state).toBe('attached');
    channel.end();
    expect(await trunk.closed).toMatchObject({ outcome: 'orderly', code: 'NO_ERROR' });
    await until(() => former.server.sessions.length === 0);
    await expectEcho(session);
  });

  it('leaves one that is idle at once, and makes another one when a route leads there again', async () => {
    const server = await startServer(kit, relayed);
    const { relay, port } = await startRelay(kit, server.port);
    const session = await connectTo(port);
    await expectEcho(session);
    const [trunk] = server.server.sessions;
    await relay.reload({ routes: [] });
    expect(await trunk?.closed).toMatchObject({ outcome: 'orderly' });
    await expect(session.open('test/echo')).rejects.toMatchObject({ wireName: 'APPLICATION_REFUSED' });
    await relay.reload({ routes: [routeTo(server.port)] });
    await expectEcho(session);
    expect(server.server.sessions[0]?.id).not.toBe(trunk?.id);
  });

  it('changes nothing when lists for the application ends can not be used', async () => {
    const server = await startServer(kit, relayed);
    const { relay, port } = await startRelay(kit, server.port);
    const past = new Date(Date.now() - 60_000);
    const expired = (await kit.authority.crl({ thisUpdate: past, nextUpdate: past })).der;
    const trust = { trustAnchors: kit.trust.trustAnchors, crls: [expired] };
    await expect(relay.reload({ routes: [{ ...routeTo(server.port), trust }] })).rejects.toMatchObject({
      code: 'HAWSER_ERR_CONFIG_CRL_UNUSABLE',
    });
    await expectEcho(await connectTo(port));
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeConfig } from '../../../../cli/relay/config.ts';
import { routesOf } from '../../../../cli/relay/routes.ts';
import { testRoutes } from '../../../../cli/relay/test-mode.ts';
import { createCertificateAuthority, encodePem } from '../../../../pki/index.ts';

let folder: string;
let caFile: string;
let caPem: string;
let caDer: Uint8Array;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hawser-relay-'));
  caFile = join(folder, 'ca.pem');
  caDer = (await createCertificateAuthority({ commonName: 'Application ends' })).certificateDer;
  caPem = encodePem('CERTIFICATE', caDer);
  writeFileSync(caFile, caPem);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the routes of a configuration', () => {
  it('lead to TCP, TLS and Hawser application ends', async () => {
    const ca = [caFile];
    const routes = await routesOf({
      routes: [
        { application: 'a', to: 'tcp://10.0.0.1:1', framing: 'stream' },
        { application: 'b/*', to: 'tcp://[::1]:2', framing: 'line', proxy: true },
        { application: 'c', to: 'tls://host.example:3', framing: 'length16', ca },
        { application: 'd', to: 'tls://10.0.0.1:4', framing: 'length32', ca, server_name: 'host.example', proxy: true },
        { application: 'e', to: 'hawser://host.example:5', audience: 'spiffe://x' },
        { application: 'f', to: 'hawser://host.example:6', audience: 'spiffe://y', ca },
      ],
    });
    expect(routes).toEqual([
      { kind: 'tcp', application: 'a', host: '10.0.0.1', port: 1, framing: 'stream', proxy: false },
      { kind: 'tcp', application: 'b/*', host: '::1', port: 2, framing: 'line', proxy: true },
      {
        ...{ kind: 'tls', application: 'c', host: 'host.example', port: 3, framing: 'length16', proxy: false },
        ...{ serverName: 'host.example', ca: [caPem] },
      },
      {
        ...{ kind: 'tls', application: 'd', host: '10.0.0.1', port: 4, framing: 'length32', proxy: true },
        ...{ serverName: 'host.example', ca: [caPem] },
      },
      { kind: 'hawser', application: 'e', host: 'host.example', port: 5, audience: 'spiffe://x' },
      {
        ...{ kind: 'hawser', application: 'f', host: 'host.example', port: 6, audience: 'spiffe://y' },
        trust: { trustAnchors: [new Uint8Array(caDer)], crls: [] },
      },
    ]);
  });

  it.each([
    [{ to: 'tcp://host:0' }, 'routes[0].to has to be HOST:PORT with a port of 1 to 65535, not "host:0".'],
    [{ to: 'tcp://host:70000' }, 'routes[0].to has to be HOST:PORT'],
    [{ to: 'tls://host:1', ca: ['none.pem'] }, 'routes[0].ca none.pem can not be read: there is no such file.'],
  ])('name what can not be used: %#', async (route, message) => {
    await expect(routesOf({ routes: [{ application: 'a', framing: 'line', ...route }] })).rejects.toThrow(message);
  });

  it('are in test mode those of annex A [APP-012]', async () => {
    const end = { address: { host: '127.0.0.1', port: 7500 }, audience: 'spiffe://hawser.test/server' };
    const routes = testRoutes(end, [caFile]);
    expect(completeConfig('--test-mode', { routes, policy: [] }).routes).toEqual(routes);
    const loaded = await routesOf({ routes });
    expect(loaded).toContainEqual({
      ...{ kind: 'hawser', application: 'solo/*', host: '127.0.0.1', port: 7503 },
      audience: 'spiffe://hawser.test/server',
    });
    expect(loaded).toContainEqual({
      ...{ kind: 'tls', application: 'relay/tls-proxy', host: '127.0.0.1', port: 7502, framing: 'stream', proxy: true },
      ...{ serverName: 'localhost', ca: [caPem] },
    });
    expect(loaded).toContainEqual({
      ...{ kind: 'tcp', application: 'relay/unreachable', host: '127.0.0.1', port: 7504, framing: 'stream' },
      proxy: false,
    });
  });

  it('can be at an address of version 6 in test mode', () => {
    const [route] = testRoutes({ address: { host: '::1', port: 1 }, audience: 'spiffe://x' }, []);
    expect(route?.to).toBe('hawser://[::1]:1');
  });
});

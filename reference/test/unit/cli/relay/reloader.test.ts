import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Reloader } from '../../../../cli/relay/reloader.ts';
import { fileSource } from '../../../../cli/relay/source.ts';
import { silentLog } from '../../../../node/index.ts';
import type { RelayReloadOptions } from '../../../../node/relay/relay.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../../../pki/index.ts';

const RELAY = 'spiffe://bank.example/relay';
const CLIENT = 'spiffe://bank.example/branch-1';
const ROUTE = { application: 'payments', to: 'tcp://10.0.0.1:9000', framing: 'length16' };
const LEDGER = { application: 'ledger', to: 'hawser://10.0.0.2:7443', audience: 'spiffe://bank.example/ledger' };

let folder: string;
let authority: CertificateAuthority;
const path = (name: string): string => join(folder, name);

async function issueCredential(): Promise<void> {
  const { chainPem, privateKeyPem } = await authority.issue({ role: 'both', uris: [RELAY] });
  writeFileSync(path('relay.pem'), chainPem);
  writeFileSync(path('relay.key'), privateKeyPem);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hawser-relay-'));
  authority = await createCertificateAuthority({ commonName: 'Reload' });
  writeFileSync(path('ca.pem'), authority.certificatePem);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(issueCredential);

function write(change: object = {}): void {
  const files = { cert: path('relay.pem'), key: path('relay.key'), ca: [path('ca.pem')] };
  const policy = [{ identity: CLIENT, applications: ['payments'] }];
  writeFileSync(path('relay.yaml'), stringify({ ...files, routes: [ROUTE], policy, ...change }));
}

/** A reloader of a relay that notes what it gets, with the errors that were logged. */
function begin(refusal?: Error): {
  readonly reloader: Reloader;
  readonly taken: RelayReloadOptions[];
  readonly errors: unknown[];
} {
  write();
  const taken: RelayReloadOptions[] = [];
  const errors: unknown[] = [];
  const relay = {
    reload: (options: RelayReloadOptions): Promise<void> => {
      if (refusal !== undefined) return Promise.reject(refusal);
      taken.push(options);
      return Promise.resolve();
    },
  };
  const log = { ...silentLog, error: (fields: object) => void errors.push((fields as { err: unknown }).err) };
  const source = fileSource(path('relay.yaml'), {});
  return { reloader: new Reloader(source, source.read(), relay, log), taken, errors };
}

describe('the reload of a relay', () => {
  it('puts routes, policy, certificate and trust in force together', async () => {
    const { reloader, taken, errors } = begin();
    write({
      routes: [ROUTE, LEDGER],
      policy: [{ identity: CLIENT, applications: ['ledger'] }],
      relays: ['spiffe://x'],
    });
    await issueCredential();
    await reloader.reload();
    expect(errors).toEqual([]);
    const [{ routes, policy, credential, trustAnchors, crls } = {}] = taken;
    expect(routes?.map(({ application }) => application)).toEqual(['payments', 'ledger']);
    expect(policy?.allowsApplication(CLIENT, 'payments')).toBe(false);
    expect(policy?.allowsApplication(CLIENT, 'ledger')).toBe(true);
    expect(policy?.acceptsRelay('spiffe://x')).toBe(true);
    expect(credential).toBeDefined();
    expect([trustAnchors?.length, crls]).toEqual([1, []]);
  });

  it.each([
    ['an unknown key', 'HAWSER_ERR_CONFIG_UNKNOWN_KEY', () => write({ root: [] })],
    ['no YAML', 'HAWSER_ERR_CONFIG_YAML', () => writeFileSync(path('relay.yaml'), 'a: [')],
    [
      'a policy that refers to nothing',
      'HAWSER_ERR_CONFIG_POLICY_WITHOUT_ROUTE',
      () => write({ policy: [{ identity: CLIENT, applications: ['ledger'] }] }),
    ],
    [
      'a route back to the relay',
      'HAWSER_ERR_CONFIG_ROUTE_LOOP',
      () => write({ routes: [ROUTE, { ...LEDGER, audience: RELAY }] }),
    ],
    ['a missing file', 'HAWSER_ERR_CONFIG_USAGE', () => write({ ca: [path('none.pem')] })],
    ['a bad key', 'HAWSER_ERR_CONFIG_KEY_NOT_PEM', () => writeFileSync(path('relay.key'), 'nonsense')],
    [
      'a trust anchor of a route that is none',
      'HAWSER_ERR_CONFIG_CERTIFICATE_NOT_PEM',
      () => write({ routes: [ROUTE, { ...LEDGER, ca: [path('relay.key')] }] }),
    ],
    ['another address', 'HAWSER_ERR_CONFIG_NEEDS_RESTART', () => write({ listen: '127.0.0.1:1' })],
    ['another limit', 'HAWSER_ERR_CONFIG_NEEDS_RESTART', () => write({ limits: { max_hops: 1 } })],
    ['a value that was not there', 'HAWSER_ERR_CONFIG_NEEDS_RESTART', () => write({ liveness_interval: 1000 })],
  ])('changes nothing for %s: %s', async (_what, code, change) => {
    const { reloader, taken, errors } = begin();
    change();
    await reloader.reload();
    expect(taken).toEqual([]);
    expect(errors).toEqual([expect.objectContaining({ code })]);
    await issueCredential();
    write();
    await reloader.reload();
    expect(taken).toHaveLength(1);
  });

  it('keeps what is in force when the relay can not use the new one', async () => {
    const refusal = new Error('no use');
    const { reloader, errors } = begin(refusal);
    await reloader.reload();
    expect(errors).toEqual([refusal]);
  });

  it('waits for the one before', async () => {
    write();
    const source = fileSource(path('relay.yaml'), {});
    const finish: (() => void)[] = [];
    const relay = { reload: () => new Promise<void>((resolve) => finish.push(resolve)) };
    const reloader = new Reloader(source, source.read(), relay, silentLog);
    const both = [reloader.reload(), reloader.reload()];
    for (const reload of both) {
      while (finish.length === 0) await turn();
      expect(finish).toHaveLength(1);
      finish.pop()?.();
      await reload;
    }
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { checkCycle } from '../../../../cli/relay/config-references.ts';
import { type RelaySettings, completeConfig, readConfig } from '../../../../cli/relay/config.ts';
import { ConfigError } from '../../../../core/index.ts';

const TCP = { application: 'payments', to: 'tcp://10.0.0.1:9000', framing: 'length16' };
const TLS = { application: 'reports/*', to: 'tls://host.example:9443', framing: 'line', ca: ['host-ca.pem'] };
const HAWSER = { application: 'ledger', to: 'hawser://[::1]:7443', audience: 'spiffe://bank.example/ledger' };
const CLIENT = 'spiffe://bank.example/branch-1';
const ALLOWED = { identity: CLIENT, applications: ['payments', 'reports/daily'] };
const VALID = { routes: [TCP, TLS, HAWSER], policy: [ALLOWED] };

/** A file with this content, which is removed after the test. */
function file(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-relay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'relay.yaml');
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

function refusalOf(content: object): ConfigError {
  try {
    completeConfig('relay.yaml', content);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('The configuration was taken.');
}

describe('the configuration of a relay', () => {
  it('has defaults for everything but routes and policy', () => {
    expect(completeConfig('relay.yaml', VALID)).toEqual({
      ...VALID,
      listen: '127.0.0.1:7443',
      store: 'memory',
      retention: 300_000,
      connection_deadline: 0,
      trunk: { store: 'memory', retention: 300_000 },
      limits: {
        max_connections: 10_000,
        connect_timeout: 5000,
        max_hops: 4,
        breaker: { failures: 5, open_for: 5000 },
        retry: { attempts: 3, first_bound: 100 },
      },
      drain_deadline: 10_000,
      log_level: 'info',
      relays: [],
    });
  });

  it('is that of the guide for integrators', () => {
    const guide = readFileSync(new URL('../../../../../docs/integrators.md', import.meta.url), 'utf8');
    const [, example = ''] = /```yaml\n(# relay\.yaml\n[^`]*)```/.exec(guide) ?? [];
    expect(readConfig(file(example)).routes.map(({ application }) => application)).toEqual([
      'payments',
      'database',
      'ledger/*',
      'ledger-tunnel',
    ]);
  });

  it('is read from a file, above which options stand', () => {
    const settings: Partial<RelaySettings> = { listen: '127.0.0.1:0' };
    const config = readConfig(file({ ...VALID, listen: '0.0.0.0:1', drain_deadline: 7 }), settings);
    expect(config).toMatchObject({ listen: '127.0.0.1:0', drain_deadline: 7, routes: VALID.routes });
  });

  it.each([
    ['a: [', /relay\.yaml is not YAML: /],
    ['routes: []\nroutes: []', /relay\.yaml is not YAML: .*unique/],
    ['- a list', /relay\.yaml has to be a mapping/],
    ['', /relay\.yaml has to be a mapping/],
  ])('is refused where the file is no mapping: %j', (text, message) => {
    expect(() => readConfig(file(text))).toThrow(message);
  });

  it('is refused where there is no file', () => {
    expect(() => readConfig('none.yaml')).toThrow('--config none.yaml can not be read: there is no such file.');
  });

  it.each([
    [{ ...VALID, rutes: [] }, 'rutes', /^relay\.yaml: there is no key "rutes"\. Allowed: listen, cert, /],
    [
      { ...VALID, routes: [{ ...TCP, server: 'x' }] },
      'routes[0].server',
      /^relay\.yaml: in routes\[0\] there is no key "server"\. Allowed: application, to, framing, /,
    ],
    [
      { ...VALID, limits: { breaker: { tries: 1 } } },
      'limits.breaker.tries',
      'relay.yaml: in limits.breaker there is no key "tries". Allowed: failures, open_for.',
    ],
    [
      { ...VALID, limits: { retry: { bound: 1 } } },
      'limits.retry.bound',
      'relay.yaml: in limits.retry there is no key "bound". Allowed: attempts, first_bound.',
    ],
  ])('refuses an unknown key and says which are known: %#', (content, key, message) => {
    const refusal = refusalOf(content);
    expect(refusal).toMatchObject({ code: 'HAWSER_ERR_CONFIG_UNKNOWN_KEY', key });
    expect(refusal.message).toMatch(message);
  });

  it.each([
    [{ policy: [] }, 'routes'],
    [{ routes: [TCP] }, 'policy'],
    [{ ...VALID, routes: [{ to: TCP.to, framing: 'line' }] }, 'routes[0].application'],
    [{ ...VALID, routes: [{ application: 'a', to: TCP.to }] }, 'routes[0].framing'],
    [{ ...VALID, routes: [TCP, { ...TLS, framing: undefined }] }, 'routes[1].framing'],
    [{ ...VALID, routes: [{ ...TLS, ca: undefined }] }, 'routes[0].ca'],
    [{ ...VALID, routes: [{ ...HAWSER, audience: undefined }] }, 'routes[0].audience'],
    [{ ...VALID, routes: [{ ...HAWSER, crl: ['crl.pem'] }] }, 'routes[0].ca'],
    [{ ...VALID, policy: [{ identity: CLIENT }] }, 'policy[0].applications'],
  ])('refuses what lacks a key: %#', (content, key) => {
    const refusal = refusalOf(JSON.parse(JSON.stringify(content)) as object);
    expect(refusal).toMatchObject({ code: 'HAWSER_ERR_CONFIG_MISSING_KEY', key });
    expect(refusal.message).toMatch(`relay.yaml: ${key} is missing. Allowed: `);
  });

  it.each([
    [{ ...HAWSER, framing: 'line' }, 'framing'],
    [{ ...HAWSER, proxy: true }, 'proxy'],
    [{ ...HAWSER, server_name: 'ledger' }, 'server_name'],
    [{ ...TCP, audience: 'spiffe://x' }, 'audience'],
    [{ ...TLS, audience: 'spiffe://x' }, 'audience'],
    [{ ...TLS, crl: ['crl.pem'] }, 'crl'],
    [{ ...TCP, ca: ['ca.pem'] }, 'ca'],
    [{ ...TCP, server_name: 'host' }, 'server_name'],
  ])('refuses a key that a route of this kind does not have: %#', (route, key) => {
    const refusal = refusalOf({ ...VALID, routes: [route] });
    expect(refusal).toMatchObject({ code: 'HAWSER_ERR_CONFIG_KEY_MISPLACED', key: `routes[0].${key}` });
    expect(refusal.message).toMatch(/ not with (tcp|hawser|tls):\/\/| not without it, and not with/);
  });

  it.each([
    [
      { ...VALID, routes: [{ ...TCP, framing: 'length8' }] },
      'relay.yaml: routes[0].framing is "length8". Allowed: with tcp:// and tls:// one of stream, length16, length32 and line; not with hawser://.',
    ],
    [
      { ...VALID, routes: [{ ...TCP, to: 'udp://host:1' }] },
      'relay.yaml: routes[0].to is "udp://host:1". Allowed: tcp://HOST:PORT, tls://HOST:PORT or hawser://HOST:PORT.',
    ],
    [{ ...VALID, routes: [{ ...TCP, to: 'tcp://:1' }] }, /routes\[0\]\.to is "tcp:\/\/:1"/],
    [{ ...VALID, routes: [{ ...TCP, application: 'a*b' }] }, /application is "a\*b".* a \* only at its end/],
    [{ ...VALID, policy: [{ ...ALLOWED, applications: ['*a'] }] }, /^relay\.yaml: policy\[0\]\.applications\[0\] is/],
    [{ ...VALID, policy: [{ ...ALLOWED, identity: 'two words' }] }, /policy\[0\]\.identity is "two words"/],
    [{ ...VALID, relays: [''] }, /^relay\.yaml: relays\[0\] is ""\. Allowed: an identity/],
    [{ ...VALID, limits: { connect_timeout: 0 } }, /limits\.connect_timeout is 0\. Allowed: a whole number from 1/],
    [{ ...VALID, limits: { retry: { attempts: 0 } } }, /retry\.attempts is 0\. Allowed: a whole number from 1 to 10/],
    [{ ...VALID, trunk: { store: 'redis://host' } }, /trunk\.store is "redis:\/\/host"\. Allowed: memory, or a folder/],
    [{ ...VALID, routes: [] }, /routes is \[\]\. Allowed: a list of at least one route/],
    [{ ...VALID, listen: 7443 }, /listen is 7443\. Allowed: HOST:PORT/],
    [{ ...VALID, ca: 'x'.repeat(200) }, /^relay\.yaml: ca is "x{99}\.\.\.\. Allowed: a list of files/],
  ])('refuses a value and says what is allowed: %#', (content, message) => {
    const refusal = refusalOf(content);
    expect(refusal.code).toBe('HAWSER_ERR_CONFIG_VALUE');
    expect(refusal.message).toMatch(message);
  });

  it.each([
    ['payments', true],
    ['reports/*', true],
    ['reports/daily', true],
    ['reports/daily/*', true],
    ['rep*', true],
    ['*', true],
    ['payment', false],
    ['payments/*', false],
    ['reports', false],
  ])('knows whether a policy for %s refers to something', (application, refers) => {
    const policy = [{ identity: CLIENT, applications: ['payments', application] }];
    const take = (): unknown => completeConfig('relay.yaml', { ...VALID, routes: [TCP, TLS], policy });
    if (refers) expect(take).not.toThrow();
    else {
      expect(refusalOf({ ...VALID, routes: [TCP, TLS], policy })).toMatchObject({
        code: 'HAWSER_ERR_CONFIG_POLICY_WITHOUT_ROUTE',
        key: 'policy[0].applications[1]',
        message: expect.stringContaining('a policy that refers to nothing') as string,
      });
    }
  });

  it.each([
    [{ routes: [TCP, TLS, { ...TCP, framing: 'line' }] }, 'HAWSER_ERR_CONFIG_ROUTE_TWICE', 'routes[2].application'],
    [{ policy: [ALLOWED, ALLOWED] }, 'HAWSER_ERR_CONFIG_POLICY_TWICE', 'policy[1].identity'],
    [
      { routes: [TCP, TLS, HAWSER, { ...HAWSER, application: 'other', ca: ['other.pem'] }] },
      'HAWSER_ERR_CONFIG_ROUTE_TRUST',
      'routes',
    ],
    [
      {
        routes: [TCP, TLS, HAWSER, { ...HAWSER, application: 'other', to: 'hawser://elsewhere.example:7443' }],
        trunk: { store: 'trunks' },
      },
      'HAWSER_ERR_CONFIG_ROUTE_AUDIENCE',
      'routes',
    ],
    [{ store: 'sessions' }, 'HAWSER_ERR_CONFIG_TRUNK_STORE', 'trunk.store'],
    [{ store: 'both', trunk: { store: 'both' } }, 'HAWSER_ERR_CONFIG_TRUNK_STORE', 'trunk.store'],
  ])('refuses parts that do not fit together: %#', (change, code, key) => {
    expect(refusalOf({ ...VALID, ...change })).toMatchObject({ code, key });
  });

  it('needs no store for trunks where there are none', () => {
    expect(() => completeConfig('relay.yaml', { ...VALID, routes: [TCP, TLS], store: 'sessions' })).not.toThrow();
  });

  it('refuses a route that leads back to the relay [RLY-011]', () => {
    const config = completeConfig('relay.yaml', VALID);
    expect(() => checkCycle('relay.yaml', config, 'spiffe://bank.example/relay')).not.toThrow();
    expect(() => checkCycle('relay.yaml', config, HAWSER.audience)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_CONFIG_ROUTE_LOOP', key: 'routes[2].audience' }) as Error,
    );
  });
});

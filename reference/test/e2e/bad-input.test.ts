import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CLIENT_IDENTITY, type PkiFiles, issueArguments, makePki, run } from './support/cli.ts';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makePki(mkdtempSync(join(tmpdir(), 'hawser-e2e-')));
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

/** One line that says what is wrong, no result, no stack trace. */
async function expectUsageError(args: readonly string[], message: RegExp, options = {}): Promise<void> {
  const { status, stdout, stderr } = await run(args, options);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/^hawser: /);
  expect(stderr).not.toMatch(/ at .*:\d+:\d+/);
  expect([status, stdout]).toEqual([2, '']);
}

const ECHO = ['--application', 'test/echo'];

/** The options, with one file replaced. */
function replaced(options: readonly string[], name: string, file: string): string[] {
  return options.map((value, index) => (options[index - 1] === name ? file : value));
}

function without(options: readonly string[], name: string): string[] {
  return options.filter((value, index) => value !== name && options[index - 1] !== name);
}

describe('bad input is told in one line and exits with 2:', () => {
  it('an unknown flag', async () => {
    await expectUsageError(['serve', '--bogus'], /unknown option '--bogus'.*hawser serve --help/);
    await expectUsageError(
      ['connect', '127.0.0.1:1', '--audience', 'a', ...ECHO, '--bogus'],
      /unknown option '--bogus'/,
    );
    await expectUsageError(['--bogus'], /unknown option/);
  });

  it('an unknown command', () => expectUsageError(['bogus'], /unknown command 'bogus'/));

  it('a missing certificate or key', async () => {
    await expectUsageError(['serve', ...without(pki.server, '--cert')], /certificate is missing: give --cert FILE/);
    await expectUsageError(['serve', ...without(pki.server, '--key')], /key is missing: give it with --key FILE/);
    await expectUsageError(['serve', ...without(pki.server, '--ca')], /give them with --ca FILE/);
  });

  it('a key that can not be read', async () => {
    const missing = pki.file('none.key');
    await expectUsageError(
      ['serve', ...replaced(pki.server, '--key', missing)],
      /--key .*none\.key can not be read: there is no such file/,
    );
    await expectUsageError(['serve', ...replaced(pki.server, '--key', pki.folder)], /it is a directory/);
  });

  it('a file with something else in it, by option and name', async () => {
    const junk = pki.file('junk');
    writeFileSync(junk, 'junk');
    for (const [option, message] of [
      ['--cert', /--cert \S+junk holds no PEM certificate/],
      ['--key', /--key \S+junk holds no PEM private key/],
      ['--ca', /--ca \S+junk holds no PEM certificate/],
      ['--crl', /--crl \S+junk holds no certificate revocation list/],
    ] as const) {
      await expectUsageError(['serve', ...replaced(pki.server, option, junk)], message);
    }
    const pfx = without(without(pki.server, '--cert'), '--key');
    await expectUsageError(['serve', ...pfx, '--pfx', junk], /--pfx \S+junk: The file is not PKCS #12/);
    await expectUsageError(['pki', 'show', junk], /junk holds no PEM certificate/);
  });

  it('a file that is damaged, by option and name', async () => {
    for (const [option, label, message] of [
      ['--cert', 'CERTIFICATE', /--cert \S+damaged holds a block that does not decode as an X\.509 certificate/],
      ['--key', 'PRIVATE KEY', /--key \S+damaged: The private key does not decode/],
      ['--ca', 'CERTIFICATE', /--ca \S+damaged holds a block that does not decode as an X\.509 certificate/],
      ['--crl', 'X509 CRL', /--crl \S+damaged holds a block that does not decode as a certificate revocation list/],
    ] as const) {
      const damaged = pki.file('damaged');
      writeFileSync(damaged, `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`);
      await expectUsageError(['serve', ...replaced(pki.server, option, damaged)], message);
    }
  });

  it('a file of a client, by option and name', () =>
    expectUsageError(
      ['connect', '127.0.0.1:1', ...replaced(pki.client, '--key', pki.file('server.key')), ...ECHO],
      /--key \S+server\.key, --cert \S+client\.pem: .* does not belong to/,
    ));

  it('an authority whose files do not belong together', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hawser-e2e-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(pki.folder, folder, { recursive: true });
    const issue = issueArguments(folder, 'client', CLIENT_IDENTITY, join(folder, 'new'));
    cpSync(pki.file('client.key'), join(folder, 'ca.key'));
    await expectUsageError(issue, /--ca \S+ca\.key: The private key is not the one of the first certificate/);
    writeFileSync(join(folder, 'ca.pem'), 'junk');
    await expectUsageError(issue, /--ca \S+ca\.pem holds no PEM certificate/);
  });

  it('a variable of the environment that is no setting', async () => {
    const env = { HAWSER_LISTN: '127.0.0.1:0' };
    await expectUsageError(['serve', ...pki.server], /HAWSER_LISTN is no setting\. Did you mean HAWSER_LISTEN\?/, {
      env,
    });
    await expectUsageError(['pki', 'show', pki.file('ca.pem')], /HAWSER_LISTN is no setting/, { env });
    const help = await run(['serve', '--help'], { env });
    expect([help.status, help.stderr]).toEqual([0, '']);
  });

  it.runIf(existsSync('/proc/self'))('a folder that can not be made, at once', async () => {
    await expectUsageError(
      ['serve', '--store', '/proc/hawser/store', ...pki.server],
      /\/proc\/hawser\/store can not be opened/,
    );
    await expectUsageError(['serve', '--evidence-dir', '/proc/hawser', ...pki.server], /no folder can be made there/);
    await expectUsageError(['pki', 'init', '--out', '/proc/hawser/pki'], /no folder can be made there/);
  });

  it('a store under a file', () =>
    expectUsageError(
      ['serve', '--store', pki.file('ca.pem/store'), ...pki.server],
      /part of the path is not a directory/,
    ));

  it('an encrypted key without its passphrase, or with a wrong one', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const encrypted = pki.file('encrypted.key');
    writeFileSync(
      encrypted,
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' }),
    );
    const options = replaced(pki.server, '--key', encrypted);
    await expectUsageError(['serve', ...options], /--key \S+encrypted\.key is encrypted: give --passphrase-file FILE/);
    const passphrase = pki.file('passphrase');
    writeFileSync(passphrase, 'wrong\n');
    await expectUsageError(
      ['serve', ...options, '--passphrase-file', passphrase],
      /--key \S+encrypted\.key, --passphrase-file \S+passphrase: .*passphrase is wrong/,
    );
  });

  it('a certificate and a key that do not match', () =>
    expectUsageError(
      ['serve', ...replaced(pki.server, '--key', pki.file('client.key'))],
      /--key \S+client\.key, --cert \S+server\.pem: .* does not belong to/,
    ));

  it('a chain in the wrong order', async () => {
    const wrong = pki.file('wrong-order.pem');
    writeFileSync(wrong, readFileSync(pki.file('ca.pem'), 'utf8') + readFileSync(pki.file('server.pem'), 'utf8'));
    await expectUsageError(['serve', ...replaced(pki.server, '--cert', wrong)], /put that leaf certificate first/);
  });

  it('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    await expectUsageError(
      ['serve', '--log-level', 'silent', '--listen', `127.0.0.1:${port}`, ...pki.server],
      /the port is in use/,
    );
  });

  it('a server that can not be reached', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    other.close();
    await once(other, 'close');
    await expectUsageError(['connect', `127.0.0.1:${port}`, ...pki.client, ...ECHO], /ECONNREFUSED.*Check the address/);
  });

  it('an address that is none', async () => {
    await expectUsageError(['serve', '--listen', 'here', ...pki.server], /--listen has to be HOST:PORT/);
    await expectUsageError(['connect', 'localhost', ...pki.client, ...ECHO], /has to be HOST:PORT/);
    await expectUsageError(['connect', '127.0.0.1:99999', ...pki.client, ...ECHO], /has to be HOST:PORT/);
  });

  it('an option value out of its range', async () => {
    await expectUsageError(['serve', '--drain-deadline', 'soon', ...pki.server], /whole number/);
    await expectUsageError(['serve', '--allow', 'nobody', ...pki.server], /IDENTITY=APPLICATION/);
    await expectUsageError(['serve', '--application', 'a=b', ...pki.server], /NAME=KIND/);
    await expectUsageError(
      ['serve', '--test-mode', '--liveness-interval', '5000', ...pki.server],
      /livenessIntervalMs has to be at most 2000 in test mode/,
    );
    await expectUsageError(['serve', ...pki.server], /true or false, not "yes"/, { env: { HAWSER_TEST_MODE: 'yes' } });
  });

  it('a certificate that no peer would accept', async () => {
    const ca = pki.file('ca.pem');
    const trust = ['--ca', ca];
    await expectUsageError(
      ['serve', '--cert', ca, '--key', pki.file('ca.key'), ...trust],
      /--cert \S+ca\.pem: .*not usable as a server: The leaf certificate is a CA certificate/,
    );
    await expectUsageError(
      ['serve', '--cert', pki.file('client.pem'), '--key', pki.file('client.key'), ...trust],
      /--cert \S+client\.pem: .*does not carry the extended key usage serverAuth/,
    );
  });

  it('a folder for evidence that is a file', () =>
    expectUsageError(['serve', '--evidence-dir', pki.file('ca.pem'), ...pki.server], /no folder to write to/));

  it('a file that is no evidence record, or no frames', async () => {
    await expectUsageError(
      ['evidence', 'verify', pki.file('ca.pem'), '--ca', pki.file('ca.pem')],
      /no evidence record/,
    );
    await expectUsageError(['evidence', 'verify', pki.file('none'), '--ca', pki.file('ca.pem')], /no such file/);
    await expectUsageError(['decode', pki.file('ca.pem')], /neither octets of frames, nor hex digits/);
    await expectUsageError(['decode', 'xyz'], /neither a file nor hex digits/);
    await expectUsageError(['decode', '-'], /standard input is empty/);
  });

  it('a line that is no request to the testee', () =>
    expectUsageError(['testee'], /This line is no request/, { input: 'hello\n' }));

  it('a configuration file that is wrong', async () => {
    const config = pki.file('config.yaml');
    for (const [content, message] of [
      ['listen: [', /is not YAML/],
      ['- a', /has to be a mapping/],
      ['certificate: x', /there is no key "certificate".*Known keys: .*cert/],
      ['drainDeadline: soon', /"drainDeadline" is not usable/],
      ['testMode: maybe', /"testMode" has to be true or false/],
    ] as const) {
      writeFileSync(config, content);
      await expectUsageError(['serve', '--config', config, '--print-config'], message);
    }
  });
});

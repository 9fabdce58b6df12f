import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildFrame, decodeFrame } from '../../model/codec.ts';
import { parseClientHello } from '../../peer/client-hello.ts';
import { describeOctets } from '../../peer/describe-frame.ts';
import { ConformanceFailure } from '../../peer/failure.ts';
import { Monitor } from '../../peer/monitor.ts';
import { ReceivedFrame } from '../../peer/received-frame.ts';
import { WireLog } from '../../peer/wire-log.ts';
import { schemaProblem } from '../../testee/driver-protocol.ts';
import { KitIssuance } from '../../testee/kit.ts';
import { useKit } from './shared-kit.ts';

function received(name: string, input: Parameters<typeof buildFrame>[1] = {}): ReceivedFrame {
  const octets = buildFrame(name, input);
  const result = decodeFrame(octets);
  if (!('frame' in result)) throw new Error('not a frame');
  return new ReceivedFrame({ ...result, octets });
}

describe('parseClientHello', () => {
  it('reads what a client offers', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = connect({ port, host: '127.0.0.1', servername: 'example.org', ALPNProtocols: ['hawser/1', 'h2'] });
    client.on('error', () => undefined);
    const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
    const [octets] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    client.destroy();
    server.close();
    const hello = parseClientHello(octets);
    expect(hello).toMatchObject({ protocols: ['hawser/1', 'h2'], pskOffered: false, serverName: true });
    expect(hello?.versions).toContain(0x0304);
    expect(hello?.groups.length).toBeGreaterThan(0);
    for (const length of [0, 1, 5, 40, octets.length - 1]) {
      expect(parseClientHello(octets.subarray(0, length))).toBeUndefined();
    }
  });
});

describe('ReceivedFrame', () => {
  it('fails the case when it has no such field: another frame came than the case demands', () => {
    const ping = received('PING');
    for (const ask of [
      () => ping.code,
      () => ping.requireCode('CANCELLED', 'RLY-034'),
      () => ping.bytes('fragment'),
      () => ping.string('client'),
      () => ping.list('chain'),
      () => ping.texts('route'),
      () => ping.parameterOctets('application_data', 'RLY-050'),
    ]) {
      expect(ask).toThrow(ConformanceFailure);
      expect(ask).toThrow('PING data=0000000000000000');
    }
  });
});

describe('describeOctets', () => {
  it('names right, wrong and incomplete frames', () => {
    const ping = buildFrame('PING');
    expect(describeOctets(ping)).toBe('PING data=0000000000000000');
    expect(describeOctets(ping.subarray(0, 3))).toBe('3 octets (no whole header)');
    expect(describeOctets(ping.subarray(0, 20))).toBe('PING (incomplete: 20 of 24 octets)');
    expect(describeOctets(buildFrame('PING', { trailing: Uint8Array.of(1) }))).toContain('FRAME_MALFORMED');
    expect(describeOctets(buildFrame('RESET', { channel: 3, seq: 9, fields: { code: 0x7777 } }))).toBe(
      'RESET channel=3 seq=9 code=0x7777',
    );
    const fields = { client: 'c', route: ['r', 's'] };
    expect(describeOctets(buildFrame('PROOF', { channel: 1, seq: 1, fields: { chain: [Uint8Array.of(5)] } }))).toBe(
      'PROOF channel=1 seq=1 chain=[05] scheme=0 signature=00',
    );
    expect(describeOctets(buildFrame('FORWARD', { channel: 1, seq: 1, fields }))).toContain(
      'client="c" route=["r" "s"] open=',
    );
  });
});

describe('Monitor', () => {
  const challenge = received('CHALLENGE');

  it('finds nothing in a right exchange', () => {
    const monitor = new Monitor('client');
    expect(monitor.received(challenge)).toBeUndefined();
  });

  it.each([
    ['ACCEPT first', [received('ACCEPT', { fields: { epoch: 1 } })], 'SES-002'],
    ['anything after REJECT', [received('REJECT', { fields: { code: 0x0205 } }), challenge], 'EST-023'],
    ['anything after CLOSE', [received('CLOSE', { flags: ['END_SESSION'] }), challenge], 'SES-002'],
    ['a code that REJECT may not carry', [received('REJECT', { fields: { code: 0x0403 } })], 'ERR-001'],
    ['a code that does not exist', [received('REJECT', { fields: { code: 0x7777 } })], 'ERR-001'],
    ['CLOSE without END_SESSION', [challenge, received('CLOSE')], 'SES-017'],
  ])('finds %s', (_what, frames, requirement) => {
    const monitor = new Monitor('client');
    const findings = frames.map((frame) => monitor.received(frame)).filter((finding) => finding !== undefined);
    expect(findings[0]?.requirement).toBe(requirement);
  });

  it('stops watching once the harness has broken a rule', () => {
    const monitor = new Monitor('client');
    monitor.sent(buildFrame('ACCEPT', { fields: { epoch: 1 } }));
    expect(monitor.received(received('ACCEPT', { fields: { epoch: 1 } }))).toBeUndefined();
  });
});

describe('the driver protocol', () => {
  it.each([
    ['request', { id: 1, do: 'describe', protocol: 1 }],
    ['request', { id: 1, do: 'close', connection: 'c1', channel: 1, reset: true }],
    ['response', { id: 1, ok: true }],
    ['response', { id: 1, ok: false, error: 'unsupported' }],
    ['response', { id: 1, ok: true, channel: 1 }],
    ['event', { event: 'closed', connection: 'c1', code: 0, unknown: 2 }],
  ] as const)('accepts a %s %j', (kind, value) => {
    expect(schemaProblem(kind, value)).toBeUndefined();
  });

  it.each([
    ['request', { id: 0, do: 'describe', protocol: 1 }],
    ['request', { id: 1, do: 'describe', protocol: 2 }],
    ['request', { id: 1, do: 'jump' }],
    ['request', { id: 1, do: 'close', connection: 'c1', reset: true }],
    ['request', { id: 1, do: 'send', connection: 'c1', channel: 1, message: '!' }],
    ['response', { id: 1, ok: false }],
    ['response', { id: 1, ok: false, error: 'sorry' }],
    ['response', { ok: true }],
    ['event', { event: 'opened', connection: 'c1' }],
    ['event', { event: 'melted', connection: 'c1' }],
    ['event', { event: 'reset', connection: 'c1', channel: 1, code: 65_536 }],
    ['event', 'closed'],
  ] as const)('refuses a %s %j', (kind, value) => {
    expect(schemaProblem(kind, value)).toBeTypeOf('string');
  });
});

describe('WireLog', () => {
  it('shows the sequence and the octets', () => {
    const log = new WireLog('a connection');
    log.add('sent', 'PING', buildFrame('PING'));
    log.add('note', 'end of stream');
    expect(log.sequence()).toEqual(['-> PING', '-- end of stream']);
    expect(log.annotated().join('\n')).toContain('data = ');
  });
});

describe('writeKeyLog', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-keylog-'));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes for the owner alone, and only when asked to', async () => {
    const { writeKeyLog } = await import('../../peer/key-log.ts');
    const path = join(folder, 'keys');
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('SSLKEYLOGFILE', '');
    writeKeyLog(Buffer.from('SECRET 1\n'));
    expect(existsSync(path)).toBe(false);
    vi.stubEnv('SSLKEYLOGFILE', path);
    writeKeyLog(Buffer.from('SECRET 2\n'));
    writeKeyLog(Buffer.from('SECRET 3\n'));
    expect(readFileSync(path, 'utf8')).toBe('SECRET 2\nSECRET 3\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(stderr).toHaveBeenCalledTimes(1);
    stderr.mockRestore();
  });
});

describe('the certificate kit', () => {
  const kit = useKit();

  it('has a bad certificate for each requirement on certificates, in both roles', () => {
    const { entries } = kit().index;
    for (const role of ['client', 'server'] as const) {
      const bad = entries.filter((entry) => entry.role === role && !entry.good).map(({ requirement }) => requirement);
      const purpose = role === 'client' ? 'TLS-013' : 'TLS-014';
      const own = ['TLS-011', 'TLS-012', purpose, 'TLS-015', 'TLS-016', 'TLS-017', 'TLS-018', 'TLS-019'];
      for (const id of [...own, 'TLS-021', 'TLS-022', 'TLS-024', 'TLS-025']) expect(bad).toContain(id);
    }
    for (const { file } of entries) expect(kit().credential(file).leafHash).toHaveLength(32);
  });

  it('keeps private keys private', () => {
    for (const file of ['ca.key', 'server.key', 'clients/expired.key']) {
      expect(statSync(kit().path(file)).mode & 0o777).toBe(0o600);
    }
  });

  it('issues during a run: short-lived certificates, and lists that revoke them', async () => {
    const issuance = new KitIssuance(kit().directory);
    const credential = await issuance.credential('client', 'spiffe://hawser.test/brief', 5000);
    const lists = (): number => readFileSync(kit().path('crl.pem'), 'utf8').split('BEGIN X509 CRL').length;
    const before = lists();
    const old = readFileSync(kit().path('crl.pem'), 'utf8');
    await issuance.revoke(credential);
    expect(lists()).toBe(before);
    expect(readFileSync(kit().path('crl.pem'), 'utf8')).not.toBe(old);
  });

  it('revokes for several cases at once: the last list names all of them', async () => {
    const issuance = new KitIssuance(kit().directory);
    const credentials = await Promise.all(
      Array.from({ length: 8 }, (_, number) => issuance.credential('client', `spiffe://hawser.test/${number}`, 5000)),
    );
    await Promise.all(credentials.map((credential) => issuance.revoke(credential)));
    const [list = ''] = readFileSync(kit().path('crl.pem'), 'latin1').split(/(?<=END X509 CRL-----)/);
    const der = Buffer.from(list.replaceAll(/-----.*-----|\n/g, ''), 'base64').toString('hex');
    for (const { certificatePem } of credentials) {
      expect(der).toContain(new X509Certificate(certificatePem).serialNumber.toLowerCase());
    }
    expect(readdirSync(kit().directory).filter((name) => name.startsWith('crl.pem'))).toEqual(['crl.pem']);
  });
});

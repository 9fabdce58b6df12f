import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type PkiFiles,
  SERVER_IDENTITY,
  expectOk,
  makePki,
  start,
  startServe,
  temporaryFolder,
} from './support/cli.ts';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makePki(mkdtempSync(join(tmpdir(), 'hawser-e2e-')));
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

const SCHEMAS = new URL('../../../conformance/testee/schema/', import.meta.url);

function schema(name: string): object {
  return JSON.parse(readFileSync(new URL(`${name}.schema.json`, SCHEMAS), 'utf8')) as object;
}

const ajv = new Ajv2020({ strict: true });
const isResponse = ajv.compile(schema('response'));
const isEvent = ajv.compile(schema('event'));

type Line = Readonly<Record<string, unknown>>;

/** A driver whose lines are checked by the schemas. */
class Testee {
  readonly #command = start(['testee']);
  readonly #lines: Line[] = [];
  #waiting: { readonly matches: (line: Line) => boolean; readonly resolve: (line: Line) => void }[] = [];
  #id = 0;
  #rest = '';

  constructor() {
    this.#command.child.stdout?.on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#take(JSON.parse(line) as Line);
    });
  }

  get ended(): Promise<{ readonly status: number | null }> {
    return this.#command.ended;
  }

  /** Sends a request and waits for its response. */
  async request(members: Line): Promise<Line> {
    const id = ++this.#id;
    this.#command.child.stdin?.write(`${JSON.stringify({ id, ...members })}\n`);
    return this.#line((line) => line['id'] === id);
  }

  /** Waits for an event with these members. */
  event(name: string, members: Line = {}): Promise<Line> {
    const wanted = Object.entries({ event: name, ...members });
    return this.#line((line) => wanted.every(([key, value]) => line[key] === value));
  }

  end(): void {
    this.#command.child.stdin?.end();
  }

  #take(line: Line): void {
    const isValid = 'event' in line ? isEvent(line) : isResponse(line);
    if (!isValid) throw new Error(`not by the schema: ${JSON.stringify(line)} ${ajv.errorsText(isEvent.errors)}`);
    this.#lines.push(line);
    const ready = this.#waiting.filter(({ matches }) => matches(line));
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one));
    for (const { resolve } of ready) resolve(line);
  }

  #line(matches: (line: Line) => boolean): Promise<Line> {
    const found = this.#lines.find(matches);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }
}

function connectRequest(files: PkiFiles, port: number, connection: string): Line {
  return {
    do: 'connect',
    connection,
    host: '127.0.0.1',
    port,
    audience: SERVER_IDENTITY,
    certificate: files.file('client.pem'),
    key: files.file('client.key'),
    ca: files.file('ca.pem'),
    crl: files.file('crl.pem'),
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('hawser testee', () => {
  it('describes itself and refuses what it does not know', async () => {
    const testee = new Testee();
    expect(await testee.request({ do: 'describe', protocol: 1 })).toMatchObject({ ok: true, protocol: 1 });
    expect(await testee.request({ do: 'dance' })).toMatchObject({ ok: false, error: 'unsupported' });
    expect(await testee.request({ do: 'open', connection: 'c9', application: 'x' })).toMatchObject({
      ok: false,
      error: 'invalid',
    });
    expect(await testee.request({ ...connectRequest(pki, 1, 'c1'), key: pki.file('none') })).toMatchObject({
      ok: false,
      error: 'invalid',
    });
    testee.end();
    expect(await testee.ended).toMatchObject({ status: 0 });
  });

  it('ends with its input, also where a session has lost its server and is retained', async () => {
    const server = await startServe([...pki.server, '--test-mode']);
    const testee = new Testee();
    await testee.request({ ...connectRequest(pki, server.port, 'c1'), continuity: { retentionMs: 600_000 } });
    await testee.event('established', { connection: 'c1' });
    server.child.kill('SIGKILL');
    await testee.event('detached', { connection: 'c1' });
    testee.end();
    expect(await testee.ended).toMatchObject({ status: 0 });
  });

  it('carries an echo, refusals, resets and the end of a session', async () => {
    const { port } = await startServe([...pki.server, '--test-mode']);
    const testee = new Testee();
    expect(await testee.request(connectRequest(pki, port, 'c1'))).toMatchObject({ ok: true });
    await testee.event('established', { connection: 'c1', identity: SERVER_IDENTITY });
    expect(
      await testee.request({ do: 'open', connection: 'c1', application: 'test/data', data: base64('hi') }),
    ).toMatchObject({ ok: true, channel: 1 });
    await testee.event('opened', { channel: 1, data: base64('hi') });
    await testee.request({ do: 'send', connection: 'c1', channel: 1, message: base64('hello') });
    await testee.event('message', { channel: 1, message: base64('hello') });
    await testee.request({ do: 'close', connection: 'c1', channel: 1 });
    await testee.event('ended', { channel: 1 });
    await testee.request({ do: 'open', connection: 'c1', application: 'test/refuse' });
    await testee.event('refused', { channel: 2, code: 0x0404 });
    await testee.request({ do: 'open', connection: 'c1', application: 'test/reset' });
    await testee.event('opened', { channel: 3 });
    await testee.request({ do: 'send', connection: 'c1', channel: 3, message: '' });
    await testee.event('reset', { channel: 3, code: 0x0404 });
    await testee.request({ do: 'close', connection: 'c1' });
    await testee.event('closed', { connection: 'c1', code: 0, unknown: 0 });
    testee.end();
    expect(await testee.ended).toMatchObject({ status: 0 });
  });

  it('names how an attempt or a session failed', async () => {
    const own = await makePki(temporaryFolder());
    const serve = await startServe([...own.server, '--test-mode']);
    const testee = new Testee();
    await testee.request({ ...connectRequest(own, serve.port, 'identity'), audience: 'spiffe://other' });
    await testee.event('failed', { connection: 'identity', cause: 'tls', code: 0x0201 });
    await testee.request({ ...connectRequest(own, serve.port, 'authority'), ca: pki.file('ca.pem') });
    await testee.event('failed', { connection: 'authority', cause: 'tls' });
    await testee.request(connectRequest(own, serve.port, 'lost'));
    await testee.event('established', { connection: 'lost' });
    await testee.request(connectRequest(own, serve.port, 'revoked'));
    await testee.event('established', { connection: 'revoked' });
    // The list of a later request reaches the session that is live.
    await expectOk(['pki', 'revoke', '--ca', own.folder, '--cert', own.file('server.pem')]);
    await testee.request(connectRequest(own, serve.port, 'late'));
    await testee.event('failed', { connection: 'revoked', cause: 'tls', code: 0x0303 });
    await testee.event('failed', { connection: 'late', cause: 'tls' });
    testee.end();
    expect(await testee.ended).toMatchObject({ status: 0 });
  });

  it('tells when the transport is lost', async () => {
    const serve = await startServe([...pki.server, '--test-mode']);
    const testee = new Testee();
    await testee.request(connectRequest(pki, serve.port, 'c1'));
    await testee.event('established');
    serve.child.kill('SIGKILL');
    await testee.event('failed', { connection: 'c1', cause: 'transport' });
    testee.end();
    expect(await testee.ended).toMatchObject({ status: 0 });
  });
});

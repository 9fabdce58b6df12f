import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Channel, type Outcome, type Session, connect, readCredential, readTrust } from '../../node/index.ts';
import { sessionEndpoint } from '../integration/support/relay-ends.ts';
import { type PkiFiles, temporaryFolder } from './support/cli.ts';
import { RELAY_IDENTITY, allow, makeRelayPki, newRelayFile, startRelay } from './support/relay.ts';

const APPLICATION = 'numbers';

let pki: PkiFiles;
beforeAll(async () => {
  pki = await makeRelayPki();
});
afterAll(() => rmSync(pki.folder, { recursive: true }));

/** What has come over one connection. */
interface Record {
  readonly lines: string[];
  readonly ended: Promise<unknown>;
}

/** A TCP peer that notes the first word of each line, and may stop to read. */
class Recorder {
  readonly records: Record[] = [];
  readonly #server = createServer((socket) => this.#take(socket));
  #socket: Socket | undefined;
  #look: () => void = () => undefined;

  static async start(): Promise<Recorder> {
    const recorder = new Recorder();
    await once(recorder.#server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void recorder.#server.close());
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when so many lines have come over a connection, the first one unless told otherwise. */
  lines(count: number, connection = 0): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if ((this.records[connection]?.lines.length ?? 0) >= count) resolve();
      };
      this.#look();
    });
  }

  /** Reads nothing of the newest connection until `resume`. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  #take(socket: Socket): void {
    const lines: string[] = [];
    this.#socket = socket;
    // A relay that is killed may leave by RST.
    socket.setEncoding('utf8').on('error', () => undefined);
    this.records.push({ lines, ended: new Promise((resolve) => socket.once('close', resolve)) });
    let rest = '';
    socket.on('data', (text: string) => {
      const whole = (rest + text).split('\n');
      rest = whole.pop() ?? '';
      lines.push(...whole.map((line) => line.split(' ', 1)[0] ?? ''));
      this.#look();
    });
  }
}

/** Starts a relay before the recorder, with a durable store, that can be killed and started again at the same port. */
async function startMortalRelay(recorder: Recorder): Promise<{ readonly port: number; restart(): Promise<void> }> {
  const config = newRelayFile(pki, {
    store: join(temporaryFolder(), 'sessions'),
    routes: [{ application: APPLICATION, to: `tcp://127.0.0.1:${recorder.port}`, framing: 'line' }],
    policy: allow(APPLICATION),
  });
  let relay = await startRelay(['--config', config]);
  const { port, address } = relay;
  return {
    port,
    restart: async () => {
      relay.child.kill('SIGKILL');
      await relay.ended;
      relay = await startRelay(['--config', config], address);
    },
  };
}

async function connectClient(port: number): Promise<Session> {
  return connect({
    host: '127.0.0.1',
    port,
    audience: RELAY_IDENTITY,
    credential: await readCredential({ certFile: pki.file('client.pem'), keyFile: pki.file('client.key') }),
    ...(await readTrust({ caFiles: [pki.file('ca.pem')], crlFiles: [pki.file('crl.pem')] })),
    continuity: { retentionMs: 60_000, reconnectBoundMs: 10 },
  });
}

/** Sends messages that begin with their number, and END; what became of each. */
function deliverAll(channel: Channel, count: number, size: number): Promise<Outcome[]> {
  const messages = Array.from({ length: count }, (_, index) => Buffer.from(`${index + 1} `.padEnd(size, '.')));
  const outcomes = Promise.all(messages.map((message) => channel.deliver(message)));
  channel.end();
  return outcomes;
}

/** Checks what became of the messages against what the peer has, and opens a new channel. */
async function expectNothingTwice(
  recorder: Recorder,
  session: Session,
  channel: Channel,
  outcomes: readonly Outcome[],
): Promise<void> {
  expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_LOST', remote: true });
  expect(recorder.records).toHaveLength(1);
  const [{ lines, ended }] = recorder.records as [Record];
  await ended;
  expect(lines).toEqual(lines.map((_, index) => String(index + 1)));
  const types = outcomes.map(({ type }) => type);
  // What the peer has is at least in doubt.
  expect(types.slice(0, lines.length)).not.toContain('not-delivered');
  const allowed = channel.outcomes ? ['unknown', 'not-delivered'] : ['accepted', 'unknown', 'not-delivered'];
  expect(allowed).toEqual(expect.arrayContaining([...new Set(types)]));

  const next = await session.open(channel.application, { outcomes: channel.outcomes });
  await next.send(Buffer.from('again'));
  await recorder.lines(1, 1);
  expect(recorder.records.map((record) => record.lines)).toEqual([lines, ['again']]);
}

describe.each([
  ['with', true],
  ['without', false],
])(
  'a relay before a TCP peer that is killed, on a channel %s outcomes [RLY-021] [RLY-022] [RLY-029]',
  (_what, outcomes) => {
    it.each([1, 1000])('sends nothing again when the peer has read %d messages', async (count) => {
      const recorder = await Recorder.start();
      const relay = await startMortalRelay(recorder);
      const session = await connectClient(relay.port);
      const channel = await session.open(APPLICATION, { outcomes });
      const fates = deliverAll(channel, 5000, 8);
      await recorder.lines(count);
      await relay.restart();
      await expectNothingTwice(recorder, session, channel, await fates);
      // While there is a relay to close it with.
      await session.close();
    });

    it('sends nothing again of what it has stored and not written', async () => {
      const recorder = await Recorder.start();
      const relay = await startMortalRelay(recorder);
      const session = await connectClient(relay.port);
      const channel = await session.open(APPLICATION, { outcomes });
      const fates = deliverAll(channel, MORE_THAN_KERNELS_HOLD / 16_384, 16_384);
      await recorder.lines(1);
      recorder.pause();
      await full(session, channel);
      await relay.restart();
      expect(await channel.closed).toMatchObject({ type: 'reset' });
      recorder.resume();
      await expectNothingTwice(recorder, session, channel, await fates);
      const taken = (await fates).filter(({ type }) => type !== 'not-delivered');
      expect(taken.length).toBeGreaterThan(recorder.records[0]?.lines.length ?? 0);
      await session.close();
    });
  },
);

/** Octets beyond what the buffers of a connection can take. */
const MORE_THAN_KERNELS_HOLD = 32 * 1024 * 1024;

/** Until the relay takes nothing more of a channel: its refusal of another is behind the credit that it has stored before. */
async function full(session: Session, channel: Channel): Promise<void> {
  const queued = (): number => sessionEndpoint(session).core.queuedBytes(channel.number);
  for (let same = 0, before = -1; same < 20; same = queued() === before ? same + 1 : 0) {
    before = queued();
    await expect(session.open('no such application')).rejects.toMatchObject({ wireName: 'APPLICATION_REFUSED' });
  }
}

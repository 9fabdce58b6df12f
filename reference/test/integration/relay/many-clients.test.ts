import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type AdmissionLimits,
  type Application,
  type Session,
  type TcpRoute,
  testApplications,
} from '../../../node/index.ts';
import { type LogLine, connectClient, startServer } from '../support/endpoints.ts';
import { type Kit, RELAY_IDENTITY, createKit } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/waiting.ts';
import { Flood, LARGEST, LEG, PARAMETERS } from './support/flood.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** As many handshakes as are under way at once. */
const BATCH = 50;

/** All clients have the address of this machine, and come as fast as they can. */
const ADMISSION: Partial<AdmissionLimits> = { maxHalfOpenPerAddress: 2 * BATCH, maxAcceptsPerSecond: 10_000 };

/** Connects clients of a relay, some at a time. */
async function connectMany(port: number, count: number): Promise<Session[]> {
  const sessions: Session[] = [];
  while (sessions.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - sessions.length) }, () =>
      connectClient(kit, port, { audience: RELAY_IDENTITY, parameters: PARAMETERS }),
    );
    sessions.push(...(await Promise.all(batch)));
  }
  return sessions;
}

/** What waits in a channel before its sender is slowed down. */
const QUEUED_OCTETS = 64 * 1024;

function ignore(): void {
  // Connections are cut when the test is over.
}

/** Starts a TCP peer that ends with the test, and leads an application to it. */
async function routeTo(server: Server, route: Pick<TcpRoute, 'application' | 'framing'>): Promise<TcpRoute> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port, proxy: false, ...route };
}

/** Has each of the sessions send three messages, each behind the answer to the one before. */
async function expectEchoes(sessions: readonly Session[]): Promise<void> {
  const answers = await Promise.all(
    sessions.map(async (session, client) => {
      const channel = await session.open('echo');
      const messages = channel[Symbol.asyncIterator]();
      const texts: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        await channel.send(Buffer.from(`${client} ${round}`));
        texts.push(Buffer.from((await messages.next()).value ?? []).toString());
      }
      channel.end();
      await channel.closed;
      return texts;
    }),
  );
  expect(answers).toEqual(sessions.map((_, client) => [0, 1, 2].map((round) => `${client} ${round}`)));
}

// A thousand handshakes, three key operations each, are seconds of work for one process.
describe('many clients of one relay', { timeout: 120_000 }, () => {
  it('share a trunk, on which the one that reads nothing holds up nobody [RLY-025] [RLY-026]', async () => {
    let flood: Flood | undefined;
    const applications = new Map<string, Application>([
      ['echo', testApplications.get('test/echo')!],
      [
        'flood',
        (channel, request) => {
          request.accept();
          flood = new Flood(channel, request.session, LARGEST);
        },
      ],
    ]);
    const policy = { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true };
    const server = await startServer(kit, { applications, policy, parameters: {}, grant: { maxChannels: 1000 } });
    const { port } = await startRelay(kit, server.port, { admission: ADMISSION, parameters: PARAMETERS });
    const [idle, ...others] = await connectMany(port, 1000);
    await idle?.open('flood');
    await expectEchoes(others);
    expect(server.server.sessions).toHaveLength(1);
    expect(flood?.octets).toBeGreaterThan(LEG.octets);
    expect(flood?.octets).toBeLessThanOrEqual(2 * LEG.octets);
    expect(flood?.messages).toBeLessThanOrEqual(2 * LEG.messages);
  });

  it('have connections of their own to a TCP peer, which waits for the one that reads nothing [RLY-025] [RLY-026]', async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', ignore).pipe(socket));
    const endless = createServer((socket) => {
      const octets = Buffer.alloc(64 * 1024);
      const write = (): void => {
        while (socket.write(octets));
      };
      socket.on('error', ignore).on('drain', write);
      write();
    });
    const routes = [
      await routeTo(echo, { application: 'echo', framing: 'line' }),
      await routeTo(endless, { application: 'flood', framing: 'stream' }),
    ];
    const { port, log } = await startRelay(kit, 0, { routes, admission: ADMISSION, parameters: {} });
    const [idle, ...others] = await connectMany(port, 100);
    const flood = await idle?.open('flood');
    await expectEchoes(others);
    flood?.reset();
    const ended = ({ fields }: LogLine): boolean => fields['application'] === 'flood' && 'bytesOut' in fields;
    await until(() => log.lines.some(ended));
    const { bytesOut } = log.lines.find(ended)?.fields as { bytesOut: number };
    expect(bytesOut).toBeGreaterThan(0);
    expect(bytesOut).toBeLessThanOrEqual(LEG.octets + QUEUED_OCTETS + LARGEST);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Application,
  type Channel,
  type Client,
  type OutcomeRange,
  Rejection,
  type Session,
  createClient,
} from '../../node/index.ts';
import { type SessionStore, openDurableStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { type RunningServer, connectClient, startServer } from './support/endpoints.ts';
import { Gate } from './support/gate.ts';
import { type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';
import { sessionEndpoint } from './support/relay-ends.ts';
import { StoredMemory, withMethods } from './support/stores.ts';
import { happens, until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

/** Three messages are granted, and two more for the first two when they are decided on. */
const parameters = { initialMessageCredit: 3, initialByteCredit: 65_536 };

/** What becomes of six messages on a channel that is reset when the fifth has come. */
const JUDGED = ['1-1 accepted', '2-2 rejected', '3-5 unknown', '6-6 not-delivered'];

/** Opens a store in a folder of its own, for one process after another. */
async function storeFolder(): Promise<() => Promise<SessionStore & { close(): Promise<void> }>> {
  const directory = await mkdtemp(join(tmpdir(), 'hawser-resets-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return async () => {
    const store = await openDurableStore({ directory });
    onTestFinished(() => store.close());
    return store;
  };
}

function never(): Promise<void> {
  return new Promise(() => undefined);
}

/** Decides on the first two messages of a channel; resolves when the fifth has come. */
function takeFive(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    channel.onMessage = (_, number) => {
      if (number === 2) throw new Rejection(7);
      if (number === 5) resolve();
      return number > 2 ? never() : undefined;
    };
  });
}

/** Sends six messages, and dies before it has taken note of any outcome; resolves when it was told the second one. */
function sendSix(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    channel.onOutcome = ({ last }) => {
      if (last === 2) resolve();
      return never();
    };
    for (let number = 1; number <= 6; number += 1) void channel.send(Uint8Array.of(number));
  });
}

/** Takes note of outcomes as it is told of them. */
function listen(channel: Channel, told: string[]): void {
  channel.onOutcome = ({ first, last, outcome }: OutcomeRange) => void told.push(`${first}-${last} ${outcome.type}`);
}

/** The process of a client is gone: nothing more leaves it, or is stored. */
async function die(session: Session, store: { close(): Promise<void> }): Promise<void> {
  if (session.state !== 'detached') {
    const lost = happens(session, 'detached');
    session.detach();
    await lost;
  }
  await store.close();
}

describe('a channel that was reset before a process has crashed [CNT-042]', () => {
  it.each(['client', 'server'] as const)('tells its client the outcomes once more (reset by the %s)', async (by) => {
    let far: Channel | undefined;
    let taken: Promise<void> | undefined;
    const application: Application = (channel) => {
      far = channel;
      taken = takeFive(channel);
    };
    const { port } = await startServer(kit, { applications: new Map([['it', application]]), parameters });
    const target = { host: '127.0.0.1', port, audience: SERVER_IDENTITY, continuity };
    const open = await storeFolder();
    const clientOf = (store: SessionStore): Client => createClient({ credential: kit.client, ...kit.trust, store });

    const first = await open();
    const before = await clientOf(first).connect(target);
    const channel = await before.open('it', { outcomes: true });
    await sendSix(channel);
    await taken;
    (by === 'client' ? channel : far)?.reset('APPLICATION_ERROR');
    const end = { type: 'reset', code: 'APPLICATION_ERROR', remote: by === 'server' };
    expect(await channel.closed).toMatchObject(end);
    await die(before, first);

    const second = await open();
    const after = await clientOf(second).restore(before.id, target);
    const [restored, ...others] = after.channels;
    if (restored === undefined) throw new Error('The channel is not there.');
    expect(others).toEqual([]);
    expect([restored.number, restored.sentMessages]).toEqual([channel.number, 6]);
    expect(await restored.closed).toMatchObject(end);
    const told: string[] = [];
    listen(restored, told);
    expect(told).toEqual(JUDGED);
    expect([...after.channels]).toEqual([]);
    await happens(after, 'attached');
    await die(after, second);

    const third = await open();
    const last = await clientOf(third).restore(before.id, target);
    expect([...last.channels]).toEqual([]);
    await happens(last, 'attached');
    // Its number is not used again.
    expect((await last.open('it')).number).toBe(channel.number + 1);
    expect(told).toEqual(JUDGED);
    await last.close();
  });

  it.each(['client', 'server'] as const)('tells its server the outcomes once more (reset by the %s)', async (by) => {
    const calls: string[] = [];
    const told: string[] = [];
    let near: Channel | undefined;
    let judged: Promise<void> | undefined;
    const application: Application = (channel, request) => {
      calls.push(request.restored ? 'restored' : 'new');
      if (request.restored) {
        listen(channel, told);
        void channel.closed.then((end) => calls.push(end.type));
        return;
      }
      request.accept();
      near = channel;
      judged = sendSix(channel);
    };
    const open = await storeFolder();
    const proxy = await CutProxy.start(0);
    const applications = new Map<string, Application>([
      ['it', application],
      ['another', () => undefined],
    ]);
    const start = async (store: SessionStore): Promise<RunningServer> => {
      const running = await startServer(kit, { applications, continuity: { store } });
      proxy.target = running.port;
      return running;
    };

    const first = await open();
    const before = await start(first);
    const session = await connectClient(kit, proxy.port, { continuity, parameters });
    const channel = await session.open('it', { outcomes: true });
    await takeFive(channel);
    await judged;
    (by === 'server' ? near : channel)?.reset();
    await near?.closed;
    await before.server.close();
    await first.close();

    const second = await open();
    const attached = happens(session, 'attached');
    const after = await start(second);
    await attached;
    expect(told).toEqual(JUDGED);
    expect(calls).toEqual(['new', 'restored', 'reset']);
    // Behind what was noted.
    await session.open('another');
    await after.server.close();
    await second.close();

    const third = await open();
    const again = happens(session, 'attached');
    await start(third);
    await again;
    expect(told).toEqual(JUDGED);
    expect(calls).toEqual(['new', 'restored', 'reset']);
    await session.close();
  });

  it('tells them to the server that has taken the session since [CNT-038]', async () => {
    const store = await (await storeFolder())();
    let near: Channel | undefined;
    let judged: Promise<void> | undefined;
    const told: string[] = [];
    const first = await startServer(kit, {
      applications: new Map<string, Application>([
        [
          'it',
          (channel, request) => {
            request.accept();
            near = channel;
            judged = sendSix(channel);
          },
        ],
      ]),
      continuity: { store },
    });
    const second = await startServer(kit, {
      applications: new Map<string, Application>([['it', (channel) => listen(channel, told)]]),
      continuity: { store },
    });
    const proxy = await CutProxy.start(first.port);
    const session = await connectClient(kit, proxy.port, { continuity, parameters });
    const channel = await session.open('it', { outcomes: true });
    await takeFive(channel);
    await judged;
    channel.reset();
    await near?.closed;
    const attached = happens(session, 'attached');
    proxy.target = second.port;
    proxy.cut();
    await attached;
    expect(told).toEqual(JUDGED);
    await session.close();
  });

  it('accepts what is acknowledged after that, and tells then what was not sent', async () => {
    const gate = new Gate();
    const asked = new Gate();
    let holds = false;
    const memory = new StoredMemory();
    const store = withMethods(memory, {
      commit: async (...call) => {
        if (holds) await gate.pass();
        return memory.commit(...call);
      },
    });
    const application: Application = (channel) => void (channel.onMessage = () => asked.pass());
    const { port } = await startServer(kit, {
      applications: new Map([['it', application]]),
      continuity: { store },
      parameters,
    });
    const proxy = await CutProxy.start(port);
    const target = { host: '127.0.0.1', port: proxy.port, audience: SERVER_IDENTITY, continuity };
    const open = await storeFolder();
    const clientOf = (custody: SessionStore): Client =>
      createClient({ credential: kit.client, ...kit.trust, store: custody });

    const first = await open();
    const before = await clientOf(first).connect(target);
    const channel = await before.open('it');
    channel.onOutcome = never;
    await channel.send(Uint8Array.of(1));
    await asked.reached;
    // The server takes two more, and acknowledges nothing any more.
    holds = true;
    for (let number = 2; number <= 4; number += 1) void channel.send(Uint8Array.of(number));
    await gate.reached;
    channel.reset();
    await sessionEndpoint(before).stored();
    const lost = happens(before, 'detached');
    proxy.target = 1;
    proxy.cut();
    await lost;
    await die(before, first);
    gate.open();

    proxy.target = port;
    const second = await open();
    const after = await clientOf(second).restore(before.id, target);
    const [restored] = after.channels;
    if (restored === undefined) throw new Error('The channel is not there.');
    const told: string[] = [];
    listen(restored, told);
    expect(await restored.closed).toMatchObject({ type: 'reset', code: 'CANCELLED', remote: false });
    await until(() => told.at(-1)?.startsWith('4-4') === true);
    expect(told.join()).toMatch(/^(1-1 accepted,2-3 accepted|1-3 accepted),4-4 not-delivered$/);
    await after.close();
  });
});

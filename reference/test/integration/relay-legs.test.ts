import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Application, testApplications } from '../../node/index.ts';
import { openDurableStore } from '../../store/index.ts';
import { type RunningServer, connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { channelEndpoint, sessionEndpoint } from './support/relay-ends.ts';
import { withMethods } from './support/stores.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

function serverWith(application: Application): Promise<RunningServer> {
  return startServer(kit, { applications: new Map([...testApplications, ['it', application]]) });
}

describe('an application end that gives no verdicts (RLY-030)', () => {
  it.each([{}, { continuity: { retentionMs: 60_000 } }])(
    'takes any number of messages, of which each is unknown at the end: %o',
    async (options) => {
      const taken: number[] = [];
      const { port } = await serverWith((channel) => {
        channelEndpoint(channel).withholdsVerdicts = true;
        channel.onMessage = (_message, number) => void taken.push(number);
        channel.onEnd = () => {
          channel.end();
          channel.reset('NO_ERROR');
        };
      });
      const session = await connectClient(kit, port, options);
      const channel = await session.open('it', { outcomes: true });
      const outcomes = Array.from({ length: 200 }, () => channel.deliver(Buffer.from('message')));
      channel.end();
      expect(await channel.closed).toMatchObject({ type: 'reset', code: 'NO_ERROR', remote: true });
      expect(taken).toHaveLength(200);
      expect(new Set((await Promise.all(outcomes)).map(({ type }) => type))).toEqual(new Set(['unknown']));
    },
  );
});

describe('stored', () => {
  it('resolves at once without a store', async () => {
    const { port } = await startServer(kit);
    const session = sessionEndpoint(await connectClient(kit, port));
    await session.stored();
  });

  it('waits for what was decided before, and rejects when the session is over', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-sessions-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const durable = await openDurableStore({ directory });
    onTestFinished(() => durable.close());
    let gate: Promise<void> | undefined;
    const store = withMethods(durable, {
      commit: async (...call) => {
        await gate;
        return durable.commit(...call);
      },
    });
    const { port } = await startServer(kit);
    const continuity = { retentionMs: 60_000 };
    const session = sessionEndpoint(await connectClient(kit, port, { continuity, store }));
    const channel = await session.open('test/echo');
    await session.stored();

    let open: () => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    void channel.send(Buffer.from('first'));
    const order: string[] = [];
    const stored = session.stored().then(() => order.push('stored'));
    await new Promise((resolve) => setImmediate(resolve));
    order.push('opened');
    open();
    await stored;
    expect(order).toEqual(['opened', 'stored']);

    gate = new Promise((resolve) => (open = resolve));
    void channel.send(Buffer.from('second'));
    const never = session.stored();
    session.journal?.stop();
    await expect(never).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_SESSION_ENDED' });
    open();
  });
});

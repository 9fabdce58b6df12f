import { beforeAll, describe, expect, it } from 'vitest';
import { type Application, type ChannelEnd, type ServerOptions, testApplications } from '../../node/index.ts';
import { type RunningServer, connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

function serverWith(application: Application, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  return startServer(kit, { applications: new Map([...testApplications, ['it', application]]), ...options });
}

const fail = (): never => {
  throw new Error('the application is broken');
};

describe('an application end', () => {
  it('that decides nothing takes the channel', async () => {
    const { port } = await serverWith(() => undefined);
    const session = await connectClient(kit, port);
    await session.open('it');
  });

  it('may decide later', async () => {
    let decide: () => void = () => undefined;
    const { port } = await serverWith(
      (_channel, request) =>
        new Promise<void>((resolve) => {
          decide = () => {
            request.refuse('BUSY', 1234);
            resolve();
          };
        }),
    );
    const session = await connectClient(kit, port);
    const opened = session.open('it');
    await expectEcho(session);
    decide();
    await expect(opened).rejects.toMatchObject({ wireName: 'BUSY', retryAfterMs: 1234 });
  });

  it('sees the end of a channel that it has refused', async () => {
    let closed: Promise<ChannelEnd> | undefined;
    const { port } = await serverWith((channel, request) => {
      ({ closed } = channel);
      request.refuse('BUSY', 1234);
    });
    const session = await connectClient(kit, port);
    await expect(session.open('it')).rejects.toMatchObject({ wireName: 'BUSY' });
    expect(await closed).toMatchObject({ type: 'refused', code: 'BUSY' });
  });

  it.each<{ readonly name: string; readonly application: Application }>([
    { name: 'throws', application: fail },
    { name: 'rejects', application: () => Promise.reject(new Error('the application is broken')) },
    {
      name: 'answers with more data than fits',
      application: (_channel, request) => request.accept({ applicationData: new Uint8Array(4097) }),
    },
  ])('that $name is answered with APPLICATION_ERROR, and the session lives', async ({ application }) => {
    const { port, log } = await serverWith(application);
    const session = await connectClient(kit, port);
    await expect(session.open('it')).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_APPLICATION_ERROR' });
    await log.line('the application end failed');
    await expectEcho(session);
  });

  it.each<{ readonly name: string; readonly application: Application }>([
    { name: 'a message', application: (channel) => void (channel.onMessage = fail) },
    {
      name: 'a message, later',
      application: (channel) => void (channel.onMessage = () => Promise.reject(new Error('x'))),
    },
    {
      name: 'the end',
      application: (channel) => {
        channel.onMessage = () => undefined;
        channel.onEnd = fail;
      },
    },
    {
      name: 'an iteration',
      application: async (channel, request) => {
        request.accept();
        for await (const _message of channel) fail();
      },
    },
  ])('that fails at $name resets its channel, and no other [CHN-032]', async ({ application }) => {
    const { port } = await serverWith(application);
    const session = await connectClient(kit, port);
    const other = await session.open('test/echo');
    const channel = await session.open('it');
    await channel.send(Uint8Array.of(1));
    channel.end();
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_ERROR', remote: true });
    const answer = other[Symbol.asyncIterator]().next();
    await other.send(Uint8Array.of(7));
    expect((await answer).value?.[0]).toBe(7);
  });

  it('knows whether its messages get verdicts: test/outcome rejects none that gets none [APP-006]', async () => {
    const { port } = await serverWith(fail);
    const session = await connectClient(kit, port);
    const rejected = Uint8Array.of(0, 5);
    const judged = await session.open('test/outcome', { outcomes: true });
    expect(judged.outcomes).toBe(true);
    expect(await judged.deliver(rejected)).toEqual({ type: 'rejected', verdict: 5 });
    const silent = await session.open('test/outcome');
    expect(silent.outcomes).toBe(false);
    await silent.send(rejected);
    silent.end();
    expect(await silent.closed).toEqual({ type: 'closed' });
  });

  it('whose policy fails lets nobody in', async () => {
    const { port, log } = await serverWith(fail, { policy: { acceptsClient: fail, allowsApplication: fail } });
    await expect(connectClient(kit, port)).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_AUTHENTICATION_FAILED' });
    await log.line('the policy failed');
    const other = await serverWith(fail, { policy: { acceptsClient: () => true, allowsApplication: fail } });
    const session = await connectClient(kit, other.port);
    await expect(session.open('it')).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_APPLICATION_REFUSED' });
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { type ChannelEnd, type Session, testApplications } from '../../../node/index.ts';
import { connectClient, expectEcho, startServer } from '../support/endpoints.ts';
import { type Kit, RELAY_IDENTITY, createKit } from '../support/kit.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/waiting.ts';
import { Flood, LARGEST, LEG, PARAMETERS } from './support/flood.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

interface SlowClient {
  readonly session: Session;
  readonly flood: Flood;
  /** How the channel on the trunk has ended. */
  readonly end: () => ChannelEnd | undefined;
  readonly reset: () => void;
}

/** A client that reads nothing of what an application end behind a relay sends without end. */
async function startSlowClient(continuity: { readonly retentionMs: number }, size: number): Promise<SlowClient> {
  const floods: Flood[] = [];
  let end: ChannelEnd | undefined;
  const server = await startServer(kit, {
    policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
    applications: new Map([
      ...testApplications,
      [
        'flood',
        (channel, request) => {
          request.accept();
          floods.push(new Flood(channel, request.session, size));
          void channel.closed.then((how) => (end = how));
        },
      ],
    ]),
  });
  const { port } = await startRelay(kit, server.port, { parameters: PARAMETERS });
  const session = await connectClient(kit, port, { audience: RELAY_IDENTITY, parameters: PARAMETERS, continuity });
  const channel = await session.open('flood');
  const [flood] = floods;
  if (flood === undefined) throw new Error('The application end has not got the channel.');
  return { session, flood, end: () => end, reset: () => channel.reset('INTERNAL_ERROR') };
}

describe.each([
  ['one connection', { retentionMs: 0 }],
  ['several connections', { retentionMs: 60_000 }],
])('a client that reads nothing, in a session of %s', (_what, continuity) => {
  // Of the one kind the number is the bound, of the other the octets are.
  it.each([8, LARGEST])('gets no more than two legs grant, messages of %d octets [RLY-025]', async (size) => {
    const { session, flood } = await startSlowClient(continuity, size);
    await until(() => flood.messages >= Math.min(LEG.messages, LEG.octets / size - 1));
    // Behind everything that is under way.
    for (let round = 0; round < 20; round += 1) await expectEcho(session);
    expect(flood.messages).toBeLessThanOrEqual(2 * LEG.messages);
    expect(flood.octets).toBeLessThanOrEqual(2 * LEG.octets);
  });

  it('resets a channel that is full with its own code [RLY-034]', async () => {
    const { session, flood, end, reset } = await startSlowClient(continuity, LARGEST);
    await until(() => flood.octets > LEG.octets);
    for (let round = 0; round < 20; round += 1) await expectEcho(session);
    reset();
    await until(() => end() !== undefined);
    expect(end()).toMatchObject({ type: 'reset', code: 'INTERNAL_ERROR', remote: true });
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { encodeProve } from '../../../core/frames/prove.ts';
import {
  type Application,
  type Channel,
  type ConnectOptions,
  type Credential,
  type HawserRoute,
  Rejection,
  type RelayOptions,
  type Session,
  testApplications,
} from '../../../node/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { connectClient, expectEcho, startServer } from '../support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit, issue } from '../support/kit.ts';
import { type RunningRelay, startRelay } from '../support/relay.ts';
import { until } from '../support/waiting.ts';

const FIRST = 'spiffe://hawser.test/relay-1';
const SECOND = 'spiffe://hawser.test/relay-2';

let kit: Kit;
let credentials: ReadonlyMap<string, Credential>;
beforeAll(async () => {
  kit = await createKit();
  const issued = [FIRST, SECOND].map(
    async (uri) => [uri, await issue(kit.authority, { role: 'both', uris: [uri] })] as const,
  );
  credentials = new Map(await Promise.all(issued));
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

/** Takes requests that come from one of these relays. */
const policyFor = (...relays: string[]): RelayOptions['policy'] => ({
  acceptsClient: () => true,
  acceptsRelay: (identity) => relays.includes(identity),
  allowsApplication: () => true,
});

const routeTo = (port: number, audience: string): HawserRoute => ({
  application: '*',
  kind: 'hawser',
  host: '127.0.0.1',
  port,
  audience,
});

/** Starts one of the relays. */
function startLink(
  identity: string,
  options: Pick<RelayOptions, 'routes'> & Partial<RelayOptions>,
): Promise<RunningRelay> {
  const credential = credentials.get(identity);
  if (credential === undefined) throw new Error(`no credential of ${identity}`);
  const policy = policyFor(...credentials.keys());
  return startRelay(kit, 0, { credential, policy, ...options });
}

/** A server behind two relays. */
interface Chain {
  readonly first: RunningRelay;
  readonly second: RunningRelay;
  /** Between the relays. */
  readonly middle: CutProxy;
  /** Connects a client to the first relay. */
  readonly connect: (options?: Partial<ConnectOptions>) => Promise<Session>;
}

/** @param application - what the server offers as `it`. */
async function startChain(first: Partial<RelayOptions> = {}, application?: Application): Promise<Chain> {
  const it = application === undefined ? [] : ([['it', application]] as const);
  const applications = new Map([...testApplications, ...it]);
  const server = await startServer(kit, { policy: policyFor(SECOND), applications });
  const second = await startLink(SECOND, { routes: [routeTo(server.port, SERVER_IDENTITY)] });
  const middle = await CutProxy.start(second.port);
  const head = await startLink(FIRST, { routes: [routeTo(middle.port, SECOND)], ...first });
  return { first: head, second, middle, connect: (options) => connectTo(head, options) };
}

function connectTo({ port }: RunningRelay, options: Partial<ConnectOptions> = {}): Promise<Session> {
  return connectClient(kit, port, { audience: FIRST, ...options });
}

async function firstMessage(channel: Channel): Promise<string> {
  const { value } = await channel[Symbol.asyncIterator]().next();
  return Buffer.from(value ?? []).toString();
}

describe('two relays before a server', () => {
  it('carry a channel, and say whom it has passed, first to last [RLY-007] [RLY-008] [RLY-014]', async () => {
    const { connect } = await startChain();
    const session = await connect();
    await expectEcho(session);
    const relays = await firstMessage(await session.open('test/route'));
    expect(relays).toBe([CLIENT_IDENTITY, FIRST, SECOND].join('\n'));
  });

  it('are one more than the first relay allows [RLY-009] [RLY-010]', async () => {
    for (const [maxHops, refusal] of [
      [1, 'HOP_LIMIT'],
      [2, undefined],
    ] as const) {
      const { connect } = await startChain({ limits: { maxHops } });
      const session = await connect();
      const opening = session.open('test/echo').catch((error: unknown) => error);
      if (refusal === undefined) expect(await opening).toMatchObject({ application: 'test/echo' });
      else expect(await opening).toMatchObject({ wireName: refusal });
    }
  });

  it('refuse a request that comes back to the first [RLY-011]', async () => {
    const { first, second, connect } = await startChain();
    await second.relay.reload({ routes: [routeTo(first.port, FIRST)] });
    const session = await connect();
    await expect(session.open('test/echo')).rejects.toMatchObject({ wireName: 'ROUTE_LOOP' });
  });

  it('are one too many for an application end that demands proof [RLY-049]', async () => {
    const { connect } = await startChain();
    const session = await connect();
    await expect(session.open('test/prove')).rejects.toMatchObject({ wireName: 'PROOF_UNAVAILABLE' });
    await expectEcho(session);
  });

  it('refuse what an application end asks to be proved all the same [RLY-051]', async () => {
    const ends: unknown[] = [];
    const { connect } = await startChain({}, async (channel, request) => {
      void channel.closed.then((end) => ends.push(end));
      const prove = { nonce: new Uint8Array(32), relay: SECOND, chain: kit.server.chainDer };
      await request.provePayload(encodeProve(prove)).catch(() => undefined);
    });
    const session = await connect();
    await expect(session.open('it')).rejects.toMatchObject({ wireName: 'PROOF_UNAVAILABLE' });
    await until(() => ends.length === 1);
    expect(ends).toMatchObject([{ type: 'reset', code: 'PROOF_UNAVAILABLE', remote: true }]);
    await expectEcho(session);
  });

  it.each([
    ['is there', 0],
    ['is cut behind every 7th message', 7],
  ])('pass on verdicts while the trunk between them %s [RLY-028] [RLY-031]', async (_what, cutEvery) => {
    const taken: number[] = [];
    const { middle, connect } = await startChain({}, (channel) => {
      channel.onMessage = ([octet = 0]) => {
        taken.push(octet);
        if (cutEvery > 0 && octet % cutEvery === 0) middle.cut();
        if (octet % 3 === 0) throw new Rejection(octet + 1);
      };
      channel.onEnd = () => channel.end();
    });
    const session = await connect({ continuity });
    const channel = await session.open('it', { outcomes: true });
    const numbers = Array.from({ length: 100 }, (_, number) => number);
    const outcomes = numbers.map((number) => channel.deliver(Uint8Array.of(number)));
    channel.end();
    expect(await Promise.all(outcomes)).toEqual(
      numbers.map((number) => (number % 3 === 0 ? { type: 'rejected', verdict: number + 1 } : { type: 'accepted' })),
    );
    expect(taken).toEqual(numbers);
    expect(await channel.closed).toEqual({ type: 'closed' });
  });

  it('lose the channel when the trunk between them has ended, and carry the next one [RLY-021]', async () => {
    const ends: unknown[] = [];
    const { second, connect } = await startChain({}, (channel, request) => {
      request.accept();
      void channel.closed.then((end) => ends.push(end));
    });
    const session = await connect();
    const channel = await session.open('it');
    for (const trunk of second.relay.server.sessions) void trunk.close();
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_LOST', remote: true });
    await until(() => ends.length === 1);
    expect(ends).toMatchObject([{ type: 'reset', code: 'CANCELLED', remote: true }]);
    await expectEcho(session);
  });
});

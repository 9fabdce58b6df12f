import { beforeAll, describe, expect, it } from 'vitest';
import { type Application, type Channel, type ChannelEnd, Rejection } from '../../../node/index.ts';
import { startServer } from '../support/endpoints.ts';
import { type Kit, createKit } from '../support/kit.ts';
import { until } from '../support/waiting.ts';
import { MortalRelay } from './support/mortal-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** Messages that each end sends. */
const COUNT = 2;

/** The message that is rejected, on a channel with outcomes. */
const REJECTED = 2;

/** What one end does with the channel besides answering each message by one of its own. */
interface Part {
  /** Ends its direction behind its last message; else, when it hears that the other end has. */
  readonly endsFirst?: boolean;
  /** Abandons the channel in the place of an answer to this message. */
  readonly resetsAt?: number;
}

/** What the two ends do. */
interface Exchange {
  readonly outcomes: boolean;
  readonly client: Part;
  readonly server: Part;
}

/** What one end has sent and heard, and what it has made of that. */
class Ledger {
  readonly #part: Part;
  readonly #outcomes: boolean;
  readonly effects: number[] = [];
  /** By the number of the message. */
  readonly decisions = new Map<number, string>();
  readonly told = new Map<number, string[]>();
  #sent = 0;
  end: ChannelEnd | undefined;

  constructor(part: Part, outcomes: boolean) {
    this.#part = part;
    this.#outcomes = outcomes;
  }

  /** Plays its part. */
  follow(channel: Channel): void {
    const { endsFirst = false } = this.#part;
    channel.onOutcome = ({ first, last, outcome }) => {
      const what = outcome.type === 'rejected' ? `rejected ${outcome.verdict}` : outcome.type;
      for (let number = first; number <= last; number += 1) {
        this.told.set(number, [...(this.told.get(number) ?? []), what]);
      }
    };
    channel.onMessage = (_, number) => this.#take(channel, number);
    channel.onEnd = () => {
      if (!endsFirst) channel.end();
    };
    void channel.closed.then((end) => (this.end = end));
  }

  send(channel: Channel): void {
    this.#sent += 1;
    void channel.send(Uint8Array.of(this.#sent));
    if (this.#sent === COUNT && this.#part.endsFirst === true) channel.end();
  }

  #take(channel: Channel, number: number): Promise<void> | void {
    this.effects.push(number);
    if (number === this.#part.resetsAt) {
      channel.reset('APPLICATION_ERROR');
      return channel.closed.then(() => undefined);
    }
    if (this.#sent < COUNT) this.send(channel);
    if (!this.#outcomes || number !== REJECTED) {
      this.decisions.set(number, 'accepted');
      return undefined;
    }
    this.decisions.set(number, `rejected ${number}`);
    throw new Rejection(number);
  }

  /** Whether nothing is to come any more. */
  get over(): boolean {
    return this.end !== undefined && this.told.size === this.#sent;
  }

  /** Compares what it was told of its messages with what the other end has made of them. */
  check(other: Ledger, outcomes: boolean): void {
    expect(other.effects).toEqual(Array.from(other.effects, (_, index) => index + 1));
    for (const [number, told] of this.told) {
      expect(told).toHaveLength(1);
      const [what] = told;
      const decision = other.decisions.get(number);
      if (what === 'not-delivered') expect(other.effects).not.toContain(number);
      else if (outcomes && what !== 'unknown') expect(what).toBe(decision);
      // The relay has it, and the channel may be reset.
      else if (what !== 'unknown' && decision === undefined) expect(this.end).toMatchObject({ type: 'reset' });
    }
  }
}

/** What a run has come to. */
interface Result {
  readonly deaths: number;
  readonly client: Ledger;
  readonly server: Ledger;
}

/** Runs an exchange over a relay that dies behind a change of its stores. */
async function run({ outcomes, client: ours, server: theirs }: Exchange, at: number): Promise<Result> {
  const client = new Ledger(ours, outcomes);
  const server = new Ledger(theirs, outcomes);
  let asked = 0;
  const application: Application = (channel, request) => {
    asked += 1;
    request.accept();
    server.follow(channel);
  };
  const running = await startServer(kit, {
    policy: { acceptsClient: () => true, acceptsRelay: () => true, allowsApplication: () => true },
    applications: new Map([['it', application]]),
  });
  const relay = await MortalRelay.start(kit, running.port);
  const session = await relay.connect();
  await until(async () => (await relay.clients.list('server')).length === 1);
  // As good as before the next change: what follows from this one has not left.
  relay.decide(({ nth }) => (nth === at && relay.deaths === 0 ? 'dies behind' : undefined));
  const channel = session.request('it', { outcomes });
  client.follow(channel);
  channel.opened.then(
    () => client.send(channel),
    () => undefined,
  );
  await until(() => client.over && (asked === 0 || server.over));
  // Nothing of it is left with the relay.
  await until(async () => (await relay.content('clients')).length === 0);
  await until(async () => (await relay.content('trunks')).every((content) => content === 'closed'));
  expect(asked).toBeLessThanOrEqual(1);
  client.check(server, outcomes);
  server.check(client, outcomes);
  const { deaths } = relay;
  await session.close();
  relay.finish();
  await running.server.close();
  return { deaths, client, server };
}

/** How the channel ends at both ends; where no application end was asked, the client is told. */
type Expected = readonly [client: object, server: object];

const CLOSED = { type: 'closed' };
const LOST = { type: 'reset', code: 'APPLICATION_LOST', remote: true };
const own = { type: 'reset', code: 'APPLICATION_ERROR', remote: false };
const peers = { type: 'reset', code: 'APPLICATION_ERROR', remote: true };

describe('a relay that dies behind any change of its stores', () => {
  const exchanges: [string, Exchange, Expected][] = [
    ['the client ends first', { outcomes: true, client: { endsFirst: true }, server: {} }, [CLOSED, CLOSED]],
    ['the server ends first', { outcomes: true, client: {}, server: { endsFirst: true } }, [CLOSED, CLOSED]],
    ['nobody asks for outcomes', { outcomes: false, client: { endsFirst: true }, server: {} }, [CLOSED, CLOSED]],
    ['the client resets', { outcomes: true, client: { resetsAt: 1 }, server: {} }, [own, peers]],
    ['the server resets', { outcomes: true, client: {}, server: { resetsAt: 2 } }, [peers, own]],
  ];

  it.each(exchanges)(
    'has each message once, with its outcome, and ends the channel: %s [RLY-021] [RLY-027] [RLY-028] [RLY-029] [RLY-034]',
    async (_what, exchange, [clientEnd, serverEnd]) => {
      for (let at = 1, deaths = 1; deaths > 0; at += 1) {
        const { client, server, ...result } = await run(exchange, at);
        deaths = result.deaths;
        const where = `it died behind change ${at}`;
        if (client.end?.type === 'refused') {
          expect(client.end, where).toMatchObject({ code: 'ROUTE_UNREACHABLE' });
          continue;
        }
        // The code was with the process.
        const lost = serverEnd === own && client.end?.type === 'reset' && client.end.code === 'APPLICATION_LOST';
        expect(client.end, where).toMatchObject(lost ? LOST : clientEnd);
        expect(server.end, where).toMatchObject(serverEnd);
      }
    },
  );
});

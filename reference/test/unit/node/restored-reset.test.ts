import { describe, expect, it } from 'vitest';
import type { Channel, ChannelEndpoint } from '../../../node/session/channel.ts';
import { systemEnvironment } from '../../../node/environment.ts';
import { silentLog } from '../../../node/log.ts';
import { SessionEndpoint, type SessionEnd } from '../../../node/session/session.ts';
import { outputOf, takeEvents } from '../core/pair.ts';
import { openStored, reconnect, settle, type StoredEnd, type StoredPair, storedPair } from '../core/stored-pair.ts';

type Side = 'client' | 'server';

/** How far a reset has come when its process crashes: its answer was stored, or is still to come. */
type Stage = 'answered' | 'sent';

interface Scene {
  /** The end whose messages these are, and whose process crashes. */
  readonly near: Side;
  /** Which end has reset the channel. */
  readonly by: Side;
  readonly outcomes: boolean;
  readonly stage: Stage;
  /** Of how many messages the application has taken note of the outcome. */
  readonly noted: number;
}

const LOST: SessionEnd = {
  type: 'closed',
  outcome: 'aborted',
  code: undefined,
  error: undefined,
  remote: false,
  peerReceiveCursor: undefined,
  session: 'ended',
  acceptedMessages: [],
  unknownMessages: [],
  undeliveredMessages: [],
};

const VERDICT = 7;

function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}

/** A channel that was reset, and what is stored of it. */
class Reset {
  readonly stored: StoredPair;
  readonly near: Side;
  readonly channel: number;
  /** Another one, which is there so that something can be stored. */
  readonly #beside: number;

  /**
   * Five messages: the first two are decided on at the other end, or acknowledged; the third was sent; the fourth was begun;
   * the fifth waits.
   */
  constructor({ near, by, outcomes, stage, noted }: Scene) {
    const stored = storedPair();
    this.stored = stored;
    this.near = near;
    this.channel = openStored(stored, { outcomes });
    this.#beside = openStored(stored);
    const { pair } = stored;
    const { channel } = this;
    const far = other(near);
    // A message of the other end that nobody decides on.
    pair[far].sendMessage(channel, Uint8Array.of(0), 0);
    for (const number of [1, 2]) pair[near].sendMessage(channel, Uint8Array.of(number), 0);
    settle(stored);
    for (const number of [1, 2]) pair[far].settle(channel, number, outcomes && number === 2 ? VERDICT : 0, 0);
    settle(stored);
    pair[near].sendMessage(channel, Uint8Array.of(3), 0);
    pair[near].sendMessage(channel, new Uint8Array(40_000), 0);
    pair[near].takeOutput(1);
    pair[near].sendMessage(channel, Uint8Array.of(5), 0);
    stored[near].session.reported(channel, Math.min(noted, 2), 0);
    pair[by].resetChannel(channel, 'APPLICATION_ERROR', 0);
    stored[by].write();
    if (stage === 'answered') this.#pass(by);
    if (stage === 'answered' && by === near) this.#pass(far);
    takeEvents(pair);
    if (noted > 2) this.note(noted);
  }

  /** What one end sends is stored at the other. */
  #pass(from: Side): void {
    const { pair } = this.stored;
    pair[other(from)].receive(outputOf(pair[from]), 0);
    this.stored[other(from)].write();
  }

  /** The application takes note of outcomes, and that is stored along with something else. */
  note(last: number): void {
    const end = this.stored[this.near];
    end.session.reported(this.channel, last, 0);
    end.session.sendMessage(this.#beside, Uint8Array.of(0), 0);
    outputOf(this.stored.pair[this.near]);
    end.write();
  }
}

/** The next process, and what it tells of the channel. */
class Restarted {
  readonly session: SessionEndpoint;
  readonly told: unknown[] = [];
  /** How often the application was called with the channel. */
  calls = 0;
  readonly #stored: StoredPair;
  readonly #near: Side;
  readonly #number: number;
  readonly #end: StoredEnd;

  /** @param application - called with the channel; else it is looked for. */
  constructor(
    { stored, near, channel: number }: Reset,
    application?: (channel: ChannelEndpoint, next: Restarted) => void,
  ) {
    this.#stored = stored;
    this.#near = near;
    this.#number = number;
    const { end, events } = stored[near].restart();
    this.#end = end;
    stored[near] = end;
    this.session = new SessionEndpoint({
      core: end.session,
      environment: systemEnvironment,
      log: silentLog,
      peerIdentity: 'spiffe://hawser.test/peer',
      ...(application && {
        onChannelRequested: (channel) => {
          if (channel.number !== number) return;
          this.calls += 1;
          application(channel, this);
        },
      }),
    });
    for (const event of events) this.session.receive(event);
  }

  /** The channel, where the session has it. */
  get channel(): Channel | undefined {
    return [...this.session.channels].find(({ number }) => number === this.#number);
  }

  /** The channel, which the session has. */
  get found(): Channel {
    if (this.channel === undefined) throw new Error('the channel was not restored');
    return this.channel;
  }

  readonly listen = (channel: Channel): void => {
    channel.onOutcome = ({ first, last, outcome }) => void this.told.push(`${first}-${last} ${outcome.type}`);
  };

  /** Both ends have a connection again, and everything arrives. */
  reconnect(): void {
    reconnect(this.#stored);
    do settle(this.#stored);
    while (this.#receive());
  }

  #receive(): boolean {
    const events = takeEvents(this.#stored.pair)[this.#near];
    for (const event of events) this.session.receive(event);
    return events.length > 0;
  }

  /** Whether the store still has the channel. */
  get kept(): boolean {
    this.#end.write();
    const { events } = this.#end.restart();
    return events.some((event) => 'channel' in event && event.channel === this.#number);
  }
}

const SIDES = ['client', 'server'] as const;

const JUDGED = ['1-1 accepted', '2-2 rejected', '3-3 unknown', '4-5 not-delivered'];

/** Outcomes of which the application has not taken note, where their messages have verdicts. */
const WITH_OUTCOMES = [
  { noted: 0, told: JUDGED },
  { noted: 1, told: JUDGED.slice(1) },
  { noted: 2, told: JUDGED.slice(2) },
  { noted: 3, told: JUDGED.slice(3) },
];

/** Likewise without: an acknowledgement accepts what was sent, and comes before the crash or after it. */
const WITHOUT = [
  { noted: 0, first: '1-' },
  { noted: 1, first: '2-' },
];

const SCENES = SIDES.flatMap((near) => [
  { near, by: near, stage: 'answered' as const },
  { near, by: other(near), stage: 'answered' as const },
  { near, by: near, stage: 'sent' as const },
]);

describe('a channel that was reset before a crash [CNT-042]', () => {
  const judged = SCENES.flatMap((scene) => WITH_OUTCOMES.map((row) => ({ ...scene, ...row }))).filter(
    // Before the answer nobody is told that a message is unknown.
    ({ stage, noted }) => stage === 'answered' || noted < 3,
  );

  it.each(judged)(
    'tells the $near what is not noted behind message $noted, with outcomes (reset by the $by, $stage)',
    async ({ told, ...scene }) => {
      const reset = new Reset({ ...scene, outcomes: true });
      const next = new Restarted(reset);
      const channel = next.found;
      next.listen(channel);
      if (scene.stage === 'sent') expect(next.told).toEqual(told.slice(0, -2));
      else expect(next.told).toEqual(told);
      next.reconnect();
      expect(next.told).toEqual(told);
      const remote = scene.by !== scene.near;
      expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_ERROR', remote });
      expect(next.channel).toBeUndefined();
      expect(next.kept).toBe(false);
    },
  );

  it.each(SCENES.flatMap((scene) => WITHOUT.map((row) => ({ ...scene, ...row }))))(
    'tells the $near what is not noted behind message $noted, without outcomes (reset by the $by, $stage)',
    async ({ first, ...scene }) => {
      const reset = new Reset({ ...scene, outcomes: false });
      const next = new Restarted(reset);
      const channel = next.found;
      next.listen(channel);
      // The answer to its own RESET has come with the acknowledgement of everything before.
      const isAcknowledged = scene.by === scene.near && scene.stage === 'answered';
      const before = isAcknowledged ? [`${first}3 accepted`, '4-5 not-delivered'] : [`${first}2 accepted`];
      expect(next.told).toEqual(before);
      if (!isAcknowledged) expect(next.kept).toBe(true);
      next.reconnect();
      expect(next.told).toEqual(isAcknowledged ? before : [...before, '3-3 accepted', '4-5 not-delivered']);
      const remote = scene.by !== scene.near;
      expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_ERROR', remote });
      expect(next.channel).toBeUndefined();
      expect(next.kept).toBe(false);
    },
  );

  it.each(SCENES)('is not there again when all is noted (the $near, reset by the $by, $stage)', (scene) => {
    const reset = new Reset({ ...scene, outcomes: true, noted: 2 });
    const next = new Restarted(reset);
    next.listen(next.found);
    next.reconnect();
    expect(next.told).toEqual(JUDGED.slice(2));
    const another = new Restarted(reset);
    expect(another.channel).toBeUndefined();
  });

  it.each(SCENES)('is there until all is noted (the $near, reset by the $by, $stage)', (scene) => {
    const reset = new Reset({ ...scene, outcomes: true, noted: 0 });
    const next = new Restarted(reset);
    // It never comes to its end.
    next.found.onOutcome = ({ first }) => (first < 3 ? undefined : new Promise(() => undefined));
    next.reconnect();
    const another = new Restarted(reset);
    another.listen(another.found);
    expect(another.told).toEqual(JUDGED.slice(2));
  });

  it.each(SCENES)('tells also whoever asks when its answer has come (the $near, reset by the $by, $stage)', (scene) => {
    const next = new Restarted(new Reset({ ...scene, outcomes: true, noted: 0 }));
    next.reconnect();
    expect(next.kept).toBe(true);
    next.listen(next.found);
    expect(next.told).toEqual(JUDGED);
    expect(next.channel).toBeUndefined();
    expect(next.kept).toBe(false);
  });

  const over = SCENES.filter(({ stage }) => stage === 'answered');

  it.each(over)('is handed to the application as what it is (the $near, reset by the $by)', async (scene) => {
    const reset = new Reset({ ...scene, outcomes: true, noted: 0 });
    const received: unknown[] = [];
    let sent: Promise<void> | undefined;
    const next = new Restarted(reset, (channel, { listen }) => {
      channel.onMessage = (message) => void received.push(message);
      channel.onEnd = () => void received.push('the end');
      sent = channel.send(Uint8Array.of(6));
      listen(channel);
      expect(channel.sentMessages).toBe(5);
    });
    expect(next.calls).toBe(1);
    await expect(sent).rejects.toThrow('abandoned');
    expect(received).toEqual([]);
    expect(next.told).toEqual(JUDGED);
    expect(next.kept).toBe(false);
  });

  it.each(over)('is forgotten when the application does not ask (the $near, reset by the $by)', (scene) => {
    for (const outcomes of [true, false]) {
      const next = new Restarted(new Reset({ ...scene, outcomes, noted: 0 }), () => undefined);
      expect(next.calls).toBe(1);
      next.reconnect();
      expect(next.kept).toBe(false);
    }
  });

  it.each(over)('is kept while the application is about to ask (the $near, reset by the $by)', async (scene) => {
    for (const outcomes of [true, false]) {
      let listen: () => void = () => undefined;
      const asked = new Promise<void>((resolve) => (listen = resolve));
      const next = new Restarted(new Reset({ ...scene, outcomes, noted: 0 }), (channel, { listen: take }) => {
        channel.work(asked.then(() => take(channel)));
      });
      next.reconnect();
      expect(next.kept).toBe(true);
      listen();
      await asked;
      await Promise.resolve();
      expect(next.told.at(-1)).toBe('4-5 not-delivered');
      expect(next.kept).toBe(false);
    }
  });

  it.each(over)('is there until somebody asks, or says that nobody does (the $near, reset by the $by)', (scene) => {
    const reset = new Reset({ ...scene, outcomes: true, noted: 0 });
    const next = new Restarted(reset);
    next.reconnect();
    expect(next.kept).toBe(true);
    next.found.reset();
    expect(next.channel).toBeUndefined();
    expect(next.kept).toBe(false);
  });

  it.each(SIDES)('has its outcomes where the session ends before it is acknowledged (the %s)', (near) => {
    const reset = new Reset({ near, by: other(near), stage: 'answered', outcomes: false, noted: 0 });
    const next = new Restarted(reset);
    next.listen(next.found);
    const fates = next.session.core.fates(undefined);
    next.session.core.end();
    next.session.finish({ ...LOST, ...fates });
    expect(next.told).toEqual(['1-2 accepted', '3-3 unknown', '4-5 not-delivered']);
  });

  it('is not held by the client any more [CHN-009]', () => {
    const reset = new Reset({ near: 'server', by: 'server', outcomes: true, stage: 'answered', noted: 0 });
    const next = new Restarted(reset);
    // One beside it is open.
    expect(next.session.core.channels.set.held).toBe(1);
    expect([...next.session.core.channels.set.lingering()]).toHaveLength(1);
  });
});

describe('a channel that is reset', () => {
  it.each(SIDES)('is not stored any longer than its outcomes are not noted (by the %s) [CNT-042]', (by) => {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    const { pair, client } = stored;
    pair.client.sendMessage(channel, Uint8Array.of(1), 0);
    settle(stored);
    pair[by].resetChannel(channel, 'CANCELLED', 0);
    settle(stored);
    expect(client.restart().events.map(({ type }) => type)).toEqual([
      'channel-restored',
      by === 'client' ? 'channel-closed' : 'channel-reset',
    ]);
    client.session.reported(channel, 1, 0);
    expect(client.write()).toBe(true);
    expect(client.restart().events).toEqual([]);
  });

  it.each(SIDES)('is not stored where it had no messages (by the %s)', (by) => {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    stored.pair[by].resetChannel(channel, 'CANCELLED', 0);
    settle(stored);
    expect(stored.client.restart().events).toEqual([]);
    expect(stored.server.restart().events).toEqual([]);
  });
});

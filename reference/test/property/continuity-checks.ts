import { expect } from 'vitest';
import { decodeState } from '../../core/session-state.ts';
import { type Continuity, other, SIDES, type SideName } from './continuity.ts';

/** A session with two channels that are open, so that there is something to do from the first step on. */
export function begin(real: Continuity): void {
  real.open({ outcomes: false, priority: 'normal' });
  real.open({ outcomes: true, priority: 'urgent' });
  real.settle();
  for (const channel of real.server.waiting.splice(0)) {
    real.server.session!.opened(channel, {}, real.now);
    real.server.channels.get(channel)!.opened = true;
  }
  real.settle();
}

/** At rest everything was delivered exactly once and has its outcome; what was abandoned, in part. */
export function checkRest(real: Continuity): void {
  for (const name of SIDES) {
    for (const [number, side] of real[name].channels) {
      const peer = real[other(name)].channels.get(number);
      const effects = peer?.effects ?? [];
      expect(effects.every((data, index) => Buffer.compare(data, side.sent[index]!) === 0)).toBe(true);
      if (side.over)
        expect({ name, number, told: side.results.size }).toEqual({ name, number, told: side.sent.length });
      if (real.abandoned.has(number)) continue;
      expect(effects).toHaveLength(side.sent.length);
      const accepted = [...side.results.values()].filter(
        ({ outcome }) => outcome === 'accepted' || outcome === 'rejected',
      );
      expect({ name, number, accepted: accepted.length }).toEqual({ name, number, accepted: side.sent.length });
      expect(real[name].session!.queuedBytes(number)).toBe(0);
    }
  }
}

/** At rest a store holds nothing but the state: no frame, no message, no channel that is over, whatever became of it. */
export function checkStores(real: Continuity): void {
  for (const name of SIDES) {
    const { store } = real[name];
    const kept = [...store.keys()].filter((key) => key !== 'state');
    expect({ name, kept }).toEqual({ name, kept: [] });
    const state = store.get('state');
    const over = state && decodeState(state).channels.filter((channel) => channel.state === 'closed');
    expect({ name, over: over ?? [] }).toEqual({ name, over: [] });
  }
}

/** At rest CLOSE ends both ends in order, and leaves no message in doubt but those of channels that were abandoned. */
export function checkClose(real: Continuity): void {
  const { wire } = real.client;
  real.note(wire!, 'client', wire!.client.close('NO_ERROR', real.now));
  real.settle();
  for (const name of SIDES) {
    const { end, session } = real[name];
    expect(session!.state).toBe('ended');
    expect(end).toMatchObject({ outcome: 'orderly', session: 'ended', acceptedMessages: [] });
    const doubtful = [...end!.unknownMessages, ...end!.undeliveredMessages];
    expect(doubtful.filter(({ channel }) => !real.abandoned.has(channel))).toEqual([]);
  }
}

/** Whatever the end was: what one end says of a message is what the other end knows. [CNT-042] */
export function checkOutcomes(real: Continuity): void {
  for (const name of SIDES) {
    for (const [number, side] of real[name].channels) {
      const peer = real[other(name)].channels.get(number);
      for (const [message, { outcome }] of side.results) {
        const taken = message <= (peer?.effects.length ?? 0);
        // What its receiver has abandoned is acknowledged, and discarded.
        const due = outcome !== 'unknown' && !real.abandoned.has(number);
        const wrong = outcome === 'not-delivered' ? taken : due && !taken;
        if (wrong)
          throw new Error(`Message ${number}/${message} of the ${name} is ${outcome}, taken: ${String(taken)}.`);
      }
    }
  }
}

/** Every message of a channel that nobody abandoned has an outcome. */
export function checkComplete(real: Continuity, name: SideName): void {
  for (const [number, side] of real[name].channels) {
    if (real.abandoned.has(number)) continue;
    expect({ name, number, outcomes: side.results.size }).toEqual({ name, number, outcomes: side.sent.length });
  }
}

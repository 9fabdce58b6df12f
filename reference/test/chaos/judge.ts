import { TIMERS } from '../../core/index.ts';
import type { Effect, Entry, OutcomeEntry } from './ledger.ts';
import { DIRECTIONS, type Direction, type Stream, type Traffic, digestOf, verdictOf } from './traffic.ts';

/** What was found of one stream in one direction. */
export interface Finding {
  readonly stream: Stream;
  readonly direction: Direction;
  readonly octets: number;
  readonly lost: number;
  readonly twice: number;
  readonly outOfOrder: number;
  readonly altered: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Messages without an outcome, with more than one, or with one that contradicts the other end. */
  readonly wrongOutcomes: number;
}

export interface Judgement {
  readonly findings: readonly Finding[];
  /** Messages that came again after a crash, and had no effect again. */
  readonly redelivered: number;
  /** Everything that must not be, in words. */
  readonly violations: readonly string[];
}

/** Judges a run by nothing but what both applications have noted. */
export function judge(traffic: Traffic, client: readonly Entry[], server: readonly Entry[]): Judgement {
  const violations: string[] = [];
  const findings = DIRECTIONS.flatMap((direction) =>
    traffic.streams.map((stream) => {
      const [sender, receiver] = direction === 'up' ? [client, server] : [server, client];
      return judgeStream(traffic, stream, direction, sender, receiver, violations);
    }),
  );
  const redelivered = judgeRepeats(client, violations) + judgeRepeats(server, violations);
  // Where a relay stands between, each side has a session of its own.
  for (const [side, entries] of Object.entries({ client, server })) {
    const sessions = new Set(entries.flatMap((entry) => (entry.type === 'effect' ? entry.key.split('/')[0] : [])));
    if (sessions.size > 1) violations.push(`the work of the ${side} was done in ${sessions.size} sessions`);
  }
  return { findings, redelivered, violations };
}

/** Judges what came again to one side; returns how much did. */
function judgeRepeats(receiver: readonly Entry[], violations: string[]): number {
  const effects = new Map(receiver.flatMap((entry) => (entry.type === 'effect' ? [[entry.key, entry.at]] : [])));
  const repeats = receiver.filter((entry) => entry.type === 'repeat');
  for (const { key, redelivered, at } of repeats) {
    if (redelivered) continue;
    // Its process was killed or stopped before the application could note the effect, and had the message first; or two
    // servers had it at the same time. [CNT-062]
    const lateMs = at.time - (effects.get(key)?.time ?? 0);
    if (lateMs <= TIMERS.epoch_confirmation_ms) continue;
    violations.push(`message ${key} came again ${lateMs} ms after its effect and was not marked as redelivered`);
  }
  return repeats.length;
}

function judgeStream(
  traffic: Traffic,
  stream: Stream,
  direction: Direction,
  sender: readonly Entry[],
  receiver: readonly Entry[],
  violations: string[],
): Finding {
  const { application, messages, outcomes } = stream;
  const where = (number: number): string => `message ${number} ${direction} ${application}`;
  const effects = receiver.filter(
    (entry): entry is Effect => entry.type === 'effect' && entry.application === application,
  );
  const verdicts = new Map<number, number>();
  const counts = {
    octets: 0,
    lost: 0,
    twice: 0,
    outOfOrder: 0,
    altered: 0,
    wrongOutcomes: 0,
    accepted: 0,
    rejected: 0,
  };
  let last = 0;
  for (const { number, octets, digest, verdict, key } of effects) {
    counts.octets += octets;
    if (verdicts.has(number)) {
      counts.twice += 1;
      violations.push(`${where(number)} had two effects`);
    } else if (number !== last + 1) {
      counts.outOfOrder += 1;
      violations.push(`${where(number)} had its effect after that of message ${last}`);
    }
    last = Math.max(last, number);
    verdicts.set(number, verdict);
    const expected = number <= messages ? digestOf(traffic.message(stream, direction, number)) : undefined;
    if (digest !== expected || verdict !== (outcomes ? verdictOf(expected) : 0) || !key.endsWith(`/${number}`)) {
      counts.altered += 1;
      violations.push(`${where(number)} is not the one that was sent`);
    }
  }
  const told = outcomesOf(sender, application);
  for (let number = 1; number <= messages; number += 1) {
    const verdict = verdicts.get(number);
    const outcome = told.get(number) ?? [];
    if (verdict === undefined) {
      counts.lost += 1;
      violations.push(`${where(number)} is lost`);
    } else if (verdict === 0) counts.accepted += 1;
    else counts.rejected += 1;
    const expected = verdict === undefined || verdict === 0 ? 'accepted' : `rejected with ${verdict}`;
    if (outcome.length === 1 && outcome[0] === expected) continue;
    counts.wrongOutcomes += 1;
    violations.push(
      `${where(number)} is ${expected} at its receiver, at its sender ${outcome.join(', ') || 'without outcome'}`,
    );
  }
  return { stream, direction, ...counts };
}

/** What the sender was told of each message; the same again, after a crash, is nothing new. */
function outcomesOf(sender: readonly Entry[], application: string): Map<number, string[]> {
  const told = new Map<number, string[]>();
  for (const { first, last, outcome } of sender.filter(
    (entry): entry is OutcomeEntry => entry.type === 'outcome' && entry.application === application,
  )) {
    const text = outcome.type === 'rejected' ? `rejected with ${outcome.verdict}` : outcome.type;
    for (let number = first; number <= last; number += 1) {
      const before = told.get(number);
      if (before === undefined) told.set(number, [text]);
      else if (!before.includes(text)) before.push(text);
    }
  }
  return told;
}

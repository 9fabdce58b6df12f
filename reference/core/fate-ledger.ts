import type { MessageRange } from './events.ts';

/** Messages of one channel with consecutive numbers, whose last fragments lie `stride` sequence numbers apart. */
interface Run {
  readonly channel: number;
  /** Sequence number with which it began: runs are listed in this order. */
  readonly startSeq: number;
  firstNumber: number;
  firstSeq: number;
  lastNumber: number;
  lastSeq: number;
  /** Without meaning while the run is one message. */
  stride: number;
}

/** The run that a channel's next message may continue. */
export interface RunHolder {
  readonly number: number;
  run: Run | undefined;
}

/** Runs from which on the peer is asked, with a PING, how far it has come. */
const BARRIER_RUNS = 1024;

/** Runs at which no further message is begun before the peer has answered. */
const MAX_RUNS = 65_536;

/**
 * Which messages have been sent and have no outcome yet. [SES-018] [CNT-042]
 *
 * A message is received when the sequence number of its last fragment is within what the peer has processed: a PONG
 * tells so for everything before its PING, ACK and CLOSE for everything within their cursor. Regular traffic is a few
 * runs, however many messages it has.
 */
export class FateLedger {
  #runs: Run[] = [];

  /** Whether a PING should be sent to find out more. */
  get wantsBarrier(): boolean {
    return this.#runs.length >= BARRIER_RUNS;
  }

  /** Whether no further message may be begun. */
  get full(): boolean {
    return this.#runs.length >= MAX_RUNS;
  }

  /**
   * A message has been sent completely. Sequence numbers never fall from call to call.
   *
   * @param holder - its channel.
   * @param number - its number on the channel.
   * @param seq - sequence number of its last fragment; 0 when nothing but its verdict is awaited.
   */
  sent(holder: RunHolder, number: number, seq: number): void {
    const run = holder.run;
    if (run !== undefined && run.lastNumber + 1 === number) {
      const stride = seq - run.lastSeq;
      if (run.stride === stride || run.firstNumber === run.lastNumber) {
        run.stride = stride;
        run.lastNumber = number;
        run.lastSeq = seq;
        return;
      }
    }
    const added: Run = {
      channel: holder.number,
      startSeq: seq,
      firstNumber: number,
      firstSeq: seq,
      lastNumber: number,
      lastSeq: seq,
      stride: 0,
    };
    holder.run = added;
    this.#runs.push(added);
  }

  /**
   * The peer has processed everything up to a sequence number: forget those messages.
   *
   * @param forgotten - takes their ranges.
   */
  received(cursor: number, forgotten?: MessageRange[]): void {
    const runs = this.#runs;
    let seen = 0;
    let kept = 0;
    for (; seen < runs.length; seen += 1) {
      const run = runs[seen];
      if (run === undefined || run.startSeq > cursor) break;
      const { channel, firstNumber, firstSeq } = run;
      if (run.lastSeq <= cursor) {
        forgotten?.push({ channel, first: firstNumber, last: run.lastNumber });
        dissolve(run);
        continue;
      }
      if (firstSeq <= cursor) {
        const known = Math.floor((cursor - firstSeq) / run.stride) + 1;
        forgotten?.push({ channel, first: firstNumber, last: firstNumber + known - 1 });
        run.firstNumber += known;
        run.firstSeq += known * run.stride;
      }
      runs[kept] = run;
      kept += 1;
    }
    if (kept < seen) runs.splice(kept, seen - kept);
  }

  /**
   * The messages of a channel through a number need not be remembered any more.
   *
   * @param forgotten - takes their ranges.
   */
  settled(channel: number, last: number, forgotten?: MessageRange[]): void {
    this.#runs = this.#runs.filter((run) => {
      if (run.channel !== channel || run.firstNumber > last) return true;
      forgotten?.push({ channel, first: run.firstNumber, last: Math.min(run.lastNumber, last) });
      if (run.lastNumber <= last) {
        dissolve(run);
        return false;
      }
      run.firstSeq += (last + 1 - run.firstNumber) * run.stride;
      run.firstNumber = last + 1;
      return true;
    });
  }

  /** Some messages of a channel that is over need not be remembered any more: what is left of a run stays in its place. */
  forget(range: MessageRange): void {
    const { channel, first, last } = range;
    this.#runs = this.#runs.flatMap((run) => {
      if (run.channel !== channel || run.lastNumber < first || run.firstNumber > last) return [run];
      const rest = [part(run, run.firstNumber, first - 1), part(run, last + 1, run.lastNumber)];
      dissolve(run);
      return rest.filter(({ firstNumber, lastNumber }) => firstNumber <= lastNumber);
    });
  }

  /** The messages that are left, by channel and number. */
  ranges(): readonly MessageRange[] {
    return joinRanges(
      this.#runs.map(({ channel, firstNumber, lastNumber }) => ({ channel, first: firstNumber, last: lastNumber })),
    );
  }
}

/** The messages of a run with these numbers. */
function part(run: Run, firstNumber: number, lastNumber: number): Run {
  const seqOf = (number: number): number => run.firstSeq + (number - run.firstNumber) * run.stride;
  return { ...run, firstNumber, firstSeq: seqOf(firstNumber), lastNumber, lastSeq: seqOf(lastNumber) };
}

/** A channel may still hold the run: it must not continue it outside of the list. */
function dissolve(run: Run): void {
  run.lastNumber = -1;
}

/** Sorts ranges by channel and number, and joins those that touch. */
export function joinRanges(ranges: readonly MessageRange[]): readonly MessageRange[] {
  const joined: MessageRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.channel - b.channel || a.first - b.first)) {
    const previous = joined.at(-1);
    if (previous?.channel === range.channel && previous.last + 1 === range.first) {
      joined[joined.length - 1] = { ...previous, last: range.last };
    } else joined.push(range);
  }
  return joined;
}

/** Takes single messages out of ranges. */
export function withoutMessages(
  ranges: readonly MessageRange[],
  messages: readonly { readonly channel: number; readonly message: number }[],
): readonly MessageRange[] {
  return messages.reduce<readonly MessageRange[]>(
    (rest, { channel, message }) =>
      rest.flatMap((range) => {
        if (range.channel !== channel || message < range.first || message > range.last) return [range];
        const before = { ...range, last: message - 1 };
        const after = { ...range, first: message + 1 };
        return [before, after].filter(({ first, last }) => first <= last);
      }),
    ranges,
  );
}

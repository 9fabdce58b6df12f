import type { TLSSocket } from 'node:tls';
import { type Connection, type Event, LIMITS, TIMERS } from '../../core/index.ts';
import type { DeadlineQueue, ScheduledTask } from '../deadline-queue.ts';

/**
 * Octets that may wait for a peer that does not read, before it is not read from either. Of messages the engine lets out one
 * flush of 64 KiB and a frame; what is beyond that are answers to what the peer sends.
 */
const MAX_PENDING_BYTES = 128 * 1024;

/**
 * Octets of answers that leave before the rest of a chunk is handled: the peer works on them in the meantime. Less would
 * cost a record and a system call for too few messages.
 */
const EARLY_BYTES = 2048;

/** The largest TLS record in octets: what is written in one call needs no more records than it has of these. */
const RECORD_BYTES = 16_384;

/** Records after which a connection is left: three quarters of what it may send. [CNT-056] */
const SPENT_RECORDS = (LIMITS.max_connection_records / 4) * 3;

/** What the owner of a {@link SocketPump} is told. */
export interface PumpOwner {
  /** An event of the engine. What it throws is a bug of the owner, not of the application. */
  event(event: Event): void;
  /** What could be written is written. */
  flushed?(): void;
  /** So many TLS records were sent that the connection has to be left in time. Told once. [CNT-056] */
  nearlySpent?(): void;
  /** The socket is gone; the last call. */
  gone(): void;
}

/**
 * Moves octets between one TLS socket and one engine, and time into the engine: the only place that reads, writes and
 * closes an established socket.
 *
 * Everything that the engine puts out while one chunk is handled leaves in one write at the end of the chunk; what
 * commands cause outside of that leaves on the next tick. There is no timed delay.
 */
export class SocketPump {
  readonly connection: Connection;
  readonly #socket: TLSSocket;
  readonly #deadlines: DeadlineQueue;
  readonly #owner: PumpOwner;
  readonly #task: ScheduledTask;
  readonly #waiting: Event[] = [];
  readonly #beforeWrite: (() => void)[] = [];
  /** Inside of {@link #turn}: what happens now is flushed at its end. */
  #turning = false;
  #flushScheduled = false;
  /** The time that the turn, or the flush that is scheduled, began at. */
  #now = 0;
  #paused = false;
  /** The owner has stopped reading. */
  #held = false;
  #outputEnded = false;
  /** TLS records sent, at most. */
  #records = 0;
  /** When the socket is cut, come what may. */
  #cutAt = Infinity;
  #gone = false;

  constructor(socket: TLSSocket, connection: Connection, deadlines: DeadlineQueue, owner: PumpOwner) {
    this.connection = connection;
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#owner = owner;
    this.#task = deadlines.add((now) => this.#tick(now));
  }

  /** Begins to read and write. */
  start(): void {
    const socket = this.#socket;
    let failure: Error | undefined;
    socket.on('data', (chunk: Buffer) => this.#turn(this.connection.receive(chunk, this.now())));
    socket.on('drain', () => {
      this.now();
      this.#turn([]);
    });
    socket.on('end', () => this.#turn(this.connection.peerEnded(this.now())));
    socket.on('error', (error: Error) => {
      failure = error;
    });
    socket.on('close', () => {
      this.#gone = true;
      this.#task.cancel();
      this.#turn(this.connection.transportEnded(this.now(), failure));
      this.#owner.gone();
    });
    this.#turn([]);
  }

  /**
   * Time of the clock that the engine lives by. Within a turn it stands still: reading the clock for each message costs
   * more than a frame.
   */
  now(): number {
    if (!this.#turning && !this.#flushScheduled) this.#now = this.#deadlines.now();
    return this.#now;
  }

  /** Handles the events that a command returned, and flushes what it put out. */
  handle(events: readonly Event[]): void {
    if (this.#turning) this.#waiting.push(...events);
    else if (events.length > 0) this.#turn(events);
    else this.flushSoon();
  }

  /** Flushes what commands put out: at the end of the chunk that is being handled, else on the next tick. */
  flushSoon(): void {
    if (this.#turning || this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(this.#flushNow);
  }

  /** Runs a task once, before the next octets are written. */
  beforeWrite(task: () => void): void {
    this.#beforeWrite.push(task);
    this.flushSoon();
  }

  /** Cuts the connection without another octet. */
  destroy(): void {
    this.#socket.destroy();
  }

  readonly #flushNow = (): void => {
    this.#flushScheduled = false;
    this.#turn([]);
  };

  #tick(now: number): number | undefined {
    if (now >= this.#cutAt) {
      this.#socket.destroy();
      return undefined;
    }
    this.#now = now;
    this.#turn(this.connection.tick(now));
    // Past the close deadline nobody waits for a peer that does not read. [SES-015]
    if (this.connection.finished) this.#socket.destroy();
    return this.#nextDeadline();
  }

  #nextDeadline(): number | undefined {
    if (this.#gone) return undefined;
    return Math.min(this.connection.nextDeadline() ?? Infinity, this.#cutAt);
  }

  /** Handles events, then whatever these cause, then writes; until nothing is left to do. */
  #turn(events: readonly Event[]): void {
    if (this.#turning) {
      this.#waiting.push(...events);
      return;
    }
    this.#turning = true;
    try {
      for (const event of events) {
        this.#owner.event(event);
        if (this.connection.pendingBytes >= EARLY_BYTES && !this.#socket.writableNeedDrain) this.#write();
      }
      do {
        for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
          this.#owner.event(event);
        }
        this.#write();
        this.#waiting.push(...this.connection.takeEvents());
      } while (this.#waiting.length > 0);
    } finally {
      this.#turning = false;
      this.#owner.flushed?.();
      this.#end();
      if (!this.#gone) this.#task.by(this.#nextDeadline());
    }
  }

  #write(): void {
    const socket = this.#socket;
    for (let task = this.#beforeWrite.pop(); task !== undefined; task = this.#beforeWrite.pop()) task();
    while (socket.writable && !socket.writableNeedDrain) {
      const chunks = this.connection.takeOutput();
      const [only] = chunks;
      if (only === undefined) break;
      if (chunks.length === 1) {
        socket.write(only);
        this.#count(only.length);
        continue;
      }
      socket.cork();
      for (const chunk of chunks) {
        socket.write(chunk);
        this.#count(chunk.length);
      }
      socket.uncork();
    }
    this.#balance();
  }

  #count(octets: number): void {
    const before = this.#records;
    this.#records += Math.ceil(octets / RECORD_BYTES);
    if (before < SPENT_RECORDS && this.#records >= SPENT_RECORDS) this.#owner.nearlySpent?.();
  }

  /** Reads nothing until `resumeReading`: the session goes to another connection. [CNT-019] */
  pauseReading(): void {
    this.#held = true;
    this.#socket.pause();
  }

  /** Goes on reading. */
  resumeReading(): void {
    this.#held = false;
    if (!this.#paused) this.#socket.resume();
  }

  /**
   * Stops reading from a peer that does not read the answers to what it sends. Messages do not count: credit and the
   * engine's queue hold them back, and two ends that stopped reading for the sake of their own messages would wait for
   * each other.
   */
  #balance(): void {
    const full = this.connection.pendingBytes > MAX_PENDING_BYTES;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else if (!this.#held) this.#socket.resume();
  }

  #end(): void {
    const socket = this.#socket;
    if (this.#gone || socket.destroyed) return;
    if (this.connection.outputEnded && !this.#outputEnded && !socket.writableNeedDrain) {
      this.#outputEnded = true;
      socket.end();
    }
    if (this.connection.finished && this.#cutAt === Infinity) {
      // What is still in the socket's buffer, our CLOSE perhaps, may leave.
      this.#cutAt = this.now() + TIMERS.close_deadline_ms;
      socket.destroySoon();
    }
  }
}

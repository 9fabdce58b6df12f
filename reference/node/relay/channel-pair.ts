import { ERRORS, type ErrorName, type HawserError } from '../../core/index.ts';
import type { ChannelRequest, RefusalCode } from '../server/application.ts';
import type { ChannelEnd, ChannelEndpoint, ResetCode } from '../session/channel.ts';
import type { Log } from '../log.ts';
import type { ChannelRecord } from './channel-record.ts';
import { type ClientObserver, watchClient } from './client-watch.ts';
import { Passage } from './passage.ts';

/** The code that one leg passes on to the other: what may not cross a boundary stays. [RLY-032] */
export function passedOn(code: ErrorName): ErrorName {
  if (code === 'CHANNEL_LIMIT') return 'BUSY';
  return ERRORS[code].boundary ? code : 'APPLICATION_ERROR';
}

const HEARD: Promise<void> = Promise.resolve();

/**
 * A channel of a client and the one on the trunk that carries it further (sections 13.2 to 13.7). After a crash that of the
 * trunk is there first, and waits for the other.
 */
export class ChannelPair implements ClientObserver {
  readonly #down: ChannelEndpoint;
  readonly #log: Log;
  /** From the client to the application end, and back. */
  readonly #forth: Passage;
  #back: Passage | undefined;
  #up: ChannelEndpoint | undefined;
  #record: ChannelRecord | undefined;
  /** Resolves when nothing of the client is held back. [RLY-035] */
  #heard: Promise<void> = HEARD;
  #hearAgain: () => void = () => undefined;

  /** @param down - the channel on the trunk. */
  constructor(down: ChannelEndpoint, log: Log) {
    this.#down = down;
    down.keepEnd();
    this.#log = log;
    this.#forth = new Passage(down, {
      passed: (bytes) => this.#record?.messageIn(bytes),
      unfit: (error) => this.#unfit(error),
      heard: () => HEARD,
    });
  }

  /** The client's channel is there. Resolves when the application end has answered. */
  async join(up: ChannelEndpoint, request: ChannelRequest, record: ChannelRecord): Promise<void> {
    const down = this.#down;
    this.#up = up;
    this.#record = record;
    up.keepEnd();
    void this.#leaveEnds(up);
    this.#back = new Passage(up, {
      passed: (bytes) => record.messageOut(bytes),
      unfit: (error) => this.#unfit(error),
      heard: () => this.#heard,
    });
    const unwatch = watchClient(request.session, this);
    if (request.session.revoked) this.clientRevoked();
    void up.closed.then((end) => {
      unwatch();
      this.#upEnded(end);
    });
    void down.closed.then((end) => this.#downEnded(end, request));
    down.onProve = (payload) => void this.#prove(payload, request);
    try {
      await down.opened;
    } catch {
      // What has become of it is told where the channel ends.
      return;
    }
    if (!request.restored) request.accept({ payload: down.openedPayload });
    this.#forth.join(up);
    this.#back.join(down);
  }

  /** The client's channel was reset before a restart, and the application end may not know. [RLY-034] */
  resetBy(up: ChannelEndpoint): void {
    this.#up = up;
    void this.#leaveEnds(up);
    void up.closed.then((end) => this.#upEnded(end));
  }

  /**
   * Each leg keeps its end until the other one has stored what follows from it. The trunk lets go first: a channel of a client
   * finds out that it is alone, one of the trunk would wait for a client. [RLY-019] [RLY-020] [RLY-034]
   */
  async #leaveEnds(up: ChannelEndpoint): Promise<void> {
    const down = this.#down;
    await Promise.all([up.closed, down.closed]);
    if (await storedOrOver(up)) down.leaveEnd();
    if (await storedOrOver(down)) up.leaveEnd();
  }

  /** [RLY-035] */
  clientRevoked(): void {
    this.#down.pause();
    this.#heard = new Promise((resolve) => (this.#hearAgain = resolve));
  }

  clientBack(): void {
    this.#down.resume();
    this.#hearAgain();
    this.#heard = HEARD;
  }

  clientGone(): void {
    // The channel tells.
  }

  /** Nobody comes any more for a channel of the trunk. [RLY-034] */
  abandon(): void {
    this.#forth.release();
    this.#down.leaveEnd();
    this.#down.reset('CANCELLED');
  }

  /** [RLY-050] [RLY-051] */
  async #prove(payload: Uint8Array, request: ChannelRequest): Promise<void> {
    if (request.forwarded !== undefined) {
      request.refuse('PROOF_UNAVAILABLE');
      this.#down.reset('PROOF_UNAVAILABLE');
      return;
    }
    try {
      const proof = await request.provePayload(payload);
      await this.#heard;
      this.#down.sendProof(proof);
    } catch (error) {
      this.#log.info({ application: this.#down.application, err: error }, 'the client has given no proof');
      this.#down.reset('PROOF_INVALID');
    }
  }

  #downEnded(end: ChannelEnd, request: ChannelRequest): void {
    if (end.type === 'closed') return;
    this.#back?.release();
    switch (end.type) {
      case 'refused':
        request.refuse(passedOn(end.code) as RefusalCode, end.error.retryAfterMs);
        return;
      case 'reset':
        if (end.remote) this.#endUp(passedOn(end.code) as ResetCode, request);
        return;
      case 'session-ended':
        this.#endUp('APPLICATION_LOST', request);
    }
  }

  /** Where the client waits for an answer it is refused. */
  #endUp(code: ResetCode, request: ChannelRequest): void {
    const isRefusal = (ERRORS[code].frames as readonly string[]).includes('REFUSED');
    request.refuse(
      isRefusal ? (code as RefusalCode) : code === 'APPLICATION_LOST' ? 'ROUTE_UNREACHABLE' : 'APPLICATION_ERROR',
    );
    this.#up?.reset(code);
  }

  #upEnded(end: ChannelEnd): void {
    // What was sent before END still has to arrive.
    if (end.type === 'closed') return;
    this.#forth.release();
    if (end.type === 'session-ended') this.#down.reset('CANCELLED');
    else if (end.type === 'reset' && end.remote) this.#down.reset(passedOn(end.code) as ResetCode);
  }

  #unfit(error: unknown): void {
    this.#log.warn(
      { application: this.#down.application, err: error as HawserError },
      'a message does not fit the next leg',
    );
    this.#up?.reset('FRAMING_INVALID');
    this.#down.reset('FRAMING_INVALID');
  }
}

/** Whether everything so far is stored, or of no use any more because the session is over. */
async function storedOrOver(channel: ChannelEndpoint): Promise<boolean> {
  try {
    await channel.stored();
    return true;
  } catch {
    return channel.sessionEnding;
  }
}

import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import type { Kit } from '../../testee/kit-files.ts';
import { SetupFailure } from '../failure.ts';
import type { Place } from '../listen-on.ts';
import { listenOn } from '../listen-on.ts';
import { Mutex } from './mutex.ts';
import { SharedTrunk } from './shared-trunk.ts';
import { SocketEnds } from './socket-ends.ts';

/** Ports of the application ends, counted from the one that the relay is told (annex A). */
export const PORT: Readonly<Record<'shared' | 'tcp' | 'tls' | 'solo' | 'closed', number>> = {
  shared: 0,
  tcp: 1,
  tls: 2,
  solo: 3,
  closed: 4,
};

/** Below what systems give to outgoing connections, so that the port at which nobody listens stays free. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const TRIES = 50;

/** Everything behind a relay under test: the harness plays each application end of its test routes. */
export class ApplicationEnds {
  readonly place: Place;
  readonly trunk: SharedTrunk;
  readonly tcp: SocketEnds;
  readonly tls: SocketEnds;
  /** Who has the trunk that one case at a time has for itself. */
  readonly soloTurn: Mutex = new Mutex();

  private constructor(place: Place, trunk: SharedTrunk, tcp: SocketEnds, tls: SocketEnds) {
    this.place = place;
    this.trunk = trunk;
    this.tcp = tcp;
    this.tls = tls;
  }

  /**
   * Listens at a port and those behind it; port 0 for any that are free.
   *
   * @throws SetupFailure where somebody else listens on one of them.
   */
  static async listen(kit: Kit, place: Place, stepMs: number): Promise<ApplicationEnds> {
    if (place.port !== 0) return ApplicationEnds.#at(kit, place, stepMs);
    for (let tries = 1; ; tries += 1) {
      const port = randomInt(FIRST_PORT, LAST_PORT);
      try {
        return await ApplicationEnds.#at(kit, { ...place, port }, stepMs);
      } catch (error) {
        if (!(error instanceof SetupFailure) || tries === TRIES) throw error;
      }
    }
  }

  /** Where an end is. */
  at(end: keyof typeof PORT): Place {
    return { ...this.place, port: this.place.port + PORT[end] };
  }

  async close(): Promise<void> {
    await Promise.all([this.trunk.close(), this.tcp.close(), this.tls.close()]);
  }

  static async #at(kit: Kit, place: Place, stepMs: number): Promise<ApplicationEnds> {
    const at = (end: keyof typeof PORT): Place => ({ ...place, port: place.port + PORT[end] });
    // Nobody else may be at the ports that come and go either.
    for (const end of ['solo', 'closed'] as const) {
      const probe = createServer();
      await listenOn(probe, at(end));
      await new Promise<void>((resolve) => probe.close(() => resolve()));
    }
    const tcp = await SocketEnds.listen(at('tcp'), stepMs);
    const closing: { close(): Promise<void> }[] = [tcp];
    try {
      const tls = await SocketEnds.listen(at('tls'), stepMs);
      closing.push(tls);
      return new ApplicationEnds(place, await SharedTrunk.listen(kit, at('shared'), stepMs), tcp, tls);
    } catch (error) {
      await Promise.all(closing.map((ends) => ends.close()));
      throw error;
    }
  }
}

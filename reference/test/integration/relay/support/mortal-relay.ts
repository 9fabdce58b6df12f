import { onTestFinished } from 'vitest';
import { decodeState } from '../../../../core/session-state.ts';
import { type Relay, type Session, TEST_MODE_PARAMETERS, createRelay } from '../../../../node/index.ts';
import type { Batch, SessionStore } from '../../../../store/index.ts';
import { CutProxy } from '../../support/cut-proxy.ts';
import { connectClient } from '../../support/endpoints.ts';
import { type Kit, RELAY_IDENTITY, SERVER_IDENTITY } from '../../support/kit.ts';
import { StoredMemory, withMethods } from '../../support/stores.ts';

/** Something that the relay changes in one of its stores. */
export interface Change {
  /** Counts those of one life, in both stores, from 1. */
  readonly nth: number;
  readonly store: 'clients' | 'trunks';
  /** What `commit` was given. */
  readonly batch: Batch | undefined;
}

/** Whether the process ends at a change: before it is on disk, or when it is and nobody knows. */
export type Fate = 'dies before' | 'dies behind' | undefined;

const CHANGES = ['create', 'attach', 'commit', 'note', 'end', 'detached'] as const;
const QUESTIONS = ['load', 'list', 'count', 'sweep'] as const;

const NEVER: Promise<never> = new Promise(() => undefined);

/** One process of a {@link MortalRelay}. What it asks a store for when it is dead never happens, and has no answer. */
class Life {
  readonly #proxy: CutProxy;
  readonly #decide: (change: Change) => Fate;
  #relay: Relay | undefined;
  #changes = 0;
  #dead = false;
  #tell: () => void = () => undefined;
  /** Resolves when it dies. */
  readonly over = new Promise<void>((resolve) => (this.#tell = resolve));

  private constructor(proxy: CutProxy, decide: (change: Change) => Fate) {
    this.#proxy = proxy;
    this.#decide = decide;
  }

  static async start(serverPort: number, decide: (change: Change) => Fate): Promise<Life> {
    return new Life(await CutProxy.start(serverPort), decide);
  }

  /** Returns its port; undefined when it has died before it listened. */
  async listen(kit: Kit, clients: SessionStore, trunks: SessionStore): Promise<number | undefined> {
    const { port } = this.#proxy;
    this.#relay = createRelay({
      credential: kit.relay,
      ...kit.trust,
      routes: [{ application: '*', kind: 'hawser', host: '127.0.0.1', port, audience: SERVER_IDENTITY }],
      policy: { acceptsClient: () => true, acceptsRelay: () => false, allowsApplication: () => true },
      parameters: TEST_MODE_PARAMETERS,
      continuity: { store: this.#mortal('clients', clients) },
      trunk: { retentionMs: 60_000, reconnectBoundMs: 1, store: this.#mortal('trunks', trunks) },
    });
    const listening = this.#relay.listen(0, '127.0.0.1').then((address) => address.port);
    return Promise.race([listening, this.over.then(() => undefined)]);
  }

  /** Counts changes from here on. */
  count(): void {
    this.#changes = 0;
  }

  die(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#proxy.cut();
    // Nobody answers what is left of it.
    this.#proxy.target = 1;
    // It waits for its stores, which do not answer.
    void this.#relay?.close();
    this.#tell();
  }

  #mortal(name: Change['store'], store: SessionStore): SessionStore {
    const asked = QUESTIONS.map((method) => [method, this.#answered(store, method)]);
    const changed = CHANGES.map((method) => [method, this.#changed(name, store, method)]);
    return withMethods(store, Object.fromEntries([...asked, ...changed]) as Partial<SessionStore>);
  }

  #answered(store: SessionStore, method: keyof SessionStore): (...args: never[]) => Promise<unknown> {
    const call = (store[method] as (...args: never[]) => Promise<unknown>).bind(store);
    return async (...args) => {
      if (this.#dead) return NEVER;
      return this.#unlessDead(await call(...args));
    };
  }

  #changed(name: Change['store'], store: SessionStore, method: keyof SessionStore): (...args: never[]) => unknown {
    const call = this.#answered(store, method);
    return async (...args) => {
      if (this.#dead) return NEVER;
      this.#changes += 1;
      const batch = method === 'commit' ? (args[2] as Batch | undefined) : undefined;
      const fate = this.#decide({ nth: this.#changes, store: name, batch });
      if (fate === 'dies before') this.die();
      const result = await call(...args);
      if (fate === 'dies behind') this.die();
      return this.#unlessDead(result);
    };
  }

  #unlessDead(result: unknown): unknown {
    return this.#dead ? NEVER : result;
  }
}

/** A relay before a server, which dies where a test says so; another process with its stores takes its place. */
export class MortalRelay {
  readonly clients: StoredMemory = new StoredMemory();
  readonly trunks: StoredMemory = new StoredMemory();
  readonly #kit: Kit;
  readonly #serverPort: number;
  readonly #front: CutProxy;
  /** Whether clients find the relay as soon as it is there again. */
  admitsAtOnce = true;
  /** Decides at each change. */
  fate: (change: Change) => Fate = () => undefined;
  /** How many processes have died. */
  deaths = 0;
  #life: Life | undefined;
  #port = 1;
  #finished = false;

  private constructor(kit: Kit, serverPort: number, front: CutProxy) {
    this.#kit = kit;
    this.#serverPort = serverPort;
    this.#front = front;
  }

  /** Starts one, which ends with the test. */
  static async start(kit: Kit, serverPort: number): Promise<MortalRelay> {
    const relay = new MortalRelay(kit, serverPort, await CutProxy.start(1));
    onTestFinished(() => relay.finish());
    await relay.#live();
    return relay;
  }

  connect(): Promise<Session> {
    const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };
    return connectClient(this.#kit, this.#front.port, { audience: RELAY_IDENTITY, continuity });
  }

  /** Decides from now on, and counts from here. */
  decide(fate: (change: Change) => Fate): void {
    this.#life?.count();
    this.fate = fate;
  }

  /** It dies now. */
  die(): void {
    this.#life?.die();
  }

  /** Lets clients find the relay. */
  admit(): void {
    this.#front.target = this.#port;
  }

  /** Nobody takes its place any more. */
  finish(): void {
    this.#finished = true;
    this.die();
  }

  /** Channels in one of the stores, by their states, and everything that is kept besides them. */
  async content(store: 'clients' | 'trunks'): Promise<string[]> {
    const sessions = this[store];
    const content: string[] = [];
    for (const { id } of await sessions.list(store === 'clients' ? 'server' : 'client')) {
      for (const { key, value } of (await sessions.load(id))?.entries ?? []) {
        if (key !== 'state') content.push(key);
        else content.push(...decodeState(value).channels.map(({ state }) => state));
      }
    }
    return content;
  }

  async #live(): Promise<void> {
    const life = await Life.start(this.#serverPort, (change) => this.fate(change));
    this.#life = life;
    void life.over.then(() => this.#liveAgain());
    const port = await life.listen(this.#kit, this.clients, this.trunks);
    if (port === undefined) return;
    this.#port = port;
    if (this.admitsAtOnce) this.admit();
  }

  async #liveAgain(): Promise<void> {
    this.#front.target = 1;
    this.#front.cut();
    if (this.#finished) return;
    this.deaths += 1;
    await this.#live();
  }
}

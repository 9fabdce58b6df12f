import type { ParameterInput } from '../model/codec.ts';
import type { SigningOptions } from '../peer/establishment.ts';
import type { Finding } from '../peer/failure.ts';
import { fail } from '../peer/failure.ts';
import type { RecordTap, RecordTapOptions } from '../peer/record-tap.ts';
import type { ReceivedFrame } from '../peer/received-frame.ts';
import type { ServerAttempt, ServerListenOptions } from '../peer/server-peer.ts';
import { ServerListener, ServerMemory, ServerPeer } from '../peer/server-peer.ts';
import type { ConnectRequest, OpenRequest } from '../testee/connection-under-test.ts';
import { ConnectionUnderTest } from '../testee/connection-under-test.ts';
import type { DriverProcess } from '../testee/driver.ts';
import type { ContextOptions } from './base-context.ts';
import { BaseContext } from './base-context.ts';

/** How the harness listens and how the client is asked to connect; by default as `server` and `client` of the kit. */
export interface MeetOptions {
  /** What the harness presents: a file of the kit, such as `servers/expired`. */
  readonly as?: string;
  /** What the client presents: a file of the kit. */
  readonly clientAs?: string;
  readonly listen?: Partial<ServerListenOptions>;
  /** Anything else in the `connect` request. */
  readonly request?: Partial<ConnectRequest>;
}

/** How a session is granted; everything absent is right. */
export interface GrantOptions extends MeetOptions {
  /** Parameters of CHALLENGE. */
  readonly parameters?: readonly ParameterInput[];
  readonly accept?: SigningOptions;
}

/** A client under test that has come: the harness's end of the connection, and the client's as its driver shows it. */
export interface Met {
  readonly peer: ServerPeer;
  readonly client: ConnectionUnderTest;
  readonly listener: ServerListener;
  readonly attempt: ServerAttempt;
}

/** How long a listener stays when a client may still have a resumable session: longer than any that a case grants. */
const RETIREMENT_MS = 30_000;

let connectionCount = 0;

/** The client under test, as a case sees it. The harness plays its servers. */
export class ClientContext extends BaseContext {
  readonly driver: DriverProcess;
  /** Sessions that the harness has granted as resumable. */
  readonly memory: ServerMemory = new ServerMemory();
  readonly #listeners: ServerListener[] = [];
  readonly #connections: ConnectionUnderTest[] = [];

  constructor(driver: DriverProcess, options: ContextOptions) {
    super(options);
    this.driver = driver;
  }

  /** Listens on a port of its own. */
  async listen(options: MeetOptions = {}): Promise<ServerListener> {
    const complete: ServerListenOptions = {
      credential: this.kit.credential(options.as ?? 'server'),
      caPem: this.kit.caPem,
      ...options.listen,
    };
    const listener = await ServerListener.listen(
      complete,
      (log) => {
        this.logs.push(log);
        return this.peerOptions(log);
      },
      this.stepMs,
      this.memory,
    );
    this.#listeners.push(listener);
    return listener;
  }

  /** A tap before a listener, for what shows only in TLS records; the client is led there by `request: { port }`. */
  tap(listener: ServerListener, options: RecordTapOptions = {}): Promise<RecordTap> {
    return this.tapTo('127.0.0.1', listener.port, options);
  }

  /** Asks the client to connect to a listener. */
  async ask(listener: ServerListener, options: MeetOptions = {}): Promise<ConnectionUnderTest> {
    connectionCount += 1;
    const log = this.newLog('the client, as its driver shows it');
    const client = new ConnectionUnderTest(`c${connectionCount}`, this.driver, log, this.stepMs);
    this.#connections.push(client);
    const clientAs = options.clientAs ?? 'client';
    await client.connect({
      host: '127.0.0.1',
      port: listener.port,
      audience: this.kit.index.serverIdentity,
      certificate: this.kit.path(`${clientAs}.pem`),
      key: this.kit.path(`${clientAs}.key`),
      ca: this.kit.path('ca.pem'),
      crl: this.kit.path('crl.pem'),
      ...options.request,
    });
    return client;
  }

  /** Listens, asks the client to connect, and tells what became of its TLS. */
  async attempt(options: MeetOptions = {}): Promise<Omit<Met, 'peer'>> {
    const listener = await this.listen(options);
    const client = await this.ask(listener, options);
    const attempt = await listener.nextAttempt();
    if (attempt.type === 'connected') this.track(attempt.peer);
    else this.logs.push(attempt.log);
    return { client, listener, attempt };
  }

  /** The next connection of a client that connects by itself, on which nothing was sent yet. Its failure fails the case. */
  async next(listener: ServerListener, withinMs?: number): Promise<ServerPeer> {
    const attempt = await listener.nextAttempt(withinMs);
    if (attempt.type === 'refused') {
      this.logs.push(attempt.log);
      fail('a TLS connection', attempt.how);
    }
    this.track(attempt.peer);
    return attempt.peer;
  }

  /** A TLS connection of the client on which nothing was sent yet. Its failure fails the case. */
  async connected(options: MeetOptions = {}): Promise<Met> {
    const { client, listener, attempt } = await this.attempt(options);
    if (attempt.type === 'refused') fail('a TLS connection', attempt.how);
    return { peer: attempt.peer, client, listener, attempt };
  }

  /** A client whose CONNECT has been received and verified; the case goes on with `sendAccept` or `sendReject`. */
  async connecting(options: GrantOptions = {}): Promise<Met & { readonly connect: ReceivedFrame }> {
    return this.dependency('CONNECT', async () => {
      const met = await this.connected(options);
      met.peer.sendChallenge(options.parameters);
      const connect = await met.peer.expectConnect();
      return { ...met, connect };
    });
  }

  /** A client that has reported its session as established. */
  async established(options: GrantOptions = {}): Promise<Met & { readonly connect: ReceivedFrame }> {
    return this.dependency('establishing a session', async () => {
      const met = await this.connecting(options);
      met.peer.sendAccept(options.accept);
      await met.client.expectEvent('established');
      return met;
    });
  }

  /** An established session on which the client has opened a channel. */
  async opened(
    application = 'test/echo',
    options: GrantOptions & OpenRequest = {},
  ): Promise<Met & { readonly connect: ReceivedFrame; readonly channel: number; readonly open: ReceivedFrame }> {
    const met = await this.established(options);
    return this.dependency(`opening ${application}`, async () => {
      const { data, hold, priority, outcomes, judge } = options;
      const asked: OpenRequest = {
        ...(data === undefined ? {} : { data }),
        ...(hold === undefined ? {} : { hold }),
        ...(priority === undefined ? {} : { priority }),
        ...(outcomes === undefined ? {} : { outcomes }),
        ...(judge === undefined ? {} : { judge }),
      };
      const channel = await met.client.open(application, asked);
      const open = await met.peer.expect('OPEN', { channel });
      met.peer.sendOpened(channel);
      await met.client.expectEvent('opened');
      return { ...met, channel, open };
    });
  }

  /**
   * Demands that the client does not accept the server: it ends the TLS handshake or the connection, at most with
   * CLOSE(AUTHENTICATION_FAILED), sends no CONNECT, and reports a failure.
   */
  async expectNotAccepted(options: MeetOptions, requirement: string): Promise<void> {
    const { client, attempt } = await this.attempt(options);
    if (attempt.type === 'connected') {
      const { peer } = attempt;
      peer.sendChallenge();
      const what = 'the end of the connection, or CLOSE(AUTHENTICATION_FAILED)';
      const answer = await peer.nextOrEnd(what);
      if (typeof answer !== 'string') {
        if (answer.name !== 'CLOSE') fail(what, answer.text, requirement);
        if (answer.code !== 'AUTHENTICATION_FAILED') {
          this.lenient.push({ requirement: 'EST-010', expected: 'CLOSE(AUTHENTICATION_FAILED)', actual: answer.text });
        }
      }
      peer.socket.end();
    }
    await client.expectEvent('failed', requirement);
  }

  override get leftover(): Finding | undefined {
    return super.leftover ?? this.#connections.map(({ leftover }) => leftover).find((finding) => finding !== undefined);
  }

  override async dispose(): Promise<void> {
    for (const connection of this.#connections) connection.release();
    await this.memory.farewell();
    await super.dispose();
    const kept = !this.memory.empty;
    if (kept) for (const listener of this.#listeners) listener.retire(RETIREMENT_MS);
    else await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.#listeners.length = 0;
    this.#connections.length = 0;
  }
}

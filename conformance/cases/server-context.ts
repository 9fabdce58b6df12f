import type { ParameterInput } from '../model/codec.ts';
import { schemeOfKey } from '../model/transcript.ts';
import type { ClientAttempt, ClientConnectOptions, ConnectOptions, Target } from '../peer/client-peer.ts';
import { ClientPeer } from '../peer/client-peer.ts';
import { fail } from '../peer/failure.ts';
import type { RecordTap, RecordTapOptions } from '../peer/record-tap.ts';
import type { ContextOptions } from './base-context.ts';
import { BaseContext } from './base-context.ts';

/** How a case connects; by default as `client` of the kit. */
export type AttemptOptions = Partial<ClientConnectOptions> & {
  /** A file of the kit to present, such as `clients/expired`. */
  readonly as?: string;
  /** Goes through this tap instead of straight to the server. */
  readonly through?: RecordTap;
};

/** How a case establishes; everything absent is right. */
export type EstablishOptions = AttemptOptions & {
  readonly connect?: ConnectOptions;
  /** Whether what arrives in a resumable session is acknowledged by itself; true if absent. */
  readonly acknowledge?: boolean;
};

/** How a case opens a channel. */
export type OpenOptions = EstablishOptions & {
  readonly data?: Uint8Array;
  /** Parameters of OPEN besides the data. */
  readonly more?: readonly ParameterInput[];
};

/** The server under test, as a case sees it. The harness plays its clients. */
export class ServerContext extends BaseContext {
  readonly target: Target;
  readonly #reload: (() => Promise<void>) | undefined;

  constructor(target: Target, reload: (() => Promise<void>) | undefined, options: ContextOptions) {
    super(options);
    this.target = target;
    this.#reload = reload;
  }

  /** A tap before the server, for what shows only in TLS records; give it to a connection as `through`. */
  tap(options: RecordTapOptions = {}): Promise<RecordTap> {
    return this.tapTo(this.target.host, this.target.port, options);
  }

  /** Tries to make a TLS connection and tells what became of it. */
  async attempt(options: AttemptOptions = {}): Promise<ClientAttempt> {
    const { as = 'client', through, ...rest } = options;
    const log = this.newLog(`connection ${this.logs.length + 1} to the server`);
    const complete: ClientConnectOptions = { credential: this.kit.credential(as), ...rest };
    const target = through === undefined ? this.target : { ...this.target, host: '127.0.0.1', port: through.port };
    const attempt = await ClientPeer.attempt(target, complete, this.peerOptions(log));
    if (attempt.type === 'connected') this.track(attempt.peer);
    return attempt;
  }

  /** A TLS connection on which nothing was read yet. Its refusal fails the case. */
  async connect(options: AttemptOptions = {}): Promise<ClientPeer> {
    const attempt = await this.attempt(options);
    if (attempt.type === 'refused') fail('a TLS connection', attempt.how);
    return attempt.peer;
  }

  /** A connection whose CHALLENGE has been read; the case goes on with `sendConnect`. */
  async challenged(options: AttemptOptions = {}): Promise<ClientPeer> {
    return this.dependency('CHALLENGE', async () => {
      const peer = await this.connect(options);
      await peer.expectChallenge();
      return peer;
    });
  }

  /** An established session. */
  async established(options: EstablishOptions = {}): Promise<ClientPeer> {
    return this.dependency('establishing a session', async () => {
      const { connect, acknowledge = true, ...rest } = options;
      const peer = await this.connect(rest);
      peer.answerAcks = acknowledge;
      await peer.establish(connect);
      return peer;
    });
  }

  /** An established session with one channel open to a test application. */
  async opened(
    application: string,
    { data, more, ...options }: OpenOptions = {},
  ): Promise<{ readonly peer: ClientPeer; readonly channel: number }> {
    const peer = await this.established(options);
    const channel = await this.dependency(`opening ${application}`, () => peer.open(application, data, more));
    return { peer, channel };
  }

  /**
   * Demands that a client is not accepted: its TLS is refused, or REJECT(AUTHENTICATION_FAILED) comes, before or after its
   * CONNECT (section 2.7). Where no signature can be right, SIGNATURE_INVALID, which is checked before, is as good.
   */
  async expectNotAccepted(
    options: EstablishOptions,
    requirement: string,
    ask: (peer: ClientPeer) => void = (peer) => peer.sendConnect(options.connect),
  ): Promise<void> {
    const attempt = await this.attempt(options);
    if (attempt.type === 'refused') return;
    const { peer } = attempt;
    const what = 'a refusal by TLS, or REJECT(AUTHENTICATION_FAILED)';
    let answer = await peer.nextOrEnd(what);
    if (typeof answer !== 'string' && answer.name === 'CHALLENGE') {
      peer.challenge = answer;
      ask(peer);
      answer = await peer.nextOrEnd(what);
    }
    if (typeof answer === 'string') return;
    if (answer.name !== 'REJECT') fail(what, answer.text, requirement);
    const { as = 'client', credential = this.kit.credential(as) } = options;
    const unsigned = credential === null || schemeOfKey(credential.key) === undefined;
    const codes = ['AUTHENTICATION_FAILED', ...(unsigned ? ['SIGNATURE_INVALID'] : [])];
    if (!codes.includes(answer.code)) {
      this.lenient.push({ requirement: 'EST-017', expected: 'REJECT(AUTHENTICATION_FAILED)', actual: answer.text });
    }
    await peer.expectEnd('EST-023');
  }

  /** Makes the server load its revocation list again. Needs the feature `reload`. */
  async reload(): Promise<void> {
    this.need('reload');
    await this.#reload?.();
  }
}

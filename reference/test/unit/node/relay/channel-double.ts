import { EventEmitter } from 'node:events';
import type { SocketChannel } from '../../../../node/relay/socket-end.ts';
import type { ChannelEnd, ChannelRequest, MessageHandler } from '../../../../node/index.ts';

/** A session in name only, whose events a test emits. */
export class SessionDouble extends EventEmitter {
  readonly id = '00ff';
  readonly peerParameters = { maxMessageBytes: 1024 };
  readonly addresses = undefined;
  revoked = false;
}

/** A channel and its request, of which a test plays the client. */
export class ChannelDouble {
  readonly number = 1;
  readonly application = 'relay/application';
  readonly identity = 'spiffe://hawser.test/client';
  readonly outcomes: boolean;
  readonly restored: boolean;
  readonly again: boolean;
  readonly session: SessionDouble = new SessionDouble();
  readonly closed: Promise<ChannelEnd>;
  /** Ends the channel. */
  close: (end: ChannelEnd) => void = () => undefined;
  onMessage: MessageHandler | undefined;
  onEnd: (() => void) | undefined;
  withholdsVerdicts: boolean | undefined;
  /** What the relay has done, in its order. */
  readonly calls: string[] = [];
  /** What `written` waits for. */
  written: Promise<void> = Promise.resolve();

  constructor({
    outcomes = false,
    restored = false,
    again = restored,
  }: { readonly outcomes?: boolean; readonly restored?: boolean; readonly again?: boolean } = {}) {
    this.outcomes = outcomes;
    this.restored = restored;
    this.again = again;
    this.closed = new Promise((resolve) => (this.close = resolve));
  }

  /** As the parameters of an application end. */
  get parts(): readonly [SocketChannel, ChannelRequest] {
    return [this as unknown as SocketChannel, this as unknown as ChannelRequest];
  }

  accept(): void {
    this.calls.push('accept');
  }

  refuse(code: string, retryAfterMs = 0): void {
    this.calls.push(`refuse ${code} ${retryAfterMs}`);
  }

  send(message: Uint8Array): Promise<void> {
    this.calls.push(`send ${Buffer.from(message).toString()}`);
    return Promise.resolve();
  }

  end(): void {
    this.calls.push('end');
  }

  reset(code: string): void {
    this.calls.push(`reset ${code}`);
  }
}

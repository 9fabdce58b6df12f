import { ConfigError, type DeclaredParameters, type Grant, LIMITS } from '../../core/index.ts';
import type { Application, ChannelRequest } from './application.ts';
import { type Channel, Rejection } from '../session/channel.ts';

/** Of messages that `test/source` sends: octet i of message n is (n + i) mod 251. */
const PATTERN_PERIOD = 251;

/** One pattern for all channels, as long as the largest message asked for so far. */
let pattern = new Uint8Array(0);

function patternOf(message: number, size: number): Uint8Array {
  if (pattern.length < size + PATTERN_PERIOD) {
    // Messages in flight keep their views of the old one.
    pattern = Uint8Array.from({ length: size + PATTERN_PERIOD }, (_, index) => index % PATTERN_PERIOD);
  }
  const start = message % PATTERN_PERIOD;
  return pattern.subarray(start, start + size);
}

/** Answers END with END, as every application does that consumes. [APP-006] */
function endWithPeer(channel: Channel): void {
  channel.onEnd = () => channel.end();
}

const echo: Application = (channel, request) => {
  const { maxMessageBytes } = request.session.peerParameters;
  channel.onMessage = (message) => {
    if (message.length <= maxMessageBytes) return channel.send(message);
    channel.reset('APPLICATION_ERROR'); // [APP-007]
    return undefined;
  };
  endWithPeer(channel);
};

/** Consumes what the table does not mention. [APP-006] */
function consumeAll(channel: Channel): void {
  channel.onMessage = () => undefined;
}

const sink: Application = (channel) => {
  let messages = 0;
  let octets = 0;
  channel.onMessage = (message) => {
    messages += 1;
    octets += message.length;
  };
  channel.onEnd = () => {
    void channel.send(Buffer.from(`${messages} ${octets}`));
    channel.end();
  };
};

const source: Application = async (channel, request) => {
  const data = request.applicationData;
  // [APP-003]
  if (data?.length !== 8) {
    request.refuse('APPLICATION_ERROR');
    return;
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = view.getUint32(0);
  const size = view.getUint32(4);
  // [APP-007]
  if (size > Math.min(request.session.peerParameters.maxMessageBytes, LIMITS.max_message_bytes)) {
    request.refuse('APPLICATION_ERROR');
    return;
  }
  request.accept();
  consumeAll(channel);
  // [APP-004]
  for (let n = 0; n < count; n++) await channel.send(patternOf(n, size));
  channel.end();
};

const refuse: Application = (_channel, request) => request.refuse('APPLICATION_ERROR');

const reset: Application = (channel) => {
  channel.onMessage = () => channel.reset('APPLICATION_ERROR');
  endWithPeer(channel);
};

/** Takes the channel; whoever sets no `onMessage` consumes nothing. */
const hold: Application = (_channel, request) => request.accept();

const data: Application = (channel, request) => {
  request.accept({ applicationData: request.applicationData });
  return echo(channel, request);
};

const close: Application = (channel, request) => {
  channel.onMessage = () => void request.session.close('NO_ERROR');
  endWithPeer(channel);
};

const outcome: Application = (channel) => {
  channel.onMessage = (message) => {
    const verdict = message.length < 2 ? 0 : new DataView(message.buffer, message.byteOffset, 2).getUint16(0);
    // Where nobody has asked for verdicts, there is none to tell. [APP-006]
    if (verdict > 0 && channel.outcomes) throw new Rejection(verdict);
  };
  endWithPeer(channel);
};

const drain: Application = (channel, request) => {
  let drained = false;
  channel.onMessage = (message) => {
    if (drained || message.length < 4) return;
    drained = true;
    request.session.drain(new DataView(message.buffer, message.byteOffset, 4).getUint32(0));
  };
  endWithPeer(channel);
};

const detach: Application = (channel, request) => {
  channel.onMessage = () => request.session.detach();
  endWithPeer(channel);
};

/** Sends one message, then END. */
function tell(channel: Channel, request: ChannelRequest, text: string): void {
  const message = Buffer.from(text, 'utf8');
  if (message.length > request.session.peerParameters.maxMessageBytes) {
    request.refuse('APPLICATION_ERROR'); // [APP-007]
    return;
  }
  request.accept();
  consumeAll(channel);
  void channel.send(message);
  channel.end();
}

const identity: Application = (channel, request) => tell(channel, request, request.identity);

const route: Application = (channel, request) =>
  tell(channel, request, [request.identity, ...request.relays].join('\n'));

const prove: Application = async (channel, request) => {
  await request.prove();
  request.accept();
  return echo(channel, request);
};

/** The applications of test mode (annex A). Offer them only when the operator asked for test mode. [APP-001] [APP-002] */
export const testApplications: ReadonlyMap<string, Application> = new Map([
  ['test/echo', echo],
  ['test/sink', sink],
  ['test/source', source],
  ['test/refuse', refuse],
  ['test/reset', reset],
  ['test/hold', hold],
  ['test/data', data],
  ['test/close', close],
  ['test/identity', identity],
  ['test/outcome', outcome],
  ['test/drain', drain],
  ['test/route', route],
  ['test/prove', prove],
  ['test/detach', detach],
]);

/** Whether test mode takes a peer for a relay: by the last segment of the path in its identity, or its first label. [APP-011] */
export function isTestRelay(identity: string): boolean {
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/]*(.*)$/i.exec(identity)?.[1];
  const name = path === undefined ? identity : (path.split('/').at(-1) ?? '');
  return name.startsWith('relay');
}

/** What a server in test mode declares unless told otherwise; the other defaults are within its bounds. [APP-005] */
export const TEST_MODE_PARAMETERS: DeclaredParameters = { livenessIntervalMs: LIMITS.test_max_liveness_interval_ms };

/** The bounds of annex A: the least value of each parameter, or the most. */
const TEST_MODE_BOUNDS = [
  { key: 'livenessIntervalMs', most: LIMITS.test_max_liveness_interval_ms },
  { key: 'maxMessageBytes', least: LIMITS.test_min_message_bytes },
  { key: 'initialMessageCredit', least: LIMITS.test_min_message_credit },
  { key: 'initialByteCredit', least: LIMITS.test_min_byte_credit },
  { key: 'maxChannels', least: LIMITS.test_min_channels },
] as const;

/**
 * Checks what a server in test mode declares. [APP-005]
 *
 * @throws ConfigError `HAWSER_ERR_CONFIG_TEST_MODE` for a value outside of the bounds of annex A.
 */
export function checkTestModeParameters(parameters: DeclaredParameters, grant: Grant): void {
  const values: DeclaredParameters & Grant = { ...parameters, ...grant };
  for (const bound of TEST_MODE_BOUNDS) {
    const value = values[bound.key];
    if (value === undefined) continue;
    const wrong = 'most' in bound ? value > bound.most : value < bound.least;
    if (!wrong) continue;
    const limit = 'most' in bound ? `at most ${bound.most}` : `at least ${bound.least}`;
    throw new ConfigError(
      'HAWSER_ERR_CONFIG_TEST_MODE',
      bound.key,
      `${bound.key} has to be ${limit} in test mode, not ${value}.`,
    );
  }
}

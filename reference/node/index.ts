/**
 * Hawser over `node:tls`: server and client.
 *
 * ```ts
 * const credential = await readCredential({ certFile: 'server.pem', keyFile: 'server.key' });
 * const trust = await readTrust({ caFiles: ['ca.pem'], crlFiles: ['crl.pem'] });
 * const policy = createAllowList([{ identity: 'spiffe://example.org/client', application: 'payments' }]);
 * const server = createServer({ credential, ...trust, policy, applications: new Map([['payments', payments]]) });
 * await server.listen(7443, '0.0.0.0');
 *
 * const session = await connect({ host, port, credential, ...trust, audience: 'spiffe://example.org/server' });
 * const channel = await session.open('payments');
 * channel.onMessage = (message) => handle(message);
 * await channel.send(request);
 * ```
 *
 * @module
 */
export { type AdmissionLimits, DEFAULT_ADMISSION_LIMITS } from './server/admission.ts';
export type { AcceptOptions, Application, ChannelRequest, RefusalCode } from './server/application.ts';
export {
  type Channel,
  type ChannelEnd,
  type MessageHandler,
  type Outcome,
  type OutcomeHandler,
  type OutcomeRange,
  Rejection,
  type ResetCode,
} from './session/channel.ts';
export { type Callback, ChannelDuplex, type OctetChannel } from './session/channel-duplex.ts';
export type { ClientContinuity } from './client/client-continuity.ts';
export {
  type Client,
  type ClientOptions,
  type ConnectOptions,
  type Target,
  connect,
  createClient,
} from './client/connect.ts';
export {
  DeadlineQueue,
  type MonotonicClock,
  type ScheduledTask,
  type TaskOptions,
  type TimedTask,
  type TimerPlatform,
} from './deadline-queue.ts';
export type { ConnectionAddresses, SocketAddress } from './connection/connection-addresses.ts';
export type { Environment } from './environment.ts';
export { verifyEvidence } from './session/evidence.ts';
export { type KeyLog, openKeyLog } from './connection/key-log.ts';
export { type Log, silentLog } from './log.ts';
export { type AllowRule, type Policy, createAllowList } from './server/policy.ts';
export {
  type Relay,
  type RelayLimits,
  type RelayOptions,
  type RelayPolicy,
  type RelayReloadOptions,
  type TrunkOptions,
  createRelay,
} from './relay/relay.ts';
export type { Framing, HawserRoute, ProxyOption, Route, TcpRoute, TlsRoute } from './relay/route.ts';
export { type Failure, type RetryOptions, connectWithRetry, retryDelayMs } from './client/retry.ts';
export { type Server, type ServerOptions, createServer } from './server/server.ts';
export type { ServerContinuity } from './server/server-sessions.ts';
export type { CloseCode, Session, SessionEnd, SessionEvents } from './session/session.ts';
export { createSigner, createVerifier } from './connection/signatures.ts';
export {
  TEST_MODE_PARAMETERS,
  checkTestModeParameters,
  isTestRelay,
  testApplications,
} from './server/test-applications.ts';
export { type ReloadOptions, type Trust, type TrustFiles, readTrust } from './connection/trust.ts';
export { type Credential, loadCredential, readCredential } from '../pki/index.ts';

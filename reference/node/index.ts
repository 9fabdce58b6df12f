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
export { type AdmissionLimits, DEFAULT_ADMISSION_LIMITS } from './admission.ts';
export type { AcceptOptions, Application, ChannelRequest, RefusalCode } from './application.ts';
export {
  type Channel,
  type ChannelEnd,
  type MessageHandler,
  type Outcome,
  type OutcomeHandler,
  type OutcomeRange,
  Rejection,
  type ResetCode,
} from './channel.ts';
export { type Callback, ChannelDuplex, type OctetChannel } from './channel-duplex.ts';
export type { ClientContinuity } from './client-continuity.ts';
export { type Client, type ClientOptions, type ConnectOptions, type Target, connect, createClient } from './connect.ts';
export {
  DeadlineQueue,
  type MonotonicClock,
  type ScheduledTask,
  type TaskOptions,
  type TimedTask,
  type TimerPlatform,
} from './deadline-queue.ts';
export type { ConnectionAddresses, SocketAddress } from './connection-addresses.ts';
export type { Environment } from './environment.ts';
export { verifyEvidence } from './evidence.ts';
export { type KeyLog, openKeyLog } from './key-log.ts';
export { type Log, silentLog } from './log.ts';
export { type AllowRule, type Policy, createAllowList } from './policy.ts';
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
export { type Failure, type RetryOptions, connectWithRetry, retryDelayMs } from './retry.ts';
export { type ReloadOptions, type Server, type ServerOptions, createServer } from './server.ts';
export type { ServerContinuity } from './server-sessions.ts';
export type { CloseCode, Session, SessionEnd, SessionEvents } from './session.ts';
export { createSigner, createVerifier } from './signatures.ts';
export { TEST_MODE_PARAMETERS, checkTestModeParameters, isTestRelay, testApplications } from './test-applications.ts';
export { type Trust, type TrustFiles, readTrust } from './trust.ts';
export { type Credential, loadCredential, readCredential } from '../pki/index.ts';

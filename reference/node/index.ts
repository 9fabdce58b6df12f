/**
 * Hawser over `node:tls`: server and client.
 *
 * ```ts
 * const server = createServer({ credential, trustAnchors, crls, policy, applications });
 * await server.listen(7443, '0.0.0.0');
 *
 * const session = await connect({ host, port, credential, trustAnchors, crls, audience: 'spiffe://example.org/server' });
 * const channel = await session.open('payments');
 * channel.onMessage = (message) => handle(message);
 * await channel.send(request);
 * ```
 *
 * @module
 */
export { type AdmissionLimits, DEFAULT_ADMISSION_LIMITS } from './admission.ts';
export type { Application, ChannelRequest, RefusalCode } from './application.ts';
export type { Channel, ChannelEnd, MessageHandler, ResetCode } from './channel.ts';
export { type Client, type ClientOptions, type ConnectOptions, type Target, connect, createClient } from './connect.ts';
export { DeadlineQueue, type MonotonicClock, type TimerPlatform } from './deadline-queue.ts';
export type { Environment } from './environment.ts';
export { verifyEvidence } from './evidence.ts';
export { type KeyLog, openKeyLog } from './key-log.ts';
export { type Log, silentLog } from './log.ts';
export { type AllowRule, type Policy, createAllowList } from './policy.ts';
export { type ReloadOptions, type Server, type ServerOptions, createServer } from './server.ts';
export type { CloseCode, Session, SessionEnd, SessionEvents } from './session.ts';
export { createSigner, createVerifier } from './signatures.ts';
export { TEST_MODE_PARAMETERS, checkTestModeParameters, testApplications } from './test-applications.ts';
export type { Trust } from './trust.ts';

export type { ChannelBinding, Signer, Verifier } from './authentication.ts';
export {
  type Connection,
  type ConnectionState,
  createClientConnection,
  createServerConnection,
  type Session,
} from './connection.ts';
export {
  ConfigError,
  type ErrorScope,
  HawserError,
  type HawserErrorOptions,
  IncompatibleError,
  InternalError,
  MisuseError,
  PeerViolationError,
  RemoteError,
  TimeoutError,
  TransportError,
} from './errors.ts';
export type * from './events.ts';
export type { EvidenceMaterial } from './evidence.ts';
export type {
  ClientOptions,
  ConnectionOptions,
  DeclaredParameters,
  Grant,
  PeerParameters,
  ServerOptions,
} from './options.ts';
export * from './registry.gen.ts';

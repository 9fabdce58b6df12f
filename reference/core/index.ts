export { type AnnotatedField, type AnnotatedFrame, type Annotation, annotate } from './annotate.ts';
export type { ChannelBinding, Signer, Verifier } from './authentication.ts';
export {
  type Connection,
  type ConnectionState,
  createClientConnection,
  createServerConnection,
  type ResumeOptions,
} from './connection.ts';
export type { ChannelKind, ChannelMachine, PriorityClass } from './channel.ts';
export { type OpenedOptions, type OpenOptions, PRIORITIES, type ProofOptions, type ProveOptions } from './channels.ts';
export {
  ConfigError,
  type ErrorScope,
  HawserError,
  type HawserErrorOptions,
  IncompatibleError,
  InternalError,
  MisuseError,
  PeerViolationError,
  ProofError,
  RemoteError,
  TimeoutError,
  TransportError,
} from './errors.ts';
export type * from './events.ts';
export {
  type ChainJudge,
  type ChainVerdict,
  type EvidenceVerdict,
  type ValidEvidence,
  verifyEvidence,
} from './evidence.ts';
export type { EvidenceMaterial } from './evidence-material.ts';
export {
  type EvidenceFailure,
  type EvidenceRecord,
  parseEvidenceRecord,
  serializeEvidenceRecord,
} from './evidence-record.ts';
export { type CodeFrame, type CodeIn, isFailure, mayCarry, meaningOf, wireErrorOf } from './error-codes.ts';
export type { Forward, Forwarded } from './frames/forward.ts';
export type { Decision, Verdict } from './inbox.ts';

export type { JournalBatch, JournalEntry } from './journal.ts';
export {
  type Fates,
  type Gap,
  type ResumePoint,
  type RestoreOptions,
  Session,
  type SessionOptions,
  type SessionState,
} from './session.ts';
export type { Custody, SessionTerms } from './session-state.ts';
export type { LeafVerifier, OpeningFlaw, ProofTerms } from './opening.ts';
export type { ParameterSet, ParameterValue } from './parameters.ts';
export type {
  ClientOptions,
  ConnectionOptions,
  ContinuityRequest,
  DeclaredParameters,
  Grant,
  PeerParameters,
  ServerOptions,
} from './options.ts';
export * from './registry.gen.ts';

import type { DeclaredParameters, PeerParameters } from './options.ts';
import type { ParameterSet } from './parameters.ts';
import type { Custody } from './session-state.ts';
import { PARAMETER, type ParameterName } from './registry.gen.ts';

/** Parameters with a default: opaque ones have none. */
type IntegerName = {
  [Name in ParameterName]: (typeof PARAMETER)[Name]['type'] extends 'opaque' ? never : Name;
}[ParameterName];

/** The value of a parameter, or its default. */
export function valueOf(set: ParameterSet, name: IntegerName): number {
  return set[name] ?? PARAMETER[name].default;
}

/** What an endpoint declares about itself in CHALLENGE or CONNECT, defaults written out. */
export function declarations(declared: DeclaredParameters): ParameterSet {
  return {
    liveness_interval_ms: declared.livenessIntervalMs ?? PARAMETER.liveness_interval_ms.default,
    max_message_bytes: declared.maxMessageBytes ?? PARAMETER.max_message_bytes.default,
  };
}

/** The credit that each new channel starts with, as an endpoint declares it in CONNECT or ACCEPT. */
export function initialCredit(declared: DeclaredParameters): ParameterSet {
  return {
    initial_message_credit: declared.initialMessageCredit ?? PARAMETER.initial_message_credit.default,
    initial_byte_credit: declared.initialByteCredit ?? PARAMETER.initial_byte_credit.default,
  };
}

/** What an endpoint says of continuity in CONNECT or ACCEPT; what has its default is left out. */
export function continuityParameters(retentionMs: number, deadlineMs: number, custody: Custody): ParameterSet {
  return {
    ...(custody === 'stored' && retentionMs > 0 ? { custody: 1 } : {}),
    ...(retentionMs > 0 ? { session_retention_ms: retentionMs } : {}),
    ...(deadlineMs > 0 ? { connection_deadline_ms: deadlineMs } : {}),
  };
}

/**
 * What a peer has said about itself.
 *
 * @param declared - the parameters of its CHALLENGE or CONNECT.
 * @param granted - those of the frame with credit: CONNECT or ACCEPT; absent when it has not come yet.
 */
export function peerParameters(declared: ParameterSet, granted?: ParameterSet): PeerParameters {
  return {
    livenessIntervalMs: valueOf(declared, 'liveness_interval_ms'),
    maxMessageBytes: valueOf(declared, 'max_message_bytes'),
    initialMessageCredit: granted && valueOf(granted, 'initial_message_credit'),
    initialByteCredit: granted && valueOf(granted, 'initial_byte_credit'),
    maxChannels: granted && granted !== declared ? valueOf(granted, 'max_channels') : undefined,
    custody: granted?.custody === 1 ? 'stored' : 'received',
    retentionMs: granted === undefined ? 0 : valueOf(granted, 'session_retention_ms'),
    deadlineMs: granted === undefined ? 0 : valueOf(granted, 'connection_deadline_ms'),
  };
}

import type { ParameterInput } from '../../model/codec.ts';
import type { ReceivedFrame } from '../received-frame.ts';

/** What the harness declares in the ACCEPT of a trunk; absent is the default. */
export interface TrunkGrants {
  readonly channels?: number;
  readonly messages?: number;
  readonly octets?: number;
  /** The retention granted; by default what the relay asks for. */
  readonly retentionMs?: number;
}

/** The parameters of an ACCEPT that grants what the relay asked for. */
export function grantsOf(connect: ReceivedFrame, grants: TrunkGrants = {}): readonly ParameterInput[] {
  const asked = (name: string): number | undefined => {
    const value = connect.parameter(name);
    return typeof value === 'number' && value > 0 ? value : undefined;
  };
  const values: readonly (readonly [string, number | undefined])[] = [
    ['max_channels', grants.channels],
    ['initial_message_credit', grants.messages],
    ['initial_byte_credit', grants.octets],
    ['session_retention_ms', grants.retentionMs ?? asked('session_retention_ms')],
    ['connection_deadline_ms', asked('connection_deadline_ms')],
  ];
  return values.flatMap(([id, value]) => (value === undefined ? [] : [{ id, value }]));
}

import type { ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import eventSchema from './schema/event.schema.json' with { type: 'json' };
import requestSchema from './schema/request.schema.json' with { type: 'json' };
import responseSchema from './schema/response.schema.json' with { type: 'json' };

/** Version of the driver protocol (README.md of this folder). */
export const DRIVER_PROTOCOL = 1;

/** Parameters that a client can be asked to declare in CONNECT. */
export interface DriverParameters {
  readonly liveness_interval_ms?: number;
  readonly max_message_bytes?: number;
  readonly initial_message_credit?: number;
  readonly initial_byte_credit?: number;
}

/** What a client can be asked to want of a session that outlives its connections. */
export interface DriverContinuity {
  /** `session_retention_ms` in CONNECT. */
  readonly retentionMs: number;
  /** `connection_deadline_ms` in CONNECT; absent: not sent. */
  readonly deadlineMs?: number;
  /** A hint: the bound of the client's first random wait before it attempts to attach a detached session. */
  readonly reconnectBoundMs?: number;
}

/** Class of a channel. */
export type DriverPriority = 'urgent' | 'normal' | 'bulk';

/** One line to the driver, without its id. */
export type DriverRequest =
  | { readonly do: 'describe'; readonly protocol: typeof DRIVER_PROTOCOL }
  | {
      readonly do: 'connect';
      readonly connection: string;
      readonly host: string;
      readonly port: number;
      readonly audience: string;
      readonly certificate: string;
      readonly key: string;
      readonly ca: string;
      readonly crl: string;
      readonly reconnect?: boolean;
      readonly parameters?: DriverParameters;
      readonly continuity?: DriverContinuity;
    }
  | {
      readonly do: 'open';
      readonly connection: string;
      readonly application: string;
      readonly data?: string;
      readonly hold?: boolean;
      readonly priority?: DriverPriority;
      readonly outcomes?: boolean;
      readonly judge?: boolean;
      readonly applicationIdentity?: string;
      readonly demandProof?: boolean;
    }
  | { readonly do: 'send'; readonly connection: string; readonly channel: number; readonly message: string }
  | {
      readonly do: 'close';
      readonly connection: string;
      readonly channel?: number;
      readonly reset?: true;
      readonly rotate?: true;
      readonly detach?: true;
    };

/** One line from the driver in answer to a request. */
export interface DriverResponse {
  readonly id: number;
  readonly ok: boolean;
  readonly error?: 'unsupported' | 'invalid' | 'refused';
  readonly text?: string;
  readonly channel?: number;
  readonly protocol?: number;
  readonly name?: string;
  readonly version?: string;
  readonly language?: string;
  readonly unsupported?: readonly string[];
}

/** What a client reports to its application. */
export type DriverEventName =
  | 'established'
  | 'rejected'
  | 'opened'
  | 'refused'
  | 'message'
  | 'ended'
  | 'reset'
  | 'detached'
  | 'attached'
  | 'outcome'
  | 'closed'
  | 'failed';

/** What became of messages of the client (section 12.6). */
export type DriverOutcome = 'accepted' | 'rejected' | 'not-delivered' | 'unknown';

/** One line from the driver that nobody asked for. */
export interface DriverEvent {
  readonly event: DriverEventName;
  readonly connection: string;
  readonly channel?: number;
  readonly code?: number;
  readonly retryAfterMs?: number;
  readonly identity?: string;
  readonly session?: string;
  readonly data?: string;
  readonly message?: string;
  readonly cause?: 'tls' | 'protocol' | 'timeout' | 'transport' | 'other';
  readonly unknown?: number;
  readonly text?: string;
  readonly first?: number;
  readonly last?: number;
  readonly outcome?: DriverOutcome;
  readonly verdict?: number;
}

const ajv = new Ajv2020({ strict: true, allErrors: false });
type Line = 'request' | 'response' | 'event';
const validators: Readonly<Record<Line, ValidateFunction>> = {
  request: ajv.compile(requestSchema),
  response: ajv.compile(responseSchema),
  event: ajv.compile(eventSchema),
};

/** Why a line does not fit its schema; undefined when it does. */
export function schemaProblem(kind: Line, value: unknown): string | undefined {
  const validate = validators[kind];
  if (validate(value)) return undefined;
  // The innermost complaint of a `oneOf` is the useful one.
  const [first] = [...(validate.errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length);
  return `${first?.instancePath === '' ? 'the line' : (first?.instancePath ?? 'the line')} ${first?.message ?? 'does not validate'}`;
}

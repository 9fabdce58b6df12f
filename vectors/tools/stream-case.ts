/** How the streams of streams.json are written down. */
import { toHex } from '../../conformance/model/codec.ts';
import { Script, SESSION_ID } from './script.ts';
import type { StepInput } from './script.ts';
import { fails, VALID } from './vector.ts';
import type { DraftFile, Layer } from './vector.ts';

export type Draft = DraftFile['drafts'][number];

/** Where a stream begins, if not in an established session with default declarations. */
export interface Setting {
  readonly state?: string;
  readonly own?: Readonly<Record<string, number>>;
  readonly peer?: Readonly<Record<string, number>>;
  readonly identity?: string;
  readonly verdicts?: Readonly<Record<string, boolean>>;
}

export interface Message {
  readonly channel: number;
  /** Hexadecimal. */
  readonly message: string;
}

/** The end of a stream that is in order. */
export interface End {
  readonly connection?: string;
  readonly channels?: Readonly<Record<string, string>>;
  readonly delivered?: readonly Message[];
  /** What has become of the session; left out where it is attached. */
  readonly session?: 'detached' | 'ended';
  /** Of what was processed and sent, where that is not all that the script counted. */
  readonly cursors?: { readonly receive: number; readonly send: number };
}

export interface Case extends Setting {
  readonly comment: string;
  readonly requirements: readonly string[];
  readonly flag: string;
  readonly script: Script;
}

function base(test: Case): Readonly<Record<string, unknown>> & {
  readonly comment: string;
  readonly requirements: readonly string[];
  readonly flags: readonly string[];
} {
  const { comment, requirements, flag, script, state = 'established', own = {}, peer = {}, identity, verdicts } = test;
  const { former } = script;
  return {
    comment: `${script.role}: ${comment}`,
    requirements,
    flags: [flag],
    role: script.role,
    state,
    own,
    peer,
    ...(identity === undefined ? {} : { identity }),
    ...(verdicts === undefined ? {} : { verdicts }),
    ...(former === undefined ? {} : { resumed: { sessionId: toHex(SESSION_ID), steps: former.steps } }),
    steps: script.steps,
  };
}

export function good(test: Case, end: End = {}): Draft {
  const { connection = 'established', channels = {}, delivered = [], cursors = test.script.cursors, session } = end;
  const fate = session === undefined ? {} : { session };
  return { ...base(test), ...VALID, expected: { connection, channels, cursors, delivered, ...fate } };
}

/** The error arises in the last step, unless another is given. */
export function bad(test: Case, error: string, layer: Layer = 'state', index?: number): Draft {
  return { ...base(test), ...fails(layer, error), index: index ?? test.script.steps.length - 1 };
}

/** An empty script of a client. */
export const client = (): Script => new Script('client');
/** An empty script of a server. */
export const server = (): Script => new Script('server');
/** The flag of every CLOSE of a session that is not resumable. */
export const END_SESSION: StepInput = { flags: ['END_SESSION'] };
/** Declarations of both ends in a resumable session. */
export const RESUMABLE: Pick<Setting, 'own' | 'peer'> = {
  own: { session_retention_ms: 60_000 },
  peer: { session_retention_ms: 60_000 },
};
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
/** Flags and octets of a MESSAGE. */
export const fragment = (flags: readonly string[], octets: Uint8Array | string, channel = 1): StepInput => ({
  flags,
  channel,
  fields: { fragment: typeof octets === 'string' ? text(octets) : octets },
});
/** A message that reaches the application. */
export const delivered = (channel: number, octets: Uint8Array | string): Message => ({
  channel,
  message: Buffer.from(octets).toString('hex'),
});

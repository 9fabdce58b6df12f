/** How the streams of streams.json are written down. */
import { Script } from './script.ts';
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
    steps: script.steps,
  };
}

export function good(test: Case, end: End = {}): Draft {
  const { connection = 'established', channels = {}, delivered = [], cursors = test.script.cursors } = end;
  return { ...base(test), ...VALID, expected: { connection, channels, cursors, delivered } };
}

/** The error arises in the last step, unless another is given. */
export function bad(test: Case, error: string, layer: Layer = 'state', index?: number): Draft {
  return { ...base(test), ...fails(layer, error), index: index ?? test.script.steps.length - 1 };
}

/** An empty script of a client. */
export const client = (): Script => new Script('client');
/** An empty script of a server. */
export const server = (): Script => new Script('server');
/** The flag of every CLOSE in this revision. */
export const END_SESSION: StepInput = { flags: ['END_SESSION'] };
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

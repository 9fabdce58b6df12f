import type { ChannelMachine, PriorityClass, RestoredChannel } from './channel.ts';
import { HawserError } from './errors.ts';
import type { Forwarded } from './frames/forward.ts';
import { encodeHex, parseHex } from './octets.ts';
import type { Opening } from './opening.ts';
import type { PeerParameters } from './options.ts';
import type { MachineState } from './registry.gen.ts';

/** Form of what is stored; another one is not read. */
const VERSION = 3;

/** What an acknowledgement means. */
export type Custody = 'received' | 'stored';

/** What both sides have agreed on for the life of a session. [CNT-003] */
export interface SessionTerms {
  readonly own: {
    readonly maxMessageBytes: number;
    readonly initialMessageCredit: number;
    readonly initialByteCredit: number;
    /** The server's grant. */
    readonly maxChannels: number;
  };
  readonly peer: PeerParameters;
  /** How long the session is kept without a connection; 0 = not at all. */
  readonly retentionMs: number;
  /** What this endpoint's acknowledgements mean, and those of the peer. */
  readonly custody: Custody;
  readonly peerCustody: Custody;
}

/** A channel as it is stored. */
export interface StoredChannel extends RestoredChannel {
  readonly number: number;
  readonly state: MachineState<ChannelMachine>;
  readonly application: string;
  readonly nonce: Uint8Array;
  readonly applicationData: Uint8Array | undefined;
  readonly priority: PriorityClass;
  readonly outcomes: boolean;
  readonly forwarded: Forwarded | undefined;
  /** The message of which some fragments are sent, and how many octets they hold. */
  readonly begun: { readonly message: number; readonly offset: number } | undefined;
}

/** Everything of a session but its frames and messages. */
export interface StoredState {
  readonly role: 'client' | 'server';
  /** The session id. */
  readonly id: Uint8Array;
  readonly epoch: number;
  readonly terms: SessionTerms;
  /** Last sequenced frame processed, last one numbered, last one that the peer has acknowledged. */
  readonly receiveCursor: number;
  readonly sendCursor: number;
  readonly acknowledged: number;
  /** Number of the last channel that was opened. */
  readonly opened: number;
  readonly channels: readonly StoredChannel[];
}

/** Writes the state as an entry of a store. */
export function encodeState(state: StoredState): Uint8Array {
  const json = {
    version: VERSION,
    ...state,
    id: encodeHex(state.id),
    channels: state.channels.map((channel) => ({
      ...channel,
      nonce: encodeHex(channel.nonce),
      applicationData: channel.applicationData && encodeHex(channel.applicationData),
      opening: channel.opening && openingToHex(channel.opening),
      openedPayload: channel.openedPayload && encodeHex(channel.openedPayload),
    })),
  };
  return new TextEncoder().encode(JSON.stringify(json));
}

/**
 * Reads what {@link encodeState} wrote.
 *
 * @throws HawserError `HAWSER_ERR_STORE_CORRUPT` when it is anything else.
 */
export function decodeState(octets: Uint8Array): StoredState {
  try {
    const { version, ...json } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets)) as Omit<
      StoredState,
      'id' | 'channels'
    > & {
      readonly version: number;
      readonly id: string;
      readonly channels: readonly (Omit<StoredChannel, 'nonce' | 'applicationData' | 'opening' | 'openedPayload'> & {
        readonly nonce: string;
        readonly applicationData?: string;
        readonly opening?: HexOpening;
        readonly openedPayload?: string;
      })[];
    };
    if (version !== VERSION) throw corrupt(`its version is ${String(version)}`);
    const numbers = [json.epoch, json.receiveCursor, json.sendCursor, json.acknowledged, json.opened];
    if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) throw corrupt('a cursor is no number');
    return {
      ...json,
      id: octetsOf(json.id),
      channels: json.channels.map((channel) => ({
        ...channel,
        nonce: octetsOf(channel.nonce),
        applicationData: optionalOctetsOf(channel.applicationData),
        opening: channel.opening && openingOfHex(channel.opening),
        openedPayload: optionalOctetsOf(channel.openedPayload),
      })),
    };
  } catch (error) {
    throw error instanceof HawserError ? error : corrupt('it is not readable', error);
  }
}

/** An {@link Opening} in JSON. */
type HexOpening = Omit<Opening, 'open' | 'prove' | 'proof'> & {
  readonly open: string;
  readonly prove?: string | undefined;
  readonly proof?: string | undefined;
};

function openingToHex(opening: Opening): HexOpening {
  const { open, prove, proof } = opening;
  return { ...opening, open: encodeHex(open), prove: prove && encodeHex(prove), proof: proof && encodeHex(proof) };
}

function openingOfHex(opening: HexOpening): Opening {
  const { open, prove, proof } = opening;
  return { ...opening, open: octetsOf(open), prove: optionalOctetsOf(prove), proof: optionalOctetsOf(proof) };
}

function optionalOctetsOf(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : octetsOf(hex);
}

function octetsOf(hex: string): Uint8Array {
  const octets = parseHex(hex);
  if (octets === undefined) throw corrupt('octets are not hexadecimal');
  return octets;
}

/** What was stored of a session can not be what this endpoint wrote. */
export function corrupt(why: string, cause?: unknown): HawserError {
  const message = `The stored session can not be read: ${why}. Restore the store from a copy, or begin a new session.`;
  return new HawserError('HAWSER_ERR_STORE_CORRUPT', message, { cause });
}

import { FLAG } from '../registry.gen.ts';

/** MESSAGE: a message, or a fragment of one (chapter 6.3). */
export interface Message {
  /** Begins a message. */
  readonly first: boolean;
  /** Completes a message. */
  readonly last: boolean;
  readonly fragment: Uint8Array;
}

/** Writes flags and payload of MESSAGE; the payload is the fragment itself, not a copy. */
export function encodeMessage({ first, last, fragment }: Message): {
  readonly flags: number;
  readonly payload: Uint8Array;
} {
  return { flags: (first ? FLAG.MESSAGE.FIRST : 0) | (last ? FLAG.MESSAGE.LAST : 0), payload: fragment };
}

/** Reads flags and payload of MESSAGE: every payload is one. */
export function decodeMessage(flags: number, payload: Uint8Array): Message {
  return {
    first: (flags & FLAG.MESSAGE.FIRST) !== 0,
    last: (flags & FLAG.MESSAGE.LAST) !== 0,
    fragment: payload,
  };
}

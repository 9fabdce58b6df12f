/** What all vectors have in common, and how a generator collects them. */

/** Where the failure lies. */
export type Layer = 'header' | 'frame' | 'parameters' | 'state' | 'signature' | 'certificate' | 'evidence';

/** Certificates and evidence records fail for a reason, everything else with an error of the registry. */
export type Outcome =
  | { readonly result: 'valid' }
  | { readonly result: 'invalid'; readonly layer: Layer; readonly error: string }
  | { readonly result: 'invalid'; readonly layer: Layer; readonly reason: string };

/** A vector before it has its id. `comment` is one line, different from that of every other vector in the file. */
export interface Draft {
  readonly comment: string;
  /** Ids of the requirements that decide; the first one is the one that an invalid vector breaks. */
  readonly requirements: readonly string[];
  readonly flags: readonly string[];
}

/** One file of vectors before ids are assigned. */
export interface DraftFile {
  /** File name without `.json`; also names the schema. */
  readonly name: string;
  /** What the ids begin with. */
  readonly prefix: string;
  readonly description: string;
  readonly drafts: readonly (Draft & Outcome & Readonly<Record<string, unknown>>)[];
}

export const VALID: Outcome = { result: 'valid' };

/** An outcome with an error of the registry. */
export function fails(layer: Layer, error: string): Outcome {
  return { result: 'invalid', layer, error };
}

/** An outcome with the reason of a certificate or evidence check. */
export function refused(layer: 'certificate' | 'evidence', reason: string): Outcome {
  return { result: 'invalid', layer, reason };
}

/** The layer in which each error of decoding lies; errors that are not named here are found by state. */
const LAYERS: Readonly<Record<string, Layer>> = {
  FRAME_TOO_LARGE: 'header',
  FRAME_UNKNOWN: 'header',
  FLAGS_INVALID: 'header',
  CHANNEL_INVALID: 'header',
  SEQUENCE_INVALID: 'header',
  FRAME_MALFORMED: 'frame',
  PARAMETER_MALFORMED: 'parameters',
  PARAMETER_UNKNOWN: 'parameters',
  PARAMETER_INVALID: 'parameters',
  SIGNATURE_INVALID: 'signature',
};

/** An outcome with an error, in the layer where the checks of WIR-027 find it. */
export function decodingFails(error: string): Outcome {
  return fails(LAYERS[error] ?? 'state', error);
}

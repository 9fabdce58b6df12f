/** Permanent ids for vectors. */

/** A vector as it stands in a file. */
export type Vector = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly comment: string;
  readonly requirements: readonly string[];
  readonly flags: readonly string[];
  readonly result?: string;
};

/** manifest.json. */
export interface Manifest {
  readonly specRevision: string;
  /** Vectors of both results over all files but the must-fail controls. */
  readonly valid: number;
  readonly invalid: number;
  readonly files: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly vectors: number;
    readonly valid?: number;
    readonly invalid?: number;
    /** The highest number that was ever given to a vector of this file. */
    readonly lastId: number;
  }[];
  /** Schemas and flags. */
  readonly support: readonly { readonly file: string; readonly sha256: string }[];
}

/**
 * Gives each draft the id that it already has, or the next one.
 *
 * @param known - the committed vectors; a draft with the same comment is the same vector.
 * @param last - the highest number given so far, whether or not its vector still exists.
 */
export function assignIds(
  prefix: string,
  drafts: readonly Omit<Vector, 'id'>[],
  known: readonly { readonly id: string; readonly comment: string }[],
  last: number,
): { readonly vectors: readonly Vector[]; readonly lastId: number } {
  let lastId = last;
  const vectors = drafts.map((draft) => {
    const old = known.find(({ comment }) => comment === draft['comment']);
    if (old === undefined) lastId += 1;
    return { id: old?.id ?? `${prefix}-${String(lastId).padStart(4, '0')}`, ...draft } as Vector;
  });
  return { vectors: vectors.toSorted((a, b) => (a.id < b.id ? -1 : 1)), lastId };
}

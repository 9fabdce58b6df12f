/** Names one run of one case so that it can be repeated: `EST-009/other-audience@5eed0001`, and `:path` for a shrunk property. */
export interface ReplayToken {
  readonly caseId: string;
  readonly seed: number;
  /** Path of fast-check to the shrunk counterexample. */
  readonly path?: string;
}

/** Writes a token. */
export function formatReplayToken(token: ReplayToken): string {
  const seed = token.seed.toString(16).padStart(8, '0');
  return `${token.caseId}@${seed}${token.path === undefined ? '' : `:${token.path}`}`;
}

/** Reads a token; undefined when it is none. */
export function parseReplayToken(text: string): ReplayToken | undefined {
  const match = /^([A-Z]{3}-[0-9]{3}\/[a-z0-9-]+)@([0-9a-f]{8})(?::([0-9:]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, caseId = '', seed = '', path] = match;
  return { caseId, seed: Number.parseInt(seed, 16), ...(path === undefined ? {} : { path }) };
}

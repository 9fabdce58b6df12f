import type { Variant } from './link.ts';

/** From the limit of the platform, over the peers, to the subject. */
export const VARIANTS = ['raw', 'raw-naive', 'ws', 'hawser'] as const;

export type VariantName = (typeof VARIANTS)[number];

/** Loads only what the variant needs, so that a process measures nothing else. */
export async function loadVariant(name: VariantName): Promise<Variant> {
  switch (name) {
    case 'raw':
      return (await import('./variants/raw.ts')).raw;
    case 'raw-naive':
      return (await import('./variants/raw-naive.ts')).rawNaive;
    case 'ws':
      return (await import('./variants/ws.ts')).ws;
    case 'hawser':
      return (await import('./variants/hawser.ts')).hawser;
  }
}

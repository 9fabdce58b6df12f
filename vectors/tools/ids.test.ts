import { describe, expect, it } from 'vitest';
import { assignIds } from './ids.ts';

const draft = (comment: string): { comment: string; requirements: string[]; flags: string[] } => ({
  comment,
  requirements: ['WIR-027'],
  flags: ['Ordinary'],
});

describe('assignIds', () => {
  it('numbers new vectors in their order', () => {
    const { vectors, lastId } = assignIds('frame', [draft('a'), draft('b')], [], 0);
    expect(vectors.map(({ id, comment }) => [id, comment])).toEqual([
      ['frame-0001', 'a'],
      ['frame-0002', 'b'],
    ]);
    expect(lastId).toBe(2);
  });

  it('keeps ids when vectors come, go and change places', () => {
    const known = [
      { id: 'frame-0001', comment: 'a' },
      { id: 'frame-0002', comment: 'b' },
      { id: 'frame-0003', comment: 'c' },
    ];
    const { vectors, lastId } = assignIds('frame', [draft('new'), draft('c'), draft('a')], known, 3);
    expect(vectors.map(({ id, comment }) => [id, comment])).toEqual([
      ['frame-0001', 'a'],
      ['frame-0003', 'c'],
      ['frame-0004', 'new'],
    ]);
    expect(lastId).toBe(4);
  });

  it('does not give the number of a vector that is gone to another', () => {
    const { vectors } = assignIds('frame', [draft('a'), draft('new')], [{ id: 'frame-0001', comment: 'a' }], 9);
    expect(vectors.map(({ id }) => id)).toEqual(['frame-0001', 'frame-0010']);
  });
});

import { describe, expect, it } from 'vitest';
import { greaseFrame, greaseParameter } from '../../../core/grease.ts';
import { FRAME_NAME, PARAMETER_NAME } from '../../../core/index.ts';
import { deterministicRandom } from './pair.ts';

describe('GREASE', () => {
  const random = deterministicRandom('grease');

  it('parameters have ids of the formula and values of 0 to 16 octets [EXT-003] [EXT-002] [EXT-005]', () => {
    const lengths = new Set<number>();
    const ids = new Set<number>();
    for (let count = 0; count < 500; count += 1) {
      const { id, value } = greaseParameter(random);
      expect(((id & 0x7fff) - 27) % 31).toBe(0);
      expect(id & 0x8000).toBe(0x8000);
      expect(PARAMETER_NAME[id]).toBeUndefined();
      lengths.add(value.length);
      ids.add(id);
    }
    expect(Math.min(...lengths)).toBe(0);
    expect(Math.max(...lengths)).toBe(16);
    expect(ids.size).toBeGreaterThan(300);
  });

  it('frames have types of the formula and payloads of 0 to 16 octets [EXT-004] [EXT-001] [EXT-005]', () => {
    const types = new Set<number>();
    for (let count = 0; count < 100; count += 1) {
      const { type, payload } = greaseFrame(random);
      expect(FRAME_NAME[type]).toBeUndefined();
      expect(payload.length).toBeLessThanOrEqual(16);
      types.add(type);
    }
    expect([...types].sort((a, b) => a - b)).toEqual([0x9b, 0xba, 0xd9, 0xf8]);
  });
});

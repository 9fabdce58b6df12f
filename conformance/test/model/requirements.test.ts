import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadRequirements } from '../../model/requirements.ts';

describe('loadRequirements', () => {
  it('finds each normative sentence with its digest', () => {
    const requirements = loadRequirements();
    expect(requirements.find(({ id }) => id === 'WIR-027')).toMatchObject({ level: 'MUST', role: 'both' });
    for (const { id, text, sha256 } of requirements) {
      expect(createHash('sha256').update(text).digest('hex'), id).toBe(sha256);
    }
  });
});

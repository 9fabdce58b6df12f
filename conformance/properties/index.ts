import type { ConformanceCase } from '../cases/case.ts';

/** The property cases. */
export const properties: readonly ConformanceCase[] = [];

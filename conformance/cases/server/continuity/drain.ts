import type { ServerCase } from '../../case.ts';
export const drain: readonly ServerCase[] = [];

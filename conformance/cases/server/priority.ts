import type { ServerCase } from '../case.ts';
export const priority: readonly ServerCase[] = [];

import type { ServerCase } from '../../case.ts';
export const connectionDeadlines: readonly ServerCase[] = [];

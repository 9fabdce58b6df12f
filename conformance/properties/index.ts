import type { ConformanceCase } from '../cases/case.ts';
import { clientProperties } from './client-properties.ts';
import { serverProperties } from './server-properties.ts';

/** Cases that try generated exchanges and shrink what fails. */
export const properties: readonly ConformanceCase[] = [...serverProperties, ...clientProperties];

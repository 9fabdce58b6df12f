/**
 * Module hooks of a faulty implementation: they alter modules of the reference while these are loaded. Registered by
 * `register.ts` in a process of the implementation, never in one of the suite.
 */
import type { InitializeHook, LoadHook } from 'node:module';
import type { Fault } from './fault.ts';
import { faults } from './index.ts';
import { patchModule } from './patch.ts';

let fault: Fault | undefined;

export const initialize: InitializeHook<string | null> = (id) => {
  fault = faults.find((entry) => entry.id === id);
  if (fault === undefined) throw new TypeError(`there is no fault ${id ?? ''}`);
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const module = /\/reference\/(.+)\.js$/.exec(url)?.[1];
  if (fault === undefined || module === undefined || loaded.source === undefined) return loaded;
  const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  return { ...loaded, source: patchModule(fault, module, source) };
};

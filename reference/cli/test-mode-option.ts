import type { Command } from 'commander';
import { UsageError } from './failure.ts';

/** Whether test mode was asked for. The library would take any value of the variable, even `false`, as yes. [APP-002] */
export function isTestMode(command: Command): boolean {
  const { testMode } = command.opts<{ testMode?: boolean }>();
  const variable = process.env['HAWSER_TEST_MODE'];
  if (variable === undefined || command.getOptionValueSource('testMode') === 'cli') return testMode === true;
  if (variable === 'true' || variable === 'false') return variable === 'true';
  throw new UsageError('HAWSER_TEST_MODE', `HAWSER_TEST_MODE has to be true or false, not "${variable}".`);
}

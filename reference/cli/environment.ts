import type { Command } from 'commander';
import { UsageError } from './failure.ts';
import { nearest } from './near-match.ts';

const PREFIX = 'HAWSER_';

/** `serve` reads it by itself: as the variable of a switch, any value would mean yes. */
const TEST_MODE = 'HAWSER_TEST_MODE';
/** Settings of the property tests, which the commands that tests start inherit. */
const OF_TESTS: readonly string[] = ['HAWSER_PROPERTY_RUNS', 'HAWSER_PROPERTY_SEED'];

/**
 * Refuses variables that look like settings and are none: a misspelt one would be ignored without a word.
 *
 * @param program - the command tree, whose options say which variables there are.
 * @throws UsageError that names the variable, and the one that was meant.
 */
export function checkEnvironment(program: Command, environment: NodeJS.ProcessEnv): void {
  const settings = variablesOf(program);
  const known = new Set([...settings, ...OF_TESTS]);
  const unknown = Object.keys(environment).find((name) => name.startsWith(PREFIX) && !known.has(name));
  if (unknown === undefined) return;
  const meant = nearest(unknown, settings);
  const advice =
    meant === undefined ? `The variables that are read: ${settings.join(', ')}.` : `Did you mean ${meant}?`;
  throw new UsageError(unknown, `The environment variable ${unknown} is no setting. ${advice} Correct or unset it.`);
}

function variablesOf(program: Command): readonly string[] {
  const all = (command: Command): string[] => [
    ...command.options.flatMap(({ envVar }) => envVar ?? []),
    ...command.commands.flatMap(all),
  ];
  return [...new Set([...all(program), TEST_MODE])].sort();
}

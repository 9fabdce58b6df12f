import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { UsageError, exitStatusOf, failureLine, fileProblem, oneLine } from '../../../cli/failure.ts';
import { ConfigError, RemoteError } from '../../../core/index.ts';

describe('how a command ends', () => {
  it.each([
    [new UsageError('--x', 'Give --x.'), 2, 'hawser: Give --x.'],
    [new ConfigError('HAWSER_ERR_CONFIG_A', 'a', 'Wrong.'), 2, 'hawser: Wrong. (HAWSER_ERR_CONFIG_A)'],
    [new RemoteError('BUSY', 0x0205, 'Busy.'), 1, 'hawser: Busy. (HAWSER_ERR_REMOTE_BUSY)'],
    [new Error('a\n  b'), 1, 'hawser: internal error, please report it: a b'],
    [new CommanderError(1, 'commander.unknownOption', 'x'), 2, undefined],
    [new CommanderError(0, 'commander.helpDisplayed', 'x'), 0, undefined],
  ])('%s', (error, status, line) => {
    expect([exitStatusOf(error), failureLine(error)]).toEqual([status, line]);
  });

  it('names file problems', () => {
    expect(fileProblem({ code: 'ENOENT' })).toBe('there is no such file');
    expect(fileProblem({ code: 'EMFILE' })).toBe('EMFILE');
    expect(oneLine(' a\n\n b ')).toBe('a b');
  });
});

import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import type { Command } from 'commander';

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

describe('the command tree', () => {
  it('describes every command, option and argument', () => {
    for (const command of all(createProgram())) {
      expect(command.description(), command.name()).not.toBe('');
      for (const option of command.options) expect(option.description, option.flags).not.toBe('');
      for (const argument of command.registeredArguments) expect(argument.description, argument.name()).not.toBe('');
    }
  });

  it('says of each option without which nothing goes that it is required', () => {
    const options = all(createProgram()).flatMap((command) => command.options);
    const mandatory = options.filter((option) => option.mandatory);
    expect(mandatory.length).toBeGreaterThan(5);
    for (const option of mandatory) expect(option.description, option.flags).toMatch(/; required/);
  });

  it('shows an example for every command that does something', () => {
    for (const command of all(createProgram()).filter(({ commands }) => commands.length === 0)) {
      let text = '';
      command.configureOutput({ writeOut: (part) => (text += part) });
      command.outputHelp();
      expect(text, command.name()).toMatch(/Examples?:\n {2}/);
    }
  });
});

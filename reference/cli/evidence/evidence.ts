import { Command } from 'commander';
import { evidenceVerifyCommand } from './verify.ts';

/** `hawser evidence`: evidence records (section 4.8). */
export function evidenceCommand(): Command {
  return new Command('evidence').description('evidence records of sessions').addCommand(evidenceVerifyCommand());
}

#!/usr/bin/env node
import { runCli } from './program.ts';

// Whoever reads our output may stop reading; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
process.exitCode = await runCli(process.argv.slice(2));

import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { SetupFailure } from '../peer/failure.ts';
import { UsageError } from './usage-error.ts';

/** Flags of a command that judges a program which listens. */
export interface NetworkFlags {
  readonly connect?: string;
  readonly pki?: string;
  readonly reload?: string;
}

/** @param role - what listens, in a word. */
export function addNetworkFlags(command: Command, role: string): Command {
  return command
    .option('--connect <host:port>', `where the ${role} listens; required`)
    .option('--pki <dir>', 'certificate kit, from the command pki; required')
    .option('--reload <command>', `shell command that makes the ${role} load its revocation list again`);
}

/** Where to connect, and with which kit. Throws UsageError. */
export function requireNetworkFlags(
  role: string,
  { connect, pki }: NetworkFlags,
): { readonly connect: string; readonly pki: string } {
  if (connect === undefined) throw new UsageError(`${role}: --connect HOST:PORT is missing`);
  if (pki === undefined) {
    throw new UsageError(`${role}: --pki DIR is missing; make a kit with: hawser-conformance pki --out DIR`);
  }
  return { connect, pki };
}

/** What reloads a program under test: nothing without the flag. */
export function reloading({ reload }: NetworkFlags): { readonly reload?: () => Promise<void> } {
  return reload === undefined ? {} : { reload: () => runShell(reload) };
}

/** A command line with its `--reload`, to be repeated. */
export function withReload(words: string, { reload }: NetworkFlags): string {
  return reload === undefined ? words : `${words} --reload '${reload}'`;
}

/** Throws SetupFailure. */
async function runShell(line: string): Promise<void> {
  try {
    await promisify(exec)(line);
  } catch (error) {
    throw new SetupFailure(`--reload: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** An address on the command line. Throws UsageError. */
export function parseAddress(option: string, text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65_535) {
    throw new UsageError(`${option}: expected HOST:PORT such as 127.0.0.1:7443, not ${text}`);
  }
  return { host, port };
}

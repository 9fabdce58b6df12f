import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  CLIENT_IDENTITY,
  type PkiFiles,
  type RunningCommand,
  SERVER_IDENTITY,
  expectOk,
  issueArguments,
  makePki,
  start,
  temporaryFolder,
} from './cli.ts';

export const RELAY_IDENTITY = 'spiffe://hawser.test/relay';

/** A command that listens on a port of the system's choice. */
export interface ListeningCommand extends RunningCommand {
  readonly port: number;
  readonly address: string;
}

/** Files of an authority with a server, a client and a relay; the folder is the caller's to remove. */
export async function makeRelayPki(): Promise<PkiFiles> {
  const pki = await makePki(mkdtempSync(join(tmpdir(), 'hawser-e2e-')));
  await expectOk(issueArguments(pki.folder, 'both', RELAY_IDENTITY, pki.file('relay')));
  return pki;
}

/** Files of the relay, for options and for the configuration file. */
export function relayFiles(pki: PkiFiles): Readonly<Record<string, unknown>> {
  return {
    cert: pki.file('relay.pem'),
    key: pki.file('relay.key'),
    ca: [pki.file('ca.pem')],
    crl: [pki.file('crl.pem')],
  };
}

/** Writes a configuration file. */
export function writeRelayFile(pki: PkiFiles, path: string, content: object): string {
  writeFileSync(path, stringify({ ...relayFiles(pki), ...content }));
  return path;
}

/** Writes a configuration file that is removed after the test. */
export function newRelayFile(pki: PkiFiles, content: object): string {
  return writeRelayFile(pki, join(temporaryFolder(), 'relay.yaml'), content);
}

/** A policy that lets the client open these applications. */
export function allow(...applications: string[]): object[] {
  return [{ identity: CLIENT_IDENTITY, applications }];
}

/** Starts `hawser relay`, on a port of the system's choice unless told otherwise. */
export function startRelay(args: readonly string[], listen = '127.0.0.1:0'): Promise<ListeningCommand> {
  return listening(start(['relay', '--listen', listen, ...args]));
}

/** Arguments of `connect` to a relay. */
export function toRelay(pki: PkiFiles, address: string, application: string): string[] {
  const options = pki.client.map((value) => (value === SERVER_IDENTITY ? RELAY_IDENTITY : value));
  return ['connect', address, ...options, '--application', application];
}

/**
 * Starts `hawser connect --listen`.
 *
 * @param connect - the arguments, without `--listen`.
 */
export function startLocalPort(connect: readonly string[], logLevel = 'warn'): Promise<ListeningCommand> {
  return listening(start([...connect, '--listen', '0', '--log-level', logLevel]));
}

async function listening(command: RunningCommand): Promise<ListeningCommand> {
  const { listening: at } = JSON.parse(await command.line('stdout', /"listening"/)) as {
    listening: { host: string; port: number };
  };
  return { ...command, port: at.port, address: `${at.host}:${at.port}` };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The built command. */
const MAIN = fileURLToPath(new URL('../../../../dist/reference/cli/main.js', import.meta.url));

export const SERVER_IDENTITY = 'spiffe://hawser.test/server';
export const CLIENT_IDENTITY = 'spiffe://hawser.test/client';

/** How a command ended. */
export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings of a child process. */
export interface RunOptions {
  /** Written to standard input, which ends after it. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A command that runs. */
export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  /** Resolves with the first line of a stream that matches, old or new. */
  readonly line: (stream: 'stdout' | 'stderr', pattern: RegExp) => Promise<string>;
}

/** Starts the command; it is killed when the test is over. */
export function start(args: readonly string[], options: RunOptions = {}): RunningCommand {
  const command = launch(args, options);
  onTestFinished(() => void command.child.kill('SIGKILL'));
  return command;
}

function launch(args: readonly string[], options: RunOptions): RunningCommand {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" first.`);
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const text = { stdout: '', stderr: '' };
  let waiting: { readonly look: () => boolean; readonly fail: () => void }[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
      waiting = waiting.filter(({ look }) => !look());
    });
  }
  // A command may end before it has read what it was given.
  child.stdin.on('error', () => undefined);
  if (options.input !== undefined) child.stdin.end(options.input);
  const ended = new Promise<Result>((resolve) =>
    child.once('close', (status) => {
      for (const { fail } of waiting) fail();
      resolve({ status, ...text });
    }),
  );
  const line = (stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): boolean => {
        const found = text[stream]
          .split('\n')
          .slice(0, -1)
          .find((one) => pattern.test(one));
        if (found !== undefined) resolve(found);
        return found !== undefined;
      };
      const fail = (): void => {
        if (!look()) reject(new Error(`no line ${String(pattern)} in ${JSON.stringify(text)}`));
      };
      if (!look()) waiting.push({ look, fail });
    });
  return { child, ended, line };
}

/** Runs the command to its end; standard input is empty unless given. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return launch(args, { input: '', ...options }).ended;
}

/** An empty folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-e2e-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Files of an authority with a server and a client, made by `hawser pki`. */
export interface PkiFiles {
  readonly folder: string;
  file(name: string): string;
  /** Options of `serve`. */
  readonly server: readonly string[];
  /** Options of `connect`, the audience among them. */
  readonly client: readonly string[];
}

/** Makes {@link PkiFiles}. */
export async function makePki(folder: string): Promise<PkiFiles> {
  const file = (name: string): string => join(folder, name);
  await expectOk(['pki', 'init', '--out', folder]);
  await expectOk(issueArguments(folder, 'server', SERVER_IDENTITY, file('server')));
  await expectOk(issueArguments(folder, 'client', CLIENT_IDENTITY, file('client')));
  const trust = ['--ca', file('ca.pem'), '--crl', file('crl.pem')];
  return {
    folder,
    file,
    server: ['--cert', file('server.pem'), '--key', file('server.key'), ...trust],
    client: ['--cert', file('client.pem'), '--key', file('client.key'), ...trust, '--audience', SERVER_IDENTITY],
  };
}

/** Arguments of `hawser pki issue`. */
export function issueArguments(
  ca: string,
  role: 'client' | 'server' | 'both',
  identity: string,
  out: string,
): string[] {
  return ['pki', 'issue', '--ca', ca, '--role', role, '--identity', identity, '--out', out];
}

/** Runs a command that has to succeed. */
export async function expectOk(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const result = await run(args, options);
  if (result.status !== 0) throw new Error(`hawser ${args.join(' ')}: ${JSON.stringify(result)}`);
  return result;
}

/** Starts `hawser serve` on a port of the system's choice. */
export async function startServe(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunningCommand & { readonly address: string; readonly port: number }> {
  const command = start(['serve', '--listen', '127.0.0.1:0', ...args], options);
  const { listening } = JSON.parse(await command.line('stdout', /"listening"/)) as {
    listening: { host: string; port: number };
  };
  return { ...command, address: `${listening.host}:${listening.port}`, port: listening.port };
}

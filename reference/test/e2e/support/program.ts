import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** How long a program may take until it listens. */
const READY_MS = 20_000;

/** Whether a program is installed, by a command that it answers at once. */
export function isInstalled(program: string, versionFlag: string): boolean {
  return spawnSync(program, [versionFlag]).status === 0;
}

/** A program that is not of this project. */
export interface Program {
  readonly child: ChildProcess;
  /** Everything that it has said so far. */
  readonly said: () => string;
}

/** Starts a program; it is killed when the test is over. */
export function startProgram(program: string, args: readonly string[]): Program {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  }
  return { child, said: () => said };
}

/**
 * Waits for a line that a program says.
 *
 * @returns the first group of the pattern.
 */
export async function saying(program: Program, pattern: RegExp): Promise<string> {
  const gone = once(program.child, 'close').then(() => true);
  for (;;) {
    const found = pattern.exec(program.said())?.[1];
    if (found !== undefined) return found;
    const { stdout, stderr } = program.child;
    const more = [stdout, stderr].flatMap((stream) => (stream === null ? [] : [once(stream, 'data')]));
    const over = await Promise.race([gone, ...more.map((one) => one.then(() => false))]);
    if (over) throw new Error(`no ${String(pattern)}, but the end of the program, and: ${program.said()}`);
  }
}

/** Waits until a program takes connections at a port: only asking tells when it is ready. */
export async function listeningAt(port: number, program: Program): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await takesConnections(port))) {
    const ended = program.child.exitCode !== null;
    if (ended || performance.now() > deadline) throw new Error(`nobody listens at ${port}: ${program.said()}`);
    await wait(20);
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** A port at which nobody listens, for a program that can not be told to choose. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs a program to its end, and returns what it has written; throws when it fails. */
export async function output(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  if (status !== 0) throw new Error(`${program} ended with ${String(status)}: ${stdout}${stderr}`);
  return stdout;
}

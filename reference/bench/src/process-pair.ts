import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Reading } from './stopwatch.ts';
import { type ClientTask, type Report, type Task, VERIFY } from './task.ts';

/** Whether processes are tied to cores: without it, figures of two runs differ by what the scheduler did. */
export const pinned: boolean = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;

/** Longer than any measure takes on a slow machine. */
const DEADLINE_MS = 60_000;

/**
 * Runs one measure of one variant in two new processes.
 *
 * @param profiles - folder for CPU profiles of both; undefined for none.
 * @returns the client's value, and the time that both processes spent.
 * @throws Error when a process fails, is late, or has not received exactly what was sent.
 */
export async function runPair(task: Task, profiles: string | undefined): Promise<Reading> {
  const server = start('server', task, task.measure.mode === 'latency' ? 0 : 1, profiles);
  try {
    const { port } = await reported(server, 'listening');
    const clientTask: ClientTask = { ...task, port };
    const client = start('client', clientTask, 0, profiles);
    try {
      const { value, cpuMicros } = await Promise.race([reported(client, 'measured'), failed(server)]);
      server.send(VERIFY);
      const verified = await reported(server, 'verified');
      await Promise.all([exited(client), exited(server)]);
      return { value, cpuMicros: cpuMicros + verified.cpuMicros };
    } finally {
      client.kill('SIGKILL');
    }
  } finally {
    server.kill('SIGKILL');
  }
}

function start(role: 'client' | 'server', task: Task, core: number, profiles: string | undefined): ChildProcess {
  const name = `${task.measure.id}.${task.variant}.${role}.${Date.now()}.cpuprofile`;
  const flags = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}`];
  const module = fileURLToPath(new URL(`./${role}.js`, import.meta.url));
  const options = pinned
    ? { execPath: 'taskset', execArgv: ['-c', String(core), process.execPath, ...flags] }
    : { execArgv: flags };
  return fork(module, [JSON.stringify(task)], options);
}

function reported<Type extends Report['type']>(child: ChildProcess, type: Type): Promise<Report & { type: Type }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${type}" within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
    const settle = (): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
    };
    const onMessage = (message: Report): void => {
      if (message.type !== type) return;
      settle();
      resolve(message as Report & { type: Type });
    };
    const onExit = (code: number | null, signal: string | null): void => {
      settle();
      reject(new Error(`a process ended with ${signal ?? code} before "${type}"`));
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}

function failed(child: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} during the measure`)));
  });
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
}

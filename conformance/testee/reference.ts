import { fileURLToPath } from 'node:url';
import { ApplicationEnds } from '../peer/ends/application-ends.ts';
import { ANY_PORT } from '../peer/listen-on.ts';
import type { ClientAttachment, RelayAttachment, ServerAttachment } from '../runner/attachment.ts';
import { ChildServer } from './child-server.ts';
import { ClientDriver } from './driver.ts';
import type { Kit } from './kit-files.ts';

/** How the built reference is run. */
export interface ReferenceOptions {
  /** Arguments of Node in front of the program, such as `--import`. */
  readonly nodeArguments?: readonly string[];
  readonly unsupported?: readonly string[];
}

/** Something that is attached and has to be stopped. */
export interface Attached<Kind> {
  readonly attachment: Kind;
  readonly stop: () => Promise<void>;
}

/** Path of the reference's command, built beside the suite. */
export function referenceProgram(): string {
  return fileURLToPath(new URL('../../reference/cli/main.js', import.meta.url));
}

/** Starts the built reference server in test mode as a child process, on a free port. Throws SetupFailure. */
export async function attachReferenceServer(
  kit: Kit,
  options: ReferenceOptions = {},
): Promise<Attached<ServerAttachment>> {
  const server = await startReference(kit, ['serve'], 'server', options);
  return {
    attachment: { role: 'server', ...attachmentOf(server, kit.index.serverIdentity, options) },
    stop: () => server.stop(),
  };
}

/**
 * Starts the built reference relay in test mode as a child process, on a free port, before application ends of the harness. Throws
 * SetupFailure.
 */
export async function attachReferenceRelay(
  kit: Kit,
  stepMs: number,
  options: ReferenceOptions = {},
): Promise<Attached<RelayAttachment>> {
  const ends = await ApplicationEnds.listen(kit, ANY_PORT, stepMs);
  try {
    const { host, port } = ends.place;
    const words = ['relay', '--application-end', `${host}:${port}`, '--application-audience', kit.index.serverIdentity];
    const relay = await startReference(kit, words, 'relay', options);
    return {
      attachment: { role: 'relay', ends, ...attachmentOf(relay, kit.index.relayIdentity, options) },
      stop: async () => {
        await relay.stop();
        await ends.close();
      },
    };
  } catch (error) {
    await ends.close();
    throw error;
  }
}

/** Starts a command of the reference that listens. */
async function startReference(
  kit: Kit,
  words: readonly string[],
  as: 'server' | 'relay',
  { nodeArguments = [] }: ReferenceOptions,
): Promise<ChildServer> {
  const server = new ChildServer([
    process.execPath,
    ...nodeArguments,
    referenceProgram(),
    ...words,
    '--test-mode',
    ...['--listen', '127.0.0.1:0'],
    ...['--cert', kit.path(`${as}.pem`)],
    ...['--key', kit.path(`${as}.key`)],
    ...['--ca', kit.path('ca.pem')],
    ...['--crl', kit.path('crl.pem')],
    // What went well need not be told thousands of times.
    ...['--log-level', 'warn'],
  ]);
  await server.start();
  return server;
}

function attachmentOf(
  server: ChildServer,
  identity: string,
  { unsupported = [] }: ReferenceOptions,
): Omit<ServerAttachment, 'role'> {
  return {
    target: () => ({ host: server.host, port: server.port, identity }),
    unsupported,
    reload: () => {
      server.reload();
      return Promise.resolve();
    },
    revive: () => server.start(),
    log: () => server.log,
  };
}

/** Attaches the built reference client through its driver. */
export function attachReferenceClient(
  stepMs: number,
  { nodeArguments = [], unsupported = [] }: ReferenceOptions = {},
): Attached<ClientAttachment> {
  const driver = new ClientDriver([process.execPath, ...nodeArguments, referenceProgram(), 'testee'], stepMs);
  return { attachment: { role: 'client', driver, unsupported }, stop: () => driver.stop() };
}

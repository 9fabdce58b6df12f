import { fileURLToPath } from 'node:url';
import type { ClientAttachment, ServerAttachment } from '../runner/attachment.ts';
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
  { nodeArguments = [], unsupported = [] }: ReferenceOptions = {},
): Promise<Attached<ServerAttachment>> {
  const server = new ChildServer([
    process.execPath,
    ...nodeArguments,
    referenceProgram(),
    'serve',
    '--test-mode',
    ...['--listen', '127.0.0.1:0'],
    ...['--cert', kit.path('server.pem')],
    ...['--key', kit.path('server.key')],
    ...['--ca', kit.path('ca.pem')],
    ...['--crl', kit.path('crl.pem')],
    // What went well need not be told thousands of times.
    ...['--log-level', 'warn'],
  ]);
  await server.start();
  const { index } = kit;
  return {
    attachment: {
      role: 'server',
      target: () => ({ host: server.host, port: server.port, identity: index.serverIdentity }),
      unsupported,
      reload: () => {
        server.reload();
        return Promise.resolve();
      },
      revive: () => server.start(),
      log: () => server.log,
    },
    stop: () => server.stop(),
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

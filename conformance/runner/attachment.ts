import type { Target } from '../peer/client-peer.ts';
import type { ApplicationEnds } from '../peer/ends/application-ends.ts';
import type { ClientDriver } from '../testee/driver.ts';

/** A server under test, attached over the network. */
export interface ServerAttachment {
  readonly role: 'server';
  readonly target: () => Target;
  readonly unsupported: readonly string[];
  /** Makes the server load its revocation list again. */
  readonly reload?: () => Promise<void>;
  /** Starts the server anew after it has died; `target` is asked again afterwards. */
  readonly revive?: () => Promise<void>;
  /** Last lines that the server has logged, where the harness sees them. */
  readonly log?: () => readonly string[];
}

/** A relay under test: a server, behind which the harness plays the application ends. */
export interface RelayAttachment extends Omit<ServerAttachment, 'role'> {
  readonly role: 'relay';
  readonly ends: ApplicationEnds;
}

/** A client under test, attached through its driver. */
export interface ClientAttachment {
  readonly role: 'client';
  readonly driver: ClientDriver;
  /** Features declared on the command line, beside those of the driver. */
  readonly unsupported: readonly string[];
}

export type Attachment = ServerAttachment | ClientAttachment | RelayAttachment;

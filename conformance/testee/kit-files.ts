import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credential } from '../peer/credential.ts';
import { readCredential } from '../peer/credential.ts';
import { SetupFailure } from '../peer/failure.ts';
import { APPLICATION_SUBJECTS, CLIENT_SUBJECTS, RELAY_SUBJECTS, SERVER_SUBJECTS } from './kit-plan.ts';

/** One line of `kit.json`. */
export interface KitEntry {
  /** Path inside the kit, without extension: `clients/expired`. */
  readonly file: string;
  readonly role: 'client' | 'server';
  /** The identity that it carries, where it carries one. */
  readonly identity?: string;
  /** Serial number of the leaf, in hexadecimal. */
  readonly serial: string;
  readonly good: boolean;
  readonly wrong?: string;
  readonly requirement: string;
  readonly reason?: string;
  readonly feature?: string;
}

/** `kit.json`. */
export interface KitIndex {
  readonly format: 'hawser-conformance-kit/1';
  readonly createdAt: string;
  readonly serverIdentity: string;
  readonly clientIdentity: string;
  /** Of a relay under test. */
  readonly relayIdentity: string;
  readonly secondClientIdentity: string;
  readonly otherServerIdentity: string;
  readonly entries: readonly KitEntry[];
  /** Serial numbers that the root's list revokes from the beginning, those of authorities included. */
  readonly revoked: readonly string[];
}

/** A kit directory, read as needed. */
export class Kit {
  readonly directory: string;
  readonly index: KitIndex;
  readonly caPem: string;
  readonly crlPem: string;
  readonly #credentials = new Map<string, Credential>();

  /** @throws SetupFailure when the directory is no kit. */
  constructor(directory: string) {
    this.directory = directory;
    try {
      this.index = JSON.parse(readFileSync(join(directory, 'kit.json'), 'utf8')) as KitIndex;
      this.caPem = readFileSync(join(directory, 'ca.pem'), 'utf8');
      this.crlPem = readFileSync(join(directory, 'crl.pem'), 'utf8');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SetupFailure(`${directory} is not a certificate kit (make one with hawser-conformance pki): ${why}`);
    }
    const files = new Set(this.index.entries.map(({ file }) => file));
    const needed = [
      ...[...CLIENT_SUBJECTS, ...RELAY_SUBJECTS].map(({ name }) => `clients/${name}`),
      ...[...SERVER_SUBJECTS, ...APPLICATION_SUBJECTS].map(({ name }) => `servers/${name}`),
      'relay',
    ];
    const missing = needed.find((file) => !files.has(file));
    if (missing !== undefined) {
      throw new SetupFailure(`${directory} is the kit of another version, without ${missing}: make a new one`);
    }
  }

  /** Absolute path of a file of the kit. */
  path(file: string): string {
    return join(this.directory, file);
  }

  /** What the harness presents: `client`, `client-2`, `server`, `clients/expired`, ... */
  credential(file: string): Credential {
    const known = this.#credentials.get(file);
    if (known !== undefined) return known;
    const credential = readCredential(this.path(file));
    this.#credentials.set(file, credential);
    return credential;
  }

  /** The line of the index for a file. */
  entry(file: string): KitEntry {
    const entry = this.index.entries.find((candidate) => candidate.file === file);
    if (entry === undefined) throw new TypeError(`the kit has no ${file}`);
    return entry;
  }
}

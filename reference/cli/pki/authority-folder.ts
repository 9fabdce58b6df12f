import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../core/index.ts';
import type { CertificateAuthority, RevocationReason } from '../../pki/index.ts';
import { UsageError } from '../failure.ts';
import { readText, writeFile } from '../files.ts';
import { placed } from '../named-files.ts';

/** What an authority folder remembers besides its certificate and key. */
interface AuthorityState {
  /** Number of the last revocation list. */
  readonly crlNumber: number;
  readonly issued: readonly IssuedEntry[];
  readonly revoked: readonly RevokedEntry[];
}

/** A certificate that the authority has issued. */
export interface IssuedEntry {
  /** Lower-case hex. */
  readonly serial: string;
  readonly identity: string;
  readonly role: 'client' | 'server' | 'both';
  /** RFC 3339. */
  readonly notAfter: string;
}

/** A certificate that the authority has revoked. */
export interface RevokedEntry {
  /** Lower-case hex. */
  readonly serial: string;
  /** RFC 3339. */
  readonly date: string;
  readonly reason: RevocationReason;
}

const FILES = { certificate: 'ca.pem', key: 'ca.key', crl: 'crl.pem', state: 'ca.json' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate authority kept in a folder: `ca.pem`, `ca.key`, `crl.pem` and `ca.json`. */
export class AuthorityFolder {
  readonly path: string;
  readonly authority: CertificateAuthority;
  #state: AuthorityState;

  private constructor(path: string, authority: CertificateAuthority, state: AuthorityState) {
    this.path = path;
    this.authority = authority;
    this.#state = state;
  }

  /**
   * Makes a folder for a new authority, with an empty revocation list.
   *
   * @throws UsageError where the folder already holds one, or a file of one: nothing brings a lost authority back.
   */
  static async create(path: string, authority: CertificateAuthority, crlDays: number): Promise<AuthorityFolder> {
    const existing = Object.values(FILES).find((name) => existsSync(join(path, name)));
    if (existing !== undefined) {
      const message = `${path} already holds an authority (${existing}). Choose another folder with --out.`;
      throw new UsageError('--out', message);
    }
    const folder = new AuthorityFolder(path, authority, { crlNumber: 0, issued: [], revoked: [] });
    writeFile(join(path, FILES.key), authority.privateKey.export({ type: 'pkcs8', format: 'pem' }), '--out', 0o600);
    writeFile(join(path, FILES.certificate), authority.certificatePem, '--out');
    await folder.writeCrl(crlDays);
    return folder;
  }

  /**
   * Opens the folder of an authority.
   *
   * @throws UsageError where it holds none.
   */
  static async open(path: string): Promise<AuthorityFolder> {
    const { loadCertificateAuthority } = await import('../../pki/index.ts');
    if (!existsSync(join(path, FILES.key))) {
      throw new UsageError('--ca', `${path} holds no authority. Make one with: hawser pki init --out ${path}`);
    }
    const certificate = readText(join(path, FILES.certificate), '--ca');
    const key = readText(join(path, FILES.key), '--ca');
    const authority = await loadCertificateAuthority(certificate + key).catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error;
      const file = error.code.startsWith('HAWSER_ERR_CONFIG_KEY_') ? FILES.key : FILES.certificate;
      throw placed(error, `--ca ${join(path, file)}`);
    });
    return new AuthorityFolder(path, authority, parseState(readText(join(path, FILES.state), '--ca'), path));
  }

  get issued(): readonly IssuedEntry[] {
    return this.#state.issued;
  }

  get revoked(): readonly RevokedEntry[] {
    return this.#state.revoked;
  }

  /** Remembers a certificate. */
  recordIssued(entry: IssuedEntry): void {
    this.#write({ ...this.#state, issued: [...this.#state.issued, entry] });
  }

  /** Revokes a certificate and signs a new list. */
  async revoke(entry: RevokedEntry, crlDays: number): Promise<void> {
    this.#write({ ...this.#state, revoked: [...this.#state.revoked, entry] });
    await this.writeCrl(crlDays);
  }

  /**
   * Signs a new revocation list.
   *
   * @returns its path.
   */
  async writeCrl(days: number): Promise<string> {
    const number = this.#state.crlNumber + 1;
    const thisUpdate = new Date();
    const crl = await this.authority.crl({
      revoked: this.revoked.map(({ serial, date, reason }) => ({ serial, date: new Date(date), reason })),
      thisUpdate,
      nextUpdate: new Date(thisUpdate.getTime() + days * DAY_MS),
      number,
    });
    const path = join(this.path, FILES.crl);
    this.#write({ ...this.#state, crlNumber: number });
    writeFile(path, crl.pem, '--ca');
    return path;
  }

  #write(state: AuthorityState): void {
    this.#state = state;
    writeFile(join(this.path, FILES.state), `${JSON.stringify(state, undefined, 2)}\n`, '--ca');
  }
}

function parseState(text: string, path: string): AuthorityState {
  try {
    const state = JSON.parse(text) as Partial<AuthorityState>;
    const { crlNumber, issued, revoked } = state;
    if (Number.isSafeInteger(crlNumber) && Array.isArray(issued) && Array.isArray(revoked)) {
      return { crlNumber: crlNumber as number, issued, revoked };
    }
  } catch (cause) {
    throw new UsageError('--ca', `${join(path, FILES.state)} is not JSON. Restore it from a backup.`, cause);
  }
  throw new UsageError('--ca', `${join(path, FILES.state)} lacks its members. Restore it from a backup.`);
}

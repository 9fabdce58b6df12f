import { crc32 } from 'node:zlib';
import type { Cursors, SessionHeader } from './session-store.ts';
import type { SessionRecord } from './session-table.ts';
import { StoreError } from './store-error.ts';

/**
 * The checksums of a session's entries. Their number and sum are stored with its record, so that an entry that vanished
 * is noticed as surely as one that changed.
 */
export class EntryChecksums {
  readonly #checksums = new Map<string, number>();
  #sum = 0;

  get count(): number {
    return this.#checksums.size;
  }

  /** Modulo 2^32. */
  get sum(): number {
    return this.#sum;
  }

  keys(): Iterable<string> {
    return this.#checksums.keys();
  }

  set(key: string, checksum: number): void {
    this.delete(key);
    this.#checksums.set(key, checksum);
    this.#sum = (this.#sum + checksum) % 0x1_0000_0000;
  }

  /** @returns whether there was such an entry. */
  delete(key: string): boolean {
    const checksum = this.#checksums.get(key);
    if (checksum === undefined) return false;
    this.#checksums.delete(key);
    this.#sum = (this.#sum - checksum + 0x1_0000_0000) % 0x1_0000_0000;
    return true;
  }
}

/** A session in the durable store; its entries are on the disk only. */
export interface DurableSession {
  readonly record: SessionRecord;
  readonly checksums: EntryChecksums;
}

/** Key of the record with the number of the last group that was written. */
export const NUMBER_KEY = 'number';

/** Key of a session's record. */
export function sessionKey(id: string): string {
  return `session/${id}`;
}

/** Key of an entry of a session. */
export function entryKey(id: string, key: string): string {
  return `entry/${id}/${key}`;
}

/** Bounds of the keys of a session's entries; `0` follows `/`. */
export function entryRange(id: string): { readonly gte: string; readonly lt: string } {
  return { gte: `entry/${id}/`, lt: `entry/${id}0` };
}

/** What a key of the database stands for; undefined for one that this store never writes. */
export function parseKey(
  key: string,
): { readonly type: 'number' | 'session' | 'entry'; readonly id: string; readonly key: string } | undefined {
  if (key === NUMBER_KEY) return { type: 'number', id: '', key: '' };
  const [type, id, ...rest] = key.split('/');
  if (type === 'session' && id !== undefined && rest.length === 0) return { type, id, key: '' };
  if (type === 'entry' && id !== undefined && rest.length > 0) return { type, id, key: rest.join('/') };
  return undefined;
}

/** Checksum of a value, which holds for this key only. */
export function checksum(key: string, value: Uint8Array): number {
  // For no octets at all zlib may answer with the initial value of its own.
  return value.length === 0 ? crc32(key) : crc32(value, crc32(key));
}

/** Puts the checksum before a value. */
export function seal(key: string, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(4 + value.length);
  new DataView(sealed.buffer).setUint32(0, checksum(key, value));
  sealed.set(value, 4);
  return sealed;
}

/**
 * Takes the checksum off.
 *
 * @throws StoreError `HAWSER_ERR_STORE_CORRUPT` when it does not fit.
 */
export function unseal(key: string, sealed: Uint8Array): { readonly checksum: number; readonly value: Uint8Array } {
  const value = sealed.subarray(4);
  const expected = sealed.length < 4 ? -1 : new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
  if (expected !== checksum(key, value)) throw corruptError(`the record '${key}' has a wrong checksum`);
  return { checksum: expected, value };
}

interface RecordJson {
  readonly header: SessionHeader;
  readonly cursors?: Cursors;
  readonly endsAt?: number;
  readonly over: boolean;
  readonly count: number;
  readonly sum: number;
}

/** The record of a session as it is stored. */
export function encodeSession({ record, checksums }: DurableSession): Uint8Array {
  const key = sessionKey(record.header.id);
  return seal(key, new TextEncoder().encode(JSON.stringify({ ...record, count: checksums.count, sum: checksums.sum })));
}

/** Reads what {@link encodeSession} wrote, entries apart. */
export function decodeSession(
  key: string,
  sealed: Uint8Array,
): { readonly record: SessionRecord; readonly count: number; readonly sum: number } {
  const json = JSON.parse(new TextDecoder().decode(unseal(key, sealed).value)) as RecordJson;
  const { header, cursors, endsAt, over, count, sum } = json;
  return { record: { header, cursors, endsAt, over }, count, sum };
}

/** A group number, which stays a safe integer, as eight octets. */
export function encodeNumber(number: number): Uint8Array {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, BigInt(number));
  return seal(NUMBER_KEY, octets);
}

/** Reads what {@link encodeNumber} wrote. */
export function decodeNumber(sealed: Uint8Array): number {
  const { value } = unseal(NUMBER_KEY, sealed);
  return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0));
}

/** The error of a store whose content can not be trusted. */
export function corruptError(what: string, cause?: unknown): StoreError {
  return new StoreError(
    'HAWSER_ERR_STORE_CORRUPT',
    `The session store is damaged: ${what}. Nothing in its directory was changed; repair the disk or restore the ` +
      'directory, or move it away and start with an empty one, which leaves the outcome of its sessions unknown.',
    { cause },
  );
}

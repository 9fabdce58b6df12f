/**
 * Checks a table file of the database against the checksums in it. The database itself does not when it reads one, and
 * a damaged index ends the process.
 *
 * A table is a sequence of blocks and a footer of 48 octets, which says where the block of meta blocks and that of data
 * blocks are: as offset and size, both in groups of seven bits. After each block follow one octet for its kind (0: not
 * compressed, as this store writes them) and a masked CRC-32C of block and kind.
 */
export function isWholeTable(file: Uint8Array): boolean {
  try {
    const footer = new Reader(file.subarray(file.length - FOOTER_BYTES));
    const blocksOfMeta = footer.handle();
    const blocksOfData = footer.handle();
    if (file.length < FOOTER_BYTES || !file.subarray(-MAGIC.length).every((octet, index) => octet === MAGIC[index])) {
      return false;
    }
    for (const index of [blocksOfMeta, blocksOfData]) {
      for (const handle of handlesIn(blockAt(file, index))) blockAt(file, handle);
    }
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const FOOTER_BYTES = 48;
const MAGIC: readonly number[] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** @throws RangeError when it is not there in one piece. */
function blockAt(file: Uint8Array, { offset, size }: Handle): Uint8Array {
  const end = offset + size;
  if (end + 5 > file.length - FOOTER_BYTES) throw new RangeError('block outside the file');
  const stored = new DataView(file.buffer, file.byteOffset).getUint32(end + 1, true);
  if (file[end] !== 0 || stored !== mask(crc32c(file.subarray(offset, end + 1))))
    throw new RangeError('wrong checksum');
  return file.subarray(offset, end);
}

/** Values of an index block: each entry has the length it shares with the key before, and those of its rest and its value. */
function handlesIn(block: Uint8Array): Handle[] {
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4, true);
  const entries = new Reader(block.subarray(0, block.length - 4 * (restarts + 1)));
  const handles: Handle[] = [];
  while (!entries.isDone) {
    entries.number();
    const keyBytes = entries.number();
    const valueBytes = entries.number();
    entries.octets(keyBytes);
    handles.push(new Reader(entries.octets(valueBytes)).handle());
  }
  return handles;
}

class Reader {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get isDone(): boolean {
    return this.#at >= this.#octets.length;
  }

  octets(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#octets.length) throw new RangeError('cut off');
    const octets = this.#octets.subarray(this.#at, end);
    this.#at = end;
    return octets;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 128) {
      const octet = this.octets(1)[0] ?? 0;
      value += (octet & 0x7f) * factor;
      if (octet < 0x80) return value;
    }
    throw new RangeError('number too large');
  }

  handle(): Handle {
    return { offset: this.number(), size: this.number() };
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(octets: Uint8Array): number {
  let value = 0xffffffff;
  for (const octet of octets) value = (CRC_TABLE[(value ^ octet) & 0xff] ?? 0) ^ (value >>> 8);
  return ~value >>> 0;
}

/** A checksum of data that contains checksums would be weak; so the database stores another number for it. */
function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

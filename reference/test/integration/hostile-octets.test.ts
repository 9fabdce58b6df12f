import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { connectRaw, establishRaw, rawTlsOptions } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** Octets that a seed determines. */
function octetsOf(seed: string, size: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

/** A header that announces one octet too many. */
const OVERSIZED = Buffer.from('28030000000000010000000000000001', 'hex');
OVERSIZED.writeUInt16BE(16_369, 2);

describe('a server', () => {
  it('answers a header that announces too much before any of the payload [WIR-001]', async () => {
    const { port } = await startServer(kit);
    const other = await connectClient(kit, port);
    const early = await connectRaw(rawTlsOptions(kit, port));
    early.socket.write(OVERSIZED);
    expect(await early.reader.code('REJECT')).toBe('FRAME_TOO_LARGE');
    const late = await establishRaw(kit, port);
    late.socket.write(OVERSIZED);
    expect(await late.reader.code('CLOSE')).toBe('FRAME_TOO_LARGE');
    await expectEcho(other);
  });

  it.each(Array.from({ length: 20 }, (_, index) => `seed ${index}`))(
    'ends a connection of random octets (%s) with one named error, and leaves others alone',
    async (seed) => {
      const { port, log } = await startServer(kit);
      const other = await connectClient(kit, port);
      const early = await connectRaw(rawTlsOptions(kit, port));
      early.socket.write(octetsOf(seed, 4096));
      expect(await early.reader.code('REJECT')).toMatch(/^(FRAME|FLAGS|CHANNEL|SEQUENCE)_/);
      await early.reader.ended;
      const late = await establishRaw(kit, port);
      late.socket.write(octetsOf(`${seed} late`, 4096));
      expect(await late.reader.code('CLOSE')).toMatch(/^(FRAME|FLAGS|CHANNEL|SEQUENCE)_/);
      expect((await log.line('connection ended')).fields['requirement']).toMatch(/^[A-Z]{3}-\d{3}$/);
      await expectEcho(other);
    },
  );
});

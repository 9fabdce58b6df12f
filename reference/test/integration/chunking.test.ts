import { beforeAll, describe, expect, it } from 'vitest';
import { FLAG } from '../../core/index.ts';
import { startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { createEngine, connectRaw, establishRaw, rawTlsOptions } from './support/raw-peer.ts';
import { encodeFrame } from '../../core/frames/header.ts';
import { encodeOpen } from '../../core/frames/open.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('one octet at a time [WIR-002]', () => {
  it('establishes a session', async () => {
    const { port } = await startServer(kit);
    const { socket, reader } = await connectRaw(rawTlsOptions(kit, port));
    socket.setNoDelay(true);
    const engine = createEngine(kit, socket);
    socket.on('data', (chunk: Buffer) => {
      for (let index = 0; index < chunk.length; index++) {
        engine.receive(chunk.subarray(index, index + 1), performance.now());
      }
      for (const output of engine.takeOutput()) for (const octet of output) socket.write(Uint8Array.of(octet));
    });
    await reader.frame('ACCEPT');
    expect(engine.state).toBe('established');
  });

  it('carries a channel and a message', async () => {
    const { port } = await startServer(kit);
    const { socket, reader } = await establishRaw(kit, port);
    socket.setNoDelay(true);
    const open = encodeOpen({ nonce: new Uint8Array(32), application: 'test/echo', parameters: {} });
    for (const octet of encodeFrame('OPEN', open, 0, 1, 1)) socket.write(Uint8Array.of(octet));
    await reader.frame('OPENED');
    const flags = FLAG.MESSAGE.FIRST | FLAG.MESSAGE.LAST;
    for (const octet of encodeFrame('MESSAGE', Buffer.from('hello'), flags, 1, 2)) socket.write(Uint8Array.of(octet));
    expect(Buffer.from((await reader.frame('MESSAGE')).payload).toString()).toBe('hello');
  });
});

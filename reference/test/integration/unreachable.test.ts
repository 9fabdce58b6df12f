import dns from 'node:dns';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { retryDelayMs } from '../../node/index.ts';
import type { HawserError } from '../../core/index.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a server that is not reached', () => {
  it('at any of the addresses of its name may be there the next time', async () => {
    const { server, port } = await startServer(kit);
    await server.close();
    type Answer = (error: null, addresses: dns.LookupAddress[]) => void;
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: object, answer: Answer) => {
      answer(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]);
    }) as unknown as typeof dns.lookup);
    onTestFinished(() => lookup.mockRestore());
    const error: unknown = await connectClient(kit, port, { host: 'server.test' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_UNREACHABLE', cause: { code: 'ECONNREFUSED' } });
    expect(retryDelayMs({ error: error as HawserError, code: undefined }, 1, 0.5)).toBe(500);
  });
});

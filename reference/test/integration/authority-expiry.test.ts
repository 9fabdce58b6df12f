import { beforeAll, describe, expect, it } from 'vitest';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, createKit, issue } from './support/kit.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const HOUR_MS = 3_600_000;

describe('a session ends when a certificate of the peer expires', () => {
  it('with AUTHORITY_EXPIRED, and not before [SES-027]', async () => {
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + HOUR_MS);
    const clock = new TestClock();
    let wallClock = new Date();
    const { port } = await startServer(kit, { environment: testEnvironment(clock, () => wallClock) });
    const credential = await issue(kit.authority, { role: 'client', uris: [CLIENT_IDENTITY], notAfter });
    // The clock will jump by a minute: that is no silence.
    const session = await connectClient(kit, port, { credential, parameters: { livenessIntervalMs: 300_000 } });
    wallClock = new Date(notAfter.getTime() - 1);
    clock.advance(61_000);
    await expectEcho(session);
    wallClock = notAfter;
    clock.advance(61_000);
    expect(await session.closed).toMatchObject({ outcome: 'error', code: 'AUTHORITY_EXPIRED', remote: true });
  });
});

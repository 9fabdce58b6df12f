import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openKeyLog } from '../../node/index.ts';
import { RecordingLog, connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('the key log [TLS-027]', () => {
  it.each(['server', 'client'] as const)(
    'of a %s is appended to, for its owner only, with one warning',
    async (role) => {
      const folder = mkdtempSync(join(tmpdir(), 'hawser-key-log-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const path = join(folder, 'keys.log');
      writeFileSync(path, '# before\n', { mode: 0o644 });
      const log = new RecordingLog();
      const keyLog = openKeyLog(path, log);
      const { port } = await startServer(kit, role === 'server' ? { keyLog } : {});
      for (let count = 0; count < 2; count++) {
        await expectEcho(await connectClient(kit, port, role === 'client' ? { keyLog } : {}));
      }
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const lines = readFileSync(path, 'utf8').split('\n');
      expect(lines[0]).toBe('# before');
      expect(lines.filter((line) => /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64,96}$/.test(line))).toHaveLength(
        2,
      );
      expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
    },
  );

  it('that can not be opened is a configuration error', () => {
    expect(() => openKeyLog('/nonexistent/keys.log', new RecordingLog())).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_CONFIG_KEY_LOG' }) as Error,
    );
  });
});

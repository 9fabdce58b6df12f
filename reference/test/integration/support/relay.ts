import { onTestFinished } from 'vitest';
import { type Relay, type RelayOptions, TEST_MODE_PARAMETERS, createRelay } from '../../../node/index.ts';
import { RecordingLog } from './endpoints.ts';
import { type Kit, SERVER_IDENTITY } from './kit.ts';

/** A relay that a test has to itself. */
export interface RunningRelay {
  readonly relay: Relay;
  readonly port: number;
  readonly log: RecordingLog;
}

/** Starts a relay that leads everything to the server at a port, and ends with the test. */
export async function startRelay(
  kit: Kit,
  serverPort: number,
  options: Partial<RelayOptions> = {},
): Promise<RunningRelay> {
  const log = new RecordingLog();
  const relay = createRelay({
    credential: kit.relay,
    ...kit.trust,
    routes: [{ application: '*', kind: 'hawser', host: '127.0.0.1', port: serverPort, audience: SERVER_IDENTITY }],
    policy: { acceptsClient: () => true, acceptsRelay: () => false, allowsApplication: () => true },
    parameters: TEST_MODE_PARAMETERS,
    trunk: { retentionMs: 60_000, reconnectBoundMs: 1 },
    log,
    ...options,
  });
  const { port } = await relay.listen(0, '127.0.0.1');
  onTestFinished(() => relay.close());
  return { relay, port, log };
}

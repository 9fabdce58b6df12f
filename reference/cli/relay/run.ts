import { LIMITS } from '../../core/index.ts';
import { type Log, TEST_MODE_PARAMETERS, checkTestModeParameters, openKeyLog } from '../../node/index.ts';
import { type RelayOptions, createRelay } from '../../node/relay/relay.ts';
import { parseAddress } from '../address.ts';
import { drainOnSignal } from '../drain-on-signal.ts';
import { declaredParameters } from '../endpoint-options.ts';
import { createLog } from '../log.ts';
import { openStore, shownStore } from '../store-option.ts';
import { endpointFlags, loadChangeable } from './changeable.ts';
import type { RelayConfig } from './config.ts';
import { Reloader } from './reloader.ts';
import type { ConfigSource } from './source.ts';
import { NO_BREAKER, NO_RETRY, TEST_RECONNECT_BOUND_MS } from './test-mode.ts';

/** Runs until SIGTERM or SIGINT has drained the relay. */
export async function run(source: ConfigSource, config: RelayConfig): Promise<void> {
  const { host, port } = parseAddress(config.listen, 'listen', 0);
  const changeable = await loadChangeable(source, config);
  const log = createLog(config.log_level);
  const store = await openStore(config.store);
  const trunkStore = await openStore(config.trunk.store);
  if (config.store !== 'memory' && store.custody !== 'stored') {
    log.warn({ store: shownStore(config.store) }, 'this store may lose what it has acknowledged: custody is received');
  }
  const { testMode } = source;
  const relay = createRelay({
    ...changeable,
    ...optionsOf(config, testMode, log),
    continuity: {
      store,
      maxRetentionMs: config.retention,
      connectionDeadlineMs: config.connection_deadline,
      // Those that are attached count too. [APP-008]
      ...(testMode ? { maxDetachedPerClient: 4 * LIMITS.test_min_sessions } : {}),
    },
    trunk: {
      store: trunkStore,
      retentionMs: config.trunk.retention,
      ...(testMode ? { reconnectBoundMs: TEST_RECONNECT_BOUND_MS } : {}),
    },
  });
  if (testMode) log.warn({}, 'test mode: every accepted client may open the applications of annex A');
  else if (config.policy.length === 0) log.warn({}, 'the policy is empty: no client may open anything');
  const address = await relay.listen(port, host);
  // Whoever reads the line may send a signal at once.
  const reloader = new Reloader(source, config, relay, log);
  process.on('SIGHUP', () => void reloader.reload());
  const end = drainOnSignal(relay, () => relay.server.sessions.length, config.drain_deadline, log);
  process.stdout.write(`${JSON.stringify({ listening: { host: address.address, port: address.port } })}\n`);
  await end;
  await store.close();
  await trunkStore.close();
  // A trunk without a connection would look for one only to say that it is over.
  process.exit();
}

function optionsOf(
  config: RelayConfig,
  testMode: boolean,
  log: Log,
): Pick<RelayOptions, 'parameters' | 'admission' | 'limits' | 'log' | 'keyLog'> {
  const parameters = { ...(testMode ? TEST_MODE_PARAMETERS : {}), ...declaredParameters(endpointFlags(config)) };
  if (testMode) checkTestModeParameters(parameters, {});
  const {
    max_connections: maxConnections,
    connect_timeout: connectTimeoutMs,
    max_hops: maxHops,
    breaker,
    retry,
  } = config.limits;
  const keyLogFile = process.env['SSLKEYLOGFILE'];
  return {
    parameters,
    admission: { maxConnections },
    limits: {
      connectTimeoutMs,
      maxHops,
      breaker: testMode ? NO_BREAKER : { failures: breaker.failures, openMs: breaker.open_for },
      retry: testMode ? NO_RETRY : { attempts: retry.attempts, firstBoundMs: retry.first_bound },
    },
    log,
    ...(keyLogFile === undefined || keyLogFile === '' ? {} : { keyLog: openKeyLog(keyLogFile, log) }),
  };
}

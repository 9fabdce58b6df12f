import { ConfigError, LIMITS, MisuseError, RemoteError, TIMERS } from '../../core/index.ts';
import type { AddressInfo } from 'node:net';
import type { SessionStore } from '../../store/index.ts';
import type { ChannelRequest } from '../server/application.ts';
import { type Channel, ChannelEndpoint } from '../session/channel.ts';
import { type ClientOptions, createClient } from '../client/connect.ts';
import { type Environment, systemEnvironment } from '../environment.ts';
import { type Log, silentLog } from '../log.ts';
import { checkOwnLeaf } from '../connection/own-leaf.ts';
import type { Policy } from '../server/policy.ts';
import { type Server, type ServerOptions, createServer } from '../server/server.ts';
import { ChannelPair } from './channel-pair.ts';
import { ChannelRecord } from './channel-record.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { type HawserRoute, type Route, routeOf } from './route.ts';
import { type ReloadOptions, type Trust, requireUsableLists } from '../connection/trust.ts';
import { ConnectError } from './socket-connect.ts';
import { leadToSocket } from './socket-end.ts';
import { Trunk } from './trunk.ts';

/** Who may have a session with a relay, who may speak for others, and who may open what. Default deny. [RLY-002] */
export interface RelayPolicy extends Policy {
  /** Whether a peer with this verified identity may send FORWARD. [RLY-013] */
  acceptsRelay(identity: string): boolean;
}

/** Bounds on what application ends may cost. */
export interface RelayLimits {
  /** From the attempt to reach an application end until it is given up, in milliseconds. [RLY-033] */
  readonly connectTimeoutMs: number;
  /** After so many failures in a row none is attempted for `openMs` milliseconds. */
  readonly breaker: { readonly failures: number; readonly openMs: number };
  /**
   * Attempts to reach one, within `connectTimeoutMs`, which count as one failure together. Before the second one passes a random
   * time of up to `firstBoundMs` milliseconds; the bound doubles before each further one.
   */
  readonly retry: { readonly attempts: number; readonly firstBoundMs: number };
  /** Relays that an OPEN may pass, this one included. [RLY-009] */
  readonly maxHops: number;
}

const DEFAULT_LIMITS: RelayLimits = {
  connectTimeoutMs: TIMERS.application_connect_deadline_ms,
  breaker: { failures: 5, openMs: 5000 },
  // For a connection that was reset, or a listener that has just changed. Who takes longer than 300 ms to come back is no
  // affair of one channel: the client is told, and the breaker counts.
  retry: { attempts: 3, firstBoundMs: 100 },
  maxHops: LIMITS.max_hops,
};

/** How the sessions with Hawser application ends are kept. */
export interface TrunkOptions {
  /** How long a trunk is to be kept without a connection, in milliseconds. Default 300,000. */
  readonly retentionMs?: number;
  /** Bound of the random wait before a trunk that has lost its connection is attached again, in milliseconds. */
  readonly reconnectBoundMs?: number;
  /** Where trunks are kept; with a durable store they survive the process. In memory unless told otherwise. */
  readonly store?: SessionStore;
}

/** Options of {@link createRelay}. */
export interface RelayOptions extends Omit<ServerOptions, 'applications' | 'policy' | 'limits'> {
  readonly routes: readonly Route[];
  readonly policy: RelayPolicy;
  readonly trunk?: TrunkOptions;
  /** Bounds on what strangers may cost. */
  readonly admission?: ServerOptions['limits'];
  readonly limits?: Partial<RelayLimits>;
}

/** What {@link Relay.reload} replaces; what is left out stays. */
export interface RelayReloadOptions extends ReloadOptions {
  readonly routes?: readonly Route[];
  readonly policy?: RelayPolicy;
}

/** A relay: a server that leads channels to application ends elsewhere (chapter 13). */
export interface Relay {
  /** Its side toward the clients. */
  readonly server: Server;
  /**
   * Goes on with the trunks of before a restart, and begins to listen.
   *
   * @param port - 0 lets the system choose.
   */
  listen(port: number, host: string): Promise<AddressInfo>;
  /**
   * Takes a new credential, trust, routes or policy. Live peers, on both sides, are judged by the new trust; channels that are
   * open stay open, and are judged by the new policy after a crash at the latest.
   */
  reload(options: RelayReloadOptions): Promise<void>;
  /** As {@link Server.drain}; then the trunks are left. */
  drain(deadlineMs: number): Promise<number>;
  /** Stops listening and cuts every connection. Sessions stay in their stores. */
  close(): Promise<void>;
}

/**
 * Creates a relay.
 *
 * @throws ConfigError when the credential is not usable, or a parameter or a limit is out of its range.
 */
export function createRelay(options: RelayOptions): Relay {
  return new HawserRelay(options);
}

/** How long trunk channels of before a restart wait for their clients, beyond the retention of these. */
const CLAIM_GRACE_MS = 10_000;

class HawserRelay implements Relay {
  readonly server: Server;
  readonly #options: RelayOptions;
  readonly #limits: RelayLimits;
  readonly #environment: Environment;
  readonly #log: Log;
  /** By address and identity. */
  readonly #trunks = new Map<string, Trunk>();
  /** Those to which no route leads any more, until their last channel is over, with what their application end is judged by. */
  readonly #retiring = new Map<Trunk, Trust | undefined>();
  /** What application ends are judged by where it is not the own trust. */
  #trusts: ReadonlyMap<string, Trust>;
  /** Why application ends were not reached, as far as the breakers know of it. */
  readonly #counted = new WeakSet<object>();
  /** By address. */
  readonly #breakers = new Map<string, CircuitBreaker>();
  #routes: readonly Route[];
  #policy: RelayPolicy;
  #clientOptions: ClientOptions;
  #identity: string;

  constructor(options: RelayOptions) {
    const { routes, policy, trunk = {}, admission, limits, ...server } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#environment = options.environment ?? systemEnvironment;
    this.#log = options.log ?? silentLog;
    this.#routes = routes;
    checkTrunks(routes, trunk.store);
    this.#trusts = trustsOf(routes);
    this.#policy = policy;
    this.#identity = checkOwnLeaf(options.credential, 'server').identity;
    const { credential, trustAnchors, crls, environment, grease, log, parameters, keyLog } = options;
    const shared = { environment, grease, log, parameters, keyLog, store: trunk.store };
    const given = Object.fromEntries(Object.entries(shared).filter(([, value]) => value !== undefined));
    this.#clientOptions = { credential, trustAnchors, crls, ...given };
    // Trunks are made when they are needed; that they can be is known from here on.
    for (const trust of [{}, ...this.#trusts.values()]) createClient({ ...this.#clientOptions, ...trust });
    this.server = createServer({
      ...server,
      ...(admission === undefined ? {} : { limits: admission }),
      policy: {
        acceptsClient: (identity) => this.#policy.acceptsClient(identity),
        acceptsRelay: (identity) => this.#policy.acceptsRelay(identity),
        allowsApplication: (identity, application) => this.#policy.allowsApplication(identity, application),
        refusesRoute: (relays) => (relays.includes(this.#identity) ? 'ROUTE_LOOP' : undefined), // [RLY-011]
      },
      applications: {
        get: (application) => {
          const route = routeOf(this.#routes, application);
          return route && ((channel, request) => this.#lead(channel, request, route));
        },
      },
    });
  }

  async listen(port: number, host: string): Promise<AddressInfo> {
    const trunks = this.#routes.flatMap((route) => (route.kind === 'hawser' ? [this.#trunkOf(route)] : []));
    for (const trunk of new Set(trunks)) await trunk.restore();
    const address = await this.server.listen(port, host);
    const { deadlines } = this.#environment;
    const claims = deadlines.add(() => {
      for (const trunk of this.#trunks.values()) trunk.abandonUnclaimed();
      return undefined;
    });
    claims.by(deadlines.now() + (this.#options.continuity?.maxRetentionMs ?? 300_000) + CLAIM_GRACE_MS);
    return address;
  }

  async reload(options: RelayReloadOptions): Promise<void> {
    const { credential, trustAnchors, crls, routes, policy } = options;
    const clientOptions: ClientOptions = {
      ...this.#clientOptions,
      ...(credential === undefined ? {} : { credential }),
      ...(trustAnchors === undefined ? {} : { trustAnchors }),
      ...(crls === undefined ? {} : { crls }),
    };
    checkTrunks(routes ?? this.#routes, this.#options.trunk?.store);
    const trusts = trustsOf(routes ?? this.#routes);
    for (const trust of [clientOptions, ...trusts.values()]) {
      createClient({ ...clientOptions, ...trust });
      await requireUsableLists(clientOptions.credential, 'client', trust, this.#environment.wallClock());
    }
    await this.server.reload(options);
    // From here on nothing fails.
    this.#clientOptions = clientOptions;
    this.#identity = checkOwnLeaf(clientOptions.credential, 'server').identity;
    this.#routes = routes ?? this.#routes;
    this.#policy = policy ?? this.#policy;
    this.#retireTrunks();
    this.#trusts = trusts;
    const reloadOf = (trust: Trust = clientOptions): ReloadOptions => ({ ...clientOptions, ...trust });
    await Promise.all([
      ...[...this.#trunks].map(([key, trunk]) => trunk.reload(reloadOf(trusts.get(key)))),
      ...[...this.#retiring].map(([trunk, trust]) => trunk.reload(reloadOf(trust))),
    ]);
  }

  /** Trunks to which no route leads any more go when their channels have. */
  #retireTrunks(): void {
    const led = new Set(this.#routes.flatMap((route) => (route.kind === 'hawser' ? [trunkKey(route)] : [])));
    for (const [key, trunk] of this.#trunks) {
      if (led.has(key)) continue;
      this.#trunks.delete(key);
      this.#retiring.set(trunk, this.#trusts.get(key));
      void trunk.retire().then(() => this.#retiring.delete(trunk));
    }
  }

  async drain(deadlineMs: number): Promise<number> {
    const cut = await this.server.drain(deadlineMs);
    await this.#leaveTrunks();
    return cut;
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.#leaveTrunks();
  }

  async #leaveTrunks(): Promise<void> {
    await Promise.all([...this.#trunks.values(), ...this.#retiring.keys()].map((trunk) => trunk.close()));
  }

  async #lead(channel: Channel, request: ChannelRequest, route: Route): Promise<void> {
    if (!(channel instanceof ChannelEndpoint)) throw new TypeError('A channel of the own server is an endpoint.');
    if (channel.wasReset) {
      // Before a restart: nothing goes on, and the other leg has to hear of it.
      const other = route.kind === 'hawser' ? this.#trunkOf(route).claim(request) : undefined;
      if (other === undefined) channel.leaveEnd();
      else other.resetBy(channel);
      return;
    }
    const { deadlines } = this.#environment;
    const { session, identity, relays, application } = request;
    const end = `${route.kind}://${route.host}:${route.port}`;
    const facts = { session: session.id, channel: channel.number, identity, relays, application, end };
    const record = new ChannelRecord(facts, deadlines.now());
    void channel.closed.then((how) => this.#log.info(record.fields(how, deadlines.now()), 'channel ended'));
    if (route.kind === 'hawser') {
      await this.#leadToTrunk(channel, request, route, record);
      return;
    }
    await leadToSocket(channel, request, {
      route,
      breaker: this.#breakerOf(route),
      connectTimeoutMs: this.#limits.connectTimeoutMs,
      retry: this.#limits.retry,
      relayIdentity: this.#identity,
      record,
      environment: this.#environment,
      log: this.#log,
    });
  }

  async #leadToTrunk(
    channel: ChannelEndpoint,
    request: ChannelRequest,
    route: HawserRoute,
    record: ChannelRecord,
  ): Promise<void> {
    const trunk = this.#trunkOf(route);
    // A new request has none, whatever nonce it states. [RLY-003]
    const earlier = channel.again ? trunk.claim(request) : undefined;
    if (earlier !== undefined) {
      await earlier.join(channel, request, record);
      return;
    }
    if (request.restored) {
      // The trunk has not kept it.
      channel.onOutcome = () => undefined;
      channel.reset('APPLICATION_LOST');
      channel.leaveEnd();
      return;
    }
    if (channel.again) {
      // The application end may have answered. [RLY-022]
      request.refuse('ROUTE_UNREACHABLE');
      return;
    }
    const down = await this.#forward(trunk, channel, request, route);
    if (down === undefined) return;
    await new ChannelPair(down, this.#log).join(channel, request, record);
  }

  /** The channel on the trunk; undefined when the request was refused, or nobody waits for the answer any more. */
  async #forward(
    trunk: Trunk,
    channel: ChannelEndpoint,
    request: ChannelRequest,
    route: HawserRoute,
  ): Promise<ChannelEndpoint | undefined> {
    const { forwarded, relays } = request;
    if (forwarded?.hopLimit === 0 || relays.length > LIMITS.max_hops) {
      request.refuse('HOP_LIMIT'); // [RLY-010]
      return undefined;
    }
    const breaker = this.#breakerOf(route);
    const admission = trunk.attached ? undefined : breaker.admit();
    if (admission?.ok === false) {
      request.refuse('ROUTE_UNREACHABLE', admission.retryAfterMs);
      return undefined;
    }
    try {
      const session = await trunk.session(this.#limits.connectTimeoutMs);
      breaker.succeeded();
      if (channel.over || channel.sessionEnding || request.session.revoked || !channel.keepEnd()) {
        // It comes back, perhaps, and finds the answer. [RLY-035]
        request.refuse('ROUTE_UNREACHABLE');
        return undefined;
      }
      return session.forward({
        hopLimit: Math.min(
          forwarded === undefined ? this.#limits.maxHops - 1 : forwarded.hopLimit - 1,
          LIMITS.max_hops - 1,
        ),
        client: request.identity,
        route: relays,
        open: request.openPayload,
      });
    } catch (error) {
      if (error instanceof MisuseError && error.code === 'HAWSER_ERR_MISUSE_FRAME_TOO_LARGE') {
        request.refuse('FRAMING_INVALID'); // [RLY-012]
        return undefined;
      }
      this.#failed(breaker, error);
      const { application, identity } = request;
      this.#log.warn({ application, identity, to: route.audience, err: error }, 'the application end was not reached');
      if (error instanceof ConnectError && error.late) request.refuse('APPLICATION_TIMEOUT');
      else request.refuse('ROUTE_UNREACHABLE', error instanceof RemoteError ? error.retryAfterMs : 0);
      return undefined;
    }
  }

  /** What many have waited for together has failed once. */
  #failed(breaker: CircuitBreaker, error: unknown): void {
    const reason = error as object;
    if (!this.#counted.has(reason)) breaker.failed();
    this.#counted.add(reason);
  }

  #trunkOf(route: HawserRoute): Trunk {
    const { host, port, audience } = route;
    const key = trunkKey(route);
    const known = this.#trunks.get(key);
    if (known !== undefined) return known;
    const { retentionMs = 300_000, reconnectBoundMs } = this.#options.trunk ?? {};
    const continuity = { retentionMs, ...(reconnectBoundMs === undefined ? {} : { reconnectBoundMs }) };
    const trunk = new Trunk({
      client: createClient({ ...this.#clientOptions, ...this.#trusts.get(key) }),
      target: { host, port, audience, continuity },
      retry: this.#limits.retry,
      environment: this.#environment,
      log: this.#log,
    });
    this.#trunks.set(key, trunk);
    return trunk;
  }

  #breakerOf({ host, port }: Route): CircuitBreaker {
    const key = `${host}:${port}`;
    const known = this.#breakers.get(key);
    if (known !== undefined) return known;
    const breaker = new CircuitBreaker(this.#limits.breaker, this.#environment);
    this.#breakers.set(key, breaker);
    return breaker;
  }
}

/** After a restart a stored trunk is known by the identity that it leads to: two servers with one could not be told apart. */
function checkTrunks(routes: readonly Route[], store: SessionStore | undefined): void {
  if (store?.custody !== 'stored') return;
  const places = new Map<string, string>();
  for (const route of routes) {
    if (route.kind !== 'hawser') continue;
    const place = `${route.host}:${route.port}`;
    const known = places.get(route.audience) ?? place;
    places.set(route.audience, known);
    if (known === place) continue;
    const message = `Two routes lead to ${route.audience}, at ${known} and at ${place}. Give the servers identities of their own, or lead both routes to one address.`;
    throw new ConfigError('HAWSER_ERR_CONFIG_ROUTE_AUDIENCE', 'routes', message);
  }
}

/** What application ends are judged by where their route says so, by the key of their trunk. */
function trustsOf(routes: readonly Route[]): ReadonlyMap<string, Trust> {
  return new Map(
    routes.flatMap((route) =>
      route.kind === 'hawser' && route.trust !== undefined ? [[trunkKey(route), route.trust] as const] : [],
    ),
  );
}

function trunkKey({ host, port, audience }: HawserRoute): string {
  return `${host}:${port} ${audience}`;
}

import type { Trust } from '../connection/trust.ts';

/** How octets of a TCP or TLS peer and messages of a channel correspond (section 13.3). */
export type Framing = 'stream' | 'length16' | 'length32' | 'line';

/**
 * Whether a PROXY protocol header goes first [RLY-024]; with `identity` its AUTHORITY holds the identity of the client instead of
 * the name of the application.
 */
export type ProxyOption = boolean | 'identity';

/** What all routes have in common. */
interface RouteTarget {
  /** The application that the route leads; with a `*` at its end, every one whose name begins like that. */
  readonly application: string;
  /** Name or address of the application end. */
  readonly host: string;
  readonly port: number;
}

/** Leads to a TCP peer. */
export interface TcpRoute extends RouteTarget {
  readonly kind: 'tcp';
  readonly framing: Framing;
  readonly proxy: ProxyOption;
}

/** Leads to a TLS peer. */
export interface TlsRoute extends RouteTarget {
  readonly kind: 'tls';
  readonly framing: Framing;
  readonly proxy: ProxyOption;
  /** The name that its certificate has to hold. */
  readonly serverName: string;
  /** Certificates, in PEM, of the authorities that it is verified against. */
  readonly ca: readonly string[];
}

/** Leads to a Hawser server or relay, over a trunk. Routes to the same server share one. */
export interface HawserRoute extends RouteTarget {
  readonly kind: 'hawser';
  /** The identity of the server. */
  readonly audience: string;
  /** What its certificate is judged by; that of the relay's own clients by default. */
  readonly trust?: Trust;
}

/** Leads an application name to an application end (section 13.1). */
export type Route = TcpRoute | TlsRoute | HawserRoute;

/** The route of an application: the one with exactly this name, or else the longest one that ends with `*` and fits. */
export function routeOf(routes: readonly Route[], application: string): Route | undefined {
  let best: Route | undefined;
  for (const route of routes) {
    if (route.application === application) return route;
    const isPrefix = route.application.endsWith('*') && application.startsWith(route.application.slice(0, -1));
    if (isPrefix && route.application.length > (best?.application.length ?? 0)) best = route;
  }
  return best;
}

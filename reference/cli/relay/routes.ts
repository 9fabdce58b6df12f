import type { Route } from '../../node/relay/route.ts';
import { parseAddress } from '../address.ts';
import { loadTrust } from '../endpoint-options.ts';
import { readText } from '../files.ts';
import type { RelayConfig, RouteEntry } from './config.ts';

/**
 * The routes of a configuration, with the certificates that they name.
 *
 * @throws ConfigError for a port that is none, or a file that can not be read.
 */
export function routesOf({ routes }: Pick<RelayConfig, 'routes'>): Promise<Route[]> {
  return Promise.all(routes.map((entry, at) => routeOf(entry, `routes[${at}]`)));
}

async function routeOf(entry: RouteEntry, place: string): Promise<Route> {
  const { application, to } = entry;
  const target = { application, ...parseAddress(to.slice(to.indexOf('://') + 3), `${place}.to`, 1) };
  if ('audience' in entry) {
    const { audience, ca, crl = [] } = entry;
    return { kind: 'hawser', ...target, audience, ...(ca === undefined ? {} : { trust: await loadTrust(ca, crl) }) };
  }
  const { framing, proxy = false, server_name: serverName = target.host, ca = [] } = entry;
  if (to.startsWith('tcp:')) return { kind: 'tcp', ...target, framing, proxy };
  return { kind: 'tls', ...target, framing, proxy, serverName, ca: await readAnchors(ca, `${place}.ca`) };
}

async function readAnchors(files: readonly string[], key: string): Promise<string[]> {
  const { encodePem, parseCertificatesPem } = await import('../../pki/index.ts');
  return files.flatMap((file) =>
    parseCertificatesPem(readText(file, key), `${key} ${file}`).map((der) => encodePem('CERTIFICATE', der)),
  );
}

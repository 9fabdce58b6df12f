import {
  type Channel,
  type Client,
  createAllowList,
  createClient,
  createServer,
} from '../../../../dist/reference/node/index.js';
import { loadCredential, parseCertificatesPem } from '../../../../dist/reference/pki/index.js';
import { CLIENT_IDENTITY, type KeyFiles, SERVER_IDENTITY } from '../key-files.ts';
import type { Link, Variant } from '../link.ts';

const APPLICATION = 'bench';

/** Room for what is on its way, so that credit is kept but seldom waited for, as with the buffers of the other variants. */
const PARAMETERS = { initialMessageCredit: 8192, initialByteCredit: 8 * 1024 * 1024 };

/** A bench is a flood from one address. */
const LIMITS = { maxAcceptsPerSecond: 1_000_000, maxHalfOpenPerAddress: 1_000_000 };

const POLICY = createAllowList([{ identity: CLIENT_IDENTITY, application: APPLICATION }]);

class HawserLink implements Link {
  readonly #channel: Channel;
  readonly #close: () => Promise<unknown>;

  constructor(channel: Channel, close: () => Promise<unknown>) {
    this.#channel = channel;
    this.#close = close;
  }

  set onMessage(handler: (data: Uint8Array) => void) {
    this.#channel.onMessage = handler;
  }

  send(payload: Uint8Array): void {
    void this.#channel.send(payload);
  }

  sendBurst(payloads: readonly Uint8Array[]): Promise<void> {
    const last = payloads.length - 1;
    for (let index = 0; index < last; index += 1) void this.#channel.send(payloads[index] as Uint8Array);
    return this.#channel.send(payloads[last] as Uint8Array);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

/** What both roles configure. */
async function endpointOptions({ ca, cert, key }: KeyFiles) {
  return {
    credential: await loadCredential({ certPem: cert, keyPem: key }),
    trustAnchors: parseCertificatesPem(ca, 'ca'),
    crls: [],
    parameters: PARAMETERS,
  };
}

let client: Client | undefined;

/** The subject: its public interface as it stands, with the callback for messages; credit and liveness are on. */
export const hawser: Variant = {
  listen: async (keys, accept) => {
    const server = createServer({
      ...(await endpointOptions(keys)),
      policy: POLICY,
      limits: LIMITS,
      applications: new Map([
        [APPLICATION, (channel, request) => accept(new HawserLink(channel, () => request.session.close()))],
      ]),
    });
    return (await server.listen(0, '127.0.0.1')).port;
  },
  connect: async (keys, port) => {
    client ??= createClient(await endpointOptions(keys));
    const session = await client.connect({ host: '127.0.0.1', port, audience: SERVER_IDENTITY });
    return new HawserLink(await session.open(APPLICATION), () => session.close());
  },
};

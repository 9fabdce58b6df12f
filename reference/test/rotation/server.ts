/** The server of `npm run rotation`, a process of its own: it echoes. */
import { createServer, loadCredential } from '../../node/index.ts';

interface Setup {
  readonly chain: string;
  readonly key: string;
  readonly anchors: readonly string[];
  readonly crls: readonly string[];
}

process.once('message', (setup: Setup) => {
  void start(setup);
});

async function start({ chain, key, anchors, crls }: Setup): Promise<void> {
  const server = createServer({
    credential: await loadCredential({ certPem: chain, keyPem: key }),
    trustAnchors: anchors.map((text) => Buffer.from(text, 'base64')),
    crls: crls.map((text) => Buffer.from(text, 'base64')),
    policy: { acceptsClient: () => true, allowsApplication: () => true },
    applications: new Map([['echo', (channel) => void (channel.onMessage = (message) => channel.send(message))]]),
  });
  const { port } = await server.listen(0, '127.0.0.1');
  process.send?.(port);
}

import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { createServer } from 'node:tls';
import type { ModelFields, ModelParameter } from '../../model/codec.ts';
import { errorNamed, frameNamed, registry } from '../../model/registry.ts';
import { buildFrame, decodePayload } from '../../model/codec.ts';
import { acceptTranscript, leafHash, sign, signedContent, withSignature } from '../../model/transcript.ts';
import type { Credential } from '../../peer/credential.ts';
import { buildProve, buildSignedOpened } from '../../peer/proof.ts';
import type { Kit } from '../../testee/kit-files.ts';
import type { ModelFrameView } from './model-endpoint.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import { identityOf, judgeProof } from './model-proof.ts';

/** One connection of the model server, with the test applications that the cases of the harness need. */
export class ModelServerConnection extends ModelEndpoint {
  readonly #applications = new Map<number, string>();
  readonly #counts = new Map<number, { messages: number; octets: number }>();
  protected readonly peerIdentity: string;
  /** For whom a channel is: the identities of the client and of the relays. */
  readonly #asking = new Map<number, readonly [string, ...string[]]>();
  readonly #caPem: string;

  constructor(socket: TLSSocket, credential: Credential, identity: string | undefined, caPem: string) {
    super('server', socket, credential, identity);
    this.#caPem = caPem;
    this.peerIdentity = this.peerLeaf === undefined ? '' : identityOf(new X509Certificate(this.peerLeaf));
    this.verdicts.peerIdentity = socket.authorized;
    this.send('CHALLENGE', { fields: { server_nonce: this.nonce(), parameters: this.declared } });
  }

  protected override before(name: string, octets: Uint8Array, fields: ModelFields): void {
    const challenge = this.frames['CHALLENGE'];
    if (name !== 'CONNECT' || challenge === undefined || fields['signature'] === undefined) return;
    this.frames['CONNECT'] = octets;
    this.verdicts.signature = this.verifies(octets, fields, octets, challenge);
  }

  protected override act(action: string, frame: ModelFrameView): void {
    const { channel, fields } = frame;
    switch (action) {
      case 'verify the signature, then the audience':
        this.#accept();
        break;
      case 'send PONG':
        this.send('PONG', { fields: { data: fields['data'] as Uint8Array } });
        break;
      case 'send CLOSE':
        this.close('NO_ERROR');
        break;
      case 'ask the application end':
        if (frame.name === 'FORWARD') this.#forward(channel, fields);
        else this.#open(channel, fields, [this.peerIdentity]);
        break;
      case 'judge it, send OPENED or REFUSED':
        this.#judge(channel, fields);
        break;
      case 'send REFUSED(CHANNEL_LIMIT)':
        this.send('REFUSED', { channel, fields: { code: 0x0402 } });
        break;
      case 'deliver':
        this.#deliver(frame);
        break;
      case 'report it':
        if (frame.name === 'END') this.#end(channel);
        break;
      case 'send RESET(CHANNEL_CLOSED)':
        this.send('RESET', { channel, fields: { code: 0x0405 } });
        break;
      default:
        break;
    }
  }

  protected override onError(_code: string): void {
    // A server tells its operator; this one has none.
  }

  protected override onClosed(): void {
    // Nothing outlives the connection.
  }

  #accept(): void {
    const challenge = this.frames['CHALLENGE'] ?? new Uint8Array(0);
    const connect = this.frames['CONNECT'] ?? new Uint8Array(0);
    const fields = { session_id: this.nonce().subarray(0, 16), epoch: 1, receive_cursor: 0 };
    const scheme = registry.signatureSchemes.find(({ key }) => key === 'ecdsa-p256')?.id ?? 0;
    const unsigned = buildFrame('ACCEPT', { fields: { ...fields, scheme } });
    const sized = withSignature(unsigned, new Uint8Array(64));
    const clientLeaf = leafHash(this.peerLeaf ?? Buffer.alloc(0));
    const input = {
      exporter: this.exporter(challenge),
      clientLeaf,
      serverLeaf: this.credential.leafHash,
      challenge,
      connect,
    };
    const { signature } = sign(this.credential.key, signedContent('accept', acceptTranscript(input, sized)));
    this.send('ACCEPT', { fields: { ...fields, scheme, signature } });
  }

  #forward(channel: number, fields: ModelFields): void {
    const open = decodePayload(frameNamed('OPEN'), fields['open'] as Uint8Array);
    if ('error' in open) throw new TypeError('the model lets no such FORWARD pass');
    if (!isRelay(this.peerIdentity)) {
      this.send('REFUSED', { channel, fields: { code: errorNamed('APPLICATION_REFUSED').code } });
      return;
    }
    const route = fields['route'] as readonly string[];
    if (open.fields['application'] === 'test/prove' && route.length > 0) {
      this.send('REFUSED', { channel, fields: { code: errorNamed('PROOF_UNAVAILABLE').code } });
      return;
    }
    this.#open(channel, open.fields, [fields['client'] as string, ...route, this.peerIdentity]);
  }

  /** Takes the channel, or not, by the proof of the client. */
  #judge(channel: number, fields: ModelFields): void {
    const [identity] = this.#asking.get(channel) ?? [''];
    if (!judgeProof(channel, fields, { proofs: this.proofs, caPem: this.#caPem, identity })) {
      this.send('REFUSED', { channel, fields: { code: errorNamed('PROOF_INVALID').code } });
      return;
    }
    const parameters = buildSignedOpened(this.credential, this.proofs.of(channel));
    this.send('OPENED', { channel, fields: { parameters } });
  }

  #open(channel: number, fields: ModelFields, asking: readonly [string, ...string[]]): void {
    this.#asking.set(channel, asking);
    const application = fields['application'] as string;
    const known = registry.testApplications.some(({ name }) => name === application);
    if (!known || application === 'test/refuse') {
      this.send('REFUSED', { channel, fields: { code: known ? 0x0404 : 0x0401 } });
      return;
    }
    this.#applications.set(channel, application);
    this.#counts.set(channel, { messages: 0, octets: 0 });
    if (application === 'test/prove') {
      const relay = asking.length > 1 ? (asking.at(-1) ?? '') : '';
      this.send('PROVE', { channel, rawPayload: buildProve(this.credential, this.nonce(), { relay }) });
      return;
    }
    const data = (fields['parameters'] as readonly ModelParameter[]).find(({ name }) => name === 'application_data');
    const echo = application === 'test/data' && data !== undefined;
    this.send('OPENED', {
      channel,
      fields: { parameters: echo ? [{ id: 'application_data', value: data.value }] : [] },
    });
    if (application === 'test/identity' || application === 'test/route') {
      const told = application === 'test/route' ? asking.join('\n') : asking[0];
      this.#message(channel, Buffer.from(told));
      this.send('END', { channel });
    }
  }

  #deliver({ channel, flags, fields }: ModelFrameView): void {
    const fragment = fields['fragment'] as Uint8Array;
    const application = this.#applications.get(channel);
    const count = this.#counts.get(channel) ?? { messages: 0, octets: 0 };
    this.#counts.set(channel, { messages: count.messages + (flags & 1), octets: count.octets + fragment.length });
    if (application === 'test/echo' || application === 'test/data' || application === 'test/prove') {
      this.send('MESSAGE', { channel, flags, fields: { fragment } });
    }
    if (application === 'test/reset') this.send('RESET', { channel, fields: { code: 0x0404 } });
    if (application === 'test/close') this.close('NO_ERROR');
    if (application !== 'test/hold' && application !== 'test/reset') this.#grant(channel);
  }

  #grant(channel: number): void {
    const credit = this.model.credit(channel);
    if (credit === undefined) return;
    const { granted, received } = credit;
    if (granted.messages - received.messages > 32n && granted.bytes - received.bytes > 524_288n) return;
    const fields = { message_limit: received.messages + 64n, byte_limit: received.bytes + 1_048_576n };
    this.send('CREDIT', { channel, fields });
  }

  #end(channel: number): void {
    const { messages, octets } = this.#counts.get(channel) ?? { messages: 0, octets: 0 };
    if (this.#applications.get(channel) === 'test/sink') this.#message(channel, Buffer.from(`${messages} ${octets}`));
    this.send('END', { channel });
  }

  #message(channel: number, fragment: Uint8Array): void {
    this.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment } });
  }
}

/** Whether test mode takes an identity as that of a relay (APP-011). */
function isRelay(identity: string): boolean {
  const last = identity.includes('://') ? identity.split('/').slice(3).at(-1) : identity.split('.')[0];
  return last?.startsWith('relay') === true;
}

/** The class of each connection: the right one, or one with a planted fault. */
export type ConnectionClass = new (
  socket: TLSSocket,
  credential: Credential,
  identity: string | undefined,
  caPem: string,
) => ModelServerConnection;

/** A TLS server of model connections, on a port of its own. */
export class ModelServer {
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  constructor(kit: Kit, connectionClass: ConnectionClass = ModelServerConnection, as: 'server' | 'relay' = 'server') {
    const credential = kit.credential(as);
    const identity = as === 'server' ? kit.index.serverIdentity : kit.index.relayIdentity;
    const [rootList] = kit.crlPem.split(/(?<=-----END X509 CRL-----\n)/);
    this.#server = createServer({
      cert: credential.certificatePem,
      key: credential.keyPem,
      ca: kit.caPem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [registry.protocol.alpn],
      allowHalfOpen: true,
      ...(rootList === undefined ? {} : { crl: rootList }),
    });
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      if (socket.isSessionReused() || socket.alpnProtocol !== registry.protocol.alpn) {
        socket.destroy();
        return;
      }
      new connectionClass(socket, credential, identity, kit.caPem);
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops at once, as a process does that is killed. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

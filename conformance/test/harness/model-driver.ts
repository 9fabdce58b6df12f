/** A client driver on top of the model, as small as one gets: the client under test in the tests of the harness. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import type { ModelFields, ModelParameter } from '../../model/codec.ts';
import { concat } from '../../model/codec.ts';
import { errorNamed, registry } from '../../model/registry.ts';
import type { Credential } from '../../peer/credential.ts';
import { makeCredential } from '../../peer/credential.ts';
import { buildProof } from '../../peer/proof.ts';
import type { ModelFrameView } from './model-endpoint.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import { judgeOpened, judgeProve } from './model-proof.ts';

interface Request {
  readonly id: number;
  readonly do: string;
  readonly connection?: string;
  readonly host?: string;
  readonly port?: number;
  readonly audience?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly crl?: string;
  readonly application?: string;
  readonly data?: string;
  readonly channel?: number;
  readonly message?: string;
  readonly reset?: true;
  readonly applicationIdentity?: string;
  readonly demandProof?: boolean;
}

const fault = process.argv[2];
const connections = new Map<string, ModelClientConnection>();

function write(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

class ModelClientConnection extends ModelEndpoint {
  readonly #name: string;
  readonly #request: Request;
  readonly #pieces = new Map<number, Uint8Array[]>();
  /** The identity that each channel's application has to have. */
  readonly #identities = new Map<number, string>();
  readonly #demanding = new Set<number>();
  /** Leaf of the application end that has asked for proof. */
  readonly #proving = new Map<number, Uint8Array>();
  #channels = 0;
  #ended: object | undefined;
  #code = 0;

  constructor(name: string, socket: TLSSocket, credential: Credential, request: Request) {
    super('client', socket, credential);
    this.#name = name;
    this.#request = request;
    const names = this.peerLeaf === undefined ? undefined : new X509Certificate(this.peerLeaf).subjectAltName;
    this.verdicts.peerIdentity = names?.replace(/^(URI|DNS):/, '') === request.audience || fault === 'any-identity';
  }

  open({ application = '', data, applicationIdentity, demandProof }: Request): number {
    this.#channels += 1;
    const value = data === undefined ? undefined : new Uint8Array(Buffer.from(data, 'base64'));
    const parameters = value === undefined ? [] : [{ id: 'application_data', value }];
    this.#identities.set(this.#channels, applicationIdentity ?? this.#request.audience ?? '');
    if (demandProof === true) this.#demanding.add(this.#channels);
    this.send('OPEN', { channel: this.#channels, fields: { nonce: this.nonce(), application, parameters } });
    return this.#channels;
  }

  message(channel: number, octets: Uint8Array): void {
    this.send('MESSAGE', { channel, flags: ['FIRST', 'LAST'], fields: { fragment: octets } });
  }

  end(channel: number | undefined, reset: boolean): void {
    if (channel === undefined) this.close('NO_ERROR');
    else if (reset) this.send('RESET', { channel, fields: { code: 0x0403 } });
    else this.send('END', { channel });
  }

  protected override get strict(): boolean {
    return fault !== 'sends-early';
  }

  protected override before(name: string, octets: Uint8Array, fields: ModelFields): void {
    const { CHALLENGE: challenge, CONNECT: request } = this.frames;
    if (name === 'CHALLENGE') this.frames['CHALLENGE'] = octets;
    if (name === 'CLOSE') this.#code = Number(fields['code']);
    if (name !== 'ACCEPT' || challenge === undefined || request === undefined || fields['signature'] === undefined)
      return;
    this.verdicts.signature = fault === 'any-signature' || this.verifies(octets, fields, request, challenge);
  }

  protected override act(action: string, { name, channel, flags, fields, payload }: ModelFrameView): void {
    const connection = this.#name;
    if (name === 'CHALLENGE') this.sendConnect(this.#request.audience ?? '');
    if (name === 'ACCEPT') write({ event: 'established', connection, identity: this.#request.audience });
    if (name === 'REJECT') {
      write({ event: 'rejected', connection, code: fields['code'] });
      this.#ended = {};
      this.socket.destroy();
    }
    if (name === 'PING') this.send('PONG', { fields: { data: fields['data'] as Uint8Array } });
    if (name === 'PROVE' && action.startsWith('judge')) this.#prove(channel, fields);
    if (name === 'OPENED' && action.endsWith('report it')) this.#opened(channel, fields, payload);
    if (name === 'REFUSED') write({ event: 'refused', connection, channel, code: fields['code'] });
    if (name === 'END' && action === 'report it') write({ event: 'ended', connection, channel });
    if (name === 'MESSAGE' && action === 'deliver') this.#deliver(channel, flags, fields['fragment'] as Uint8Array);
    if (name === 'RESET' && action.startsWith('send RESET')) {
      this.send('RESET', { channel, fields: { code: 0x0405 } });
      write({ event: 'reset', connection, channel, code: fields['code'] });
    }
    if (name === 'CLOSE') {
      this.#ended = { event: 'closed', connection, code: this.#code };
      this.close('NO_ERROR');
    }
  }

  protected override onError(code: string): void {
    const number = registry.errors.find((row) => row.name === code)?.code ?? 0;
    this.#ended = { event: 'failed', connection: this.#name, cause: 'protocol', code: number };
  }

  protected override onClosed(): void {
    const closed = this.model.state === 'closed' && this.#code === 0 ? { event: 'closed', code: 0 } : undefined;
    const ended = this.#ended ?? { connection: this.#name, ...(closed ?? { event: 'failed', cause: 'transport' }) };
    if ('event' in ended) write(ended);
    connections.delete(this.#name);
  }

  /** Answers PROVE. */
  #prove(channel: number, fields: ModelFields): void {
    const identity = this.#identities.get(channel) ?? '';
    const caPem = readFileSync(this.#request.ca ?? '', 'utf8');
    const [leaf] = fields['chain'] as readonly Uint8Array[];
    const judged = judgeProve(fields, this.#request.audience ?? '', { proofs: this.proofs, caPem, identity });
    if (leaf === undefined || !(judged || fault === 'proves-to-anybody')) {
      this.#abandon(channel);
      return;
    }
    this.#proving.set(channel, leaf);
    this.send('PROOF', { channel, rawPayload: buildProof(this.credential, this.proofs.of(channel)) });
  }

  #opened(channel: number, fields: ModelFields, payload: Uint8Array): void {
    const leaf = this.#proving.get(channel);
    const holds =
      leaf === undefined
        ? !this.#demanding.has(channel)
        : fault === 'any-open-signature' || judgeOpened(channel, fields, payload, leaf, this.proofs);
    if (holds) write({ event: 'opened', connection: this.#name, channel, ...dataOf(fields) });
    else this.#abandon(channel);
  }

  #abandon(channel: number): void {
    const { code } = errorNamed('PROOF_INVALID');
    this.send('RESET', { channel, fields: { code } });
    write({ event: 'refused', connection: this.#name, channel, code });
  }

  #deliver(channel: number, flags: number, fragment: Uint8Array): void {
    const pieces = [...(this.#pieces.get(channel) ?? []), fragment];
    this.#pieces.set(channel, (flags & 2) === 0 ? pieces : []);
    if ((flags & 2) === 0) return;
    const message = Buffer.from(concat(...pieces)).toString('base64');
    write({ event: 'message', connection: this.#name, channel, message });
  }
}

function dataOf(fields: ModelFields): object {
  const found = (fields['parameters'] as readonly ModelParameter[]).find(({ name }) => name === 'application_data');
  return found === undefined ? {} : { data: Buffer.from(found.value as Uint8Array).toString('base64') };
}

function begin(request: Request): void {
  const file = (path = ''): string => readFileSync(path, 'utf8');
  const credential = makeCredential('client', file(request.certificate), file(request.key));
  const connection = request.connection ?? '';
  const failed = (cause: string): void => write({ event: 'failed', connection, cause });
  const [rootList] = file(request.crl).split(/(?<=-----END X509 CRL-----\n)/);
  const socket = connect({
    host: request.host ?? '',
    port: request.port ?? 0,
    cert: credential.certificatePem,
    key: credential.keyPem,
    ca: file(request.ca),
    ...(rootList === undefined ? {} : { crl: rootList }),
    minVersion: 'TLSv1.3',
    ALPNProtocols: [registry.protocol.alpn],
    checkServerIdentity: () => undefined,
    allowHalfOpen: true,
  } as ConnectionOptions);
  const onError = (): void => failed('tls');
  socket.once('error', onError);
  socket.once('secureConnect', () => {
    socket.off('error', onError);
    if (socket.alpnProtocol !== registry.protocol.alpn) {
      failed('tls');
      socket.destroy();
      return;
    }
    connections.set(connection, new ModelClientConnection(connection, socket, credential, request));
  });
}

function answer(request: Request): object {
  const connection = connections.get(request.connection ?? '');
  switch (request.do) {
    case 'describe':
      return { ok: true, protocol: 1, name: 'model client', version: '1', unsupported: ['reload', 'reconnect'] };
    case 'connect':
      begin(request);
      return { ok: true };
    case 'open':
      if (connection === undefined) break;
      return { ok: true, channel: connection.open(request) };
    case 'send':
      connection?.message(request.channel ?? 0, new Uint8Array(Buffer.from(request.message ?? '', 'base64')));
      return { ok: true };
    case 'close':
      connection?.end(request.channel, request.reset !== undefined);
      return { ok: true };
    default:
      return fault === 'answers-nonsense' ? { ok: true } : { ok: false, error: 'unsupported' };
  }
  return { ok: false, error: 'invalid' };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if (fault === 'not-json' && request.do === 'open') process.stdout.write('hello\n');
  if (fault === 'dies' && request.do === 'open') process.exit(3);
  write({ id: request.id, ...answer(request) });
}
process.exit(0);

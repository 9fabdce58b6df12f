/**
 * A small endpoint whose every reaction is that of the model: the implementation under test in the tests of the harness. What it
 * knows of the protocol is in conformance/model; faults are planted by overriding one method.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { FrameInput, ModelFields, ModelParameter } from '../../model/codec.ts';
import { buildFrame, decodeFrame, decodeHeader, measureFrame } from '../../model/codec.ts';
import type { Reaction } from '../../model/machine.ts';
import { ReceiverModel } from '../../model/machine.ts';
import { errorNamed, frameOfType, registry } from '../../model/registry.ts';
import type { Role } from '../../model/registry.ts';
import type { Credential } from '../../peer/credential.ts';
import { exporterValue } from '../../peer/establishment.ts';
import { ProofBook } from '../../peer/proof.ts';
import {
  acceptTranscript,
  connectTranscript,
  leafHash,
  sign,
  signedContent,
  verify,
  withSignature,
} from '../../model/transcript.ts';

export interface ModelFrameView {
  readonly name: string;
  readonly channel: number;
  readonly flags: number;
  readonly fields: ModelFields;
  readonly payload: Uint8Array;
}

const DECLARED = [
  { id: 'liveness_interval_ms', value: 2000 },
  { id: 'max_message_bytes', value: 262_144 },
];

export abstract class ModelEndpoint {
  protected readonly verdicts: { signature: boolean; peerIdentity: boolean } = { signature: true, peerIdentity: true };
  protected readonly model: ReceiverModel;
  protected readonly socket: TLSSocket;
  protected readonly credential: Credential;
  protected readonly proofs: ProofBook = new ProofBook();
  protected readonly frames: Record<string, Uint8Array> = {};
  /** Leaf of the peer in DER, read once: node:tls may forget it. */
  protected readonly peerLeaf: Buffer | undefined;
  #held = Buffer.alloc(0);
  #sent = 0n;
  #over = false;
  #heard = performance.now();
  #spoke = performance.now();
  readonly #timer: NodeJS.Timeout;
  protected peerIntervalMs = 15_000;

  protected constructor(role: Role, socket: TLSSocket, credential: Credential, identity?: string) {
    this.socket = socket;
    this.credential = credential;
    this.peerLeaf = socket.getPeerX509Certificate()?.raw;
    const own = { max_message_bytes: 262_144 };
    const judged = identity === undefined ? {} : { identity };
    this.model = new ReceiverModel(role, { ...judged, verdicts: this.verdicts, own });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    this.#timer = setInterval(() => this.#tick(), 50);
    socket.on('close', () => {
      clearInterval(this.#timer);
      this.onClosed();
    });
  }

  /** Sends a frame that the model allows. */
  protected send(name: string, input: FrameInput = {}): Uint8Array {
    const row = registry.frames.find((frame) => frame.name === name);
    const seq = row?.sequenced === true ? this.#sent + 1n : 0n;
    const octets = this.mutate(name, buildFrame(name, { ...input, seq }));
    const allowed = this.model.send(octets);
    if ('error' in allowed && this.strict) throw new Error(`${name}: ${allowed.error} ${allowed.requirement}`);
    if (row?.sequenced === true) this.#sent += 1n;
    this.#spoke = performance.now();
    this.proofs.note(octets);
    this.socket.write(octets);
    this.frames[name] = octets;
    return octets;
  }

  /** Whether sending what the model forbids is a mistake of this test double; not so where it is the planted fault. */
  protected get strict(): boolean {
    return true;
  }

  /** A planted fault may change octets on their way out. */
  protected mutate(_name: string, octets: Uint8Array): Uint8Array {
    return octets;
  }

  /** A planted fault may overlook a frame altogether. */
  protected overlooks(_name: string, _octets: Uint8Array): boolean {
    return false;
  }

  protected get declared(): readonly { readonly id: string; readonly value: number }[] {
    return DECLARED;
  }

  protected abstract act(action: string, frame: ModelFrameView): void;
  protected abstract onError(code: string): void;
  protected abstract onClosed(): void;

  protected close(code: string): void {
    if (this.#over) return;
    this.#over = true;
    const reject = this.model.role === 'server' && this.frames['ACCEPT'] === undefined;
    const number = errorNamed(code).code;
    const { receive, send } = this.model.cursors;
    if (reject) this.send('REJECT', { fields: { code: number, retry_after_ms: 0 } });
    else {
      const cursors = { receive_cursor: receive, send_cursor: send };
      this.send('CLOSE', { flags: ['END_SESSION'], fields: { code: number, ...cursors } });
    }
    this.socket.end();
  }

  protected exporter(challenge: Uint8Array): Uint8Array {
    return exporterValue(this.socket, challenge);
  }

  /** Verifies CONNECT or ACCEPT by the peer's certificate. */
  protected verifies(frame: Uint8Array, fields: ModelFields, connect: Uint8Array, challenge: Uint8Array): boolean {
    const peerDer = this.peerLeaf;
    if (peerDer === undefined) return false;
    const server = this.model.role === 'server';
    const own = this.credential.leafHash;
    const peer = leafHash(peerDer);
    const input = {
      exporter: this.exporter(challenge),
      clientLeaf: server ? peer : own,
      serverLeaf: server ? own : peer,
      challenge,
      connect,
    };
    const transcript = server ? connectTranscript(input) : acceptTranscript(input, frame);
    const content = signedContent(server ? 'connect' : 'accept', transcript);
    const { publicKey } = new X509Certificate(peerDer);
    return verify(Number(fields['scheme']), publicKey, content, fields['signature'] as Uint8Array);
  }

  /** Answers CHALLENGE, as a client. */
  protected sendConnect(audience: string): void {
    const challenge = this.frames['CHALLENGE'] ?? new Uint8Array(0);
    const scheme = registry.signatureSchemes.find(({ key }) => key === 'ecdsa-p256')?.id ?? 0;
    const fields = { client_nonce: this.nonce(), audience, parameters: this.declared, scheme };
    const sized = withSignature(buildFrame('CONNECT', { fields }), new Uint8Array(64));
    const serverLeaf = leafHash(this.peerLeaf ?? Buffer.alloc(0));
    const clientLeaf = this.credential.leafHash;
    const input = { exporter: this.exporter(challenge), clientLeaf, serverLeaf, challenge, connect: sized };
    const { signature } = sign(this.credential.key, signedContent('connect', connectTranscript(input)));
    this.send('CONNECT', { fields: { ...fields, signature } });
  }

  protected nonce(): Uint8Array {
    return new Uint8Array(randomBytes(32));
  }

  #onData(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    for (;;) {
      const measured = measureFrame(this.#held);
      if ('need' in measured) return;
      if ('error' in measured) {
        this.#held = Buffer.alloc(0);
        this.#react({ ...measured, next: 'closing' }, undefined);
        return;
      }
      if (this.#held.length < measured.total) return;
      const octets = new Uint8Array(this.#held.subarray(0, measured.total));
      this.#held = this.#held.subarray(measured.total);
      this.#onFrame(octets);
    }
  }

  #onFrame(octets: Uint8Array): void {
    this.model.elapse(performance.now() - this.#heard);
    this.#heard = performance.now();
    if (this.#over) {
      this.model.receive(octets);
      return;
    }
    const header = decodeHeader(octets);
    const name = frameOfType(header?.type ?? 0)?.name ?? 'IGNORABLE';
    if (this.overlooks(name, octets)) return;
    const decoded = decodeFrame(octets);
    const fields = 'fields' in decoded ? decoded.fields : {};
    const interval = ((fields['parameters'] ?? []) as readonly ModelParameter[]).find(
      (parameter) => parameter.name === 'liveness_interval_ms',
    );
    if (typeof interval?.value === 'number') this.peerIntervalMs = interval.value;
    this.before(name, octets, fields);
    this.proofs.note(octets);
    const payload = octets.subarray(registry.header.bytes);
    const view = { name, channel: header?.channel ?? 0, flags: header?.flags ?? 0, fields, payload };
    this.#react(this.model.receive(octets), view);
  }

  /** Puts the verdicts of cryptography in place before the model judges. */
  protected abstract before(name: string, octets: Uint8Array, fields: ModelFields): void;

  #react(reaction: Reaction, frame: ModelFrameView | undefined): void {
    if ('error' in reaction) {
      this.onError(reaction.error);
      this.close(reaction.error);
    } else if (frame !== undefined) {
      this.act(reaction.channel?.action ?? reaction.action, frame);
    }
  }

  #tick(): void {
    const now = performance.now();
    if (this.model.state !== 'established' || this.#over) return;
    if (now - this.#heard > 3 * this.peerIntervalMs) {
      this.onError('LIVENESS_TIMEOUT');
      this.close('LIVENESS_TIMEOUT');
    } else if (now - this.#spoke > 1500) {
      this.send('PING', { fields: { data: new Uint8Array(randomBytes(8)) } });
    }
  }
}

import { buildFrame, buildPayload, buildRawFrame, concat, integer, toHex } from '../../conformance/model/codec.ts';
import type { FrameInput } from '../../conformance/model/codec.ts';
import { frameNamed } from '../../conformance/model/registry.ts';
import type { Role } from '../../conformance/model/registry.ts';
import { octetsFor } from './octet-source.ts';

/** Octets that arrive, or frames that the endpoint sends: of its own accord in answer, or because its application asks. */
export type StreamStep =
  { readonly receive: string } | { readonly send: string; readonly cause: 'answer' | 'application' };

/** The session of the former connection, in vectors of a resumption: ACCEPT there had this id and epoch 1. */
export const SESSION_ID: Uint8Array = octetsFor('session', 16);

/** A wrong sequence number is written where one is given; otherwise the script counts. */
export type StepInput = FrameInput;

const DEFAULTS: Readonly<Record<string, FrameInput['fields'] & object>> = {
  CHALLENGE: { server_nonce: octetsFor('server nonce', 32) },
  CONNECT: {
    client_nonce: octetsFor('client nonce', 32),
    audience: 'spiffe://example.test/server',
    scheme: 0x0807,
    signature: octetsFor('signature', 64),
  },
  ACCEPT: { session_id: SESSION_ID, scheme: 0x0807, signature: octetsFor('signature', 64) },
  REJECT: { code: 0x0205 },
  ACK: { receive_cursor: 1 },
  DRAIN: { code: 0x0302, deadline_ms: 30_000 },
  OPEN: { nonce: octetsFor('open', 32), application: 'test/hold' },
  REFUSED: { code: 0x0401 },
  PROVE: { nonce: octetsFor('prove', 32), chain: [octetsFor('certificate', 40)] },
  PROOF: { chain: [octetsFor('certificate', 40)], scheme: 0x0807, signature: octetsFor('signature', 64) },
  FORWARD: {
    hop_limit: 3,
    client: 'spiffe://example.test/client',
    open: buildPayload('OPEN', { nonce: octetsFor('open', 32), application: 'test/hold' }),
  },
  CREDIT: { message_limit: 128, byte_limit: 2_097_152 },
  OUTCOME: { last_message: 1 },
  RESET: { code: 0x0403 },
};

/** Last sequence numbers received and sent. */
export interface Cursors {
  readonly receive: number;
  readonly send: number;
}

/** Parameters of an OPEN that asks for verdicts. */
export const OUTCOMES: StepInput = { fields: { parameters: [{ id: 'outcomes', value: 1 }] } };

/** An OPENED on a channel that was proved; the octets of its signature are none, as those of CONNECT and ACCEPT. */
export const SIGNED: StepInput = {
  fields: {
    parameters: [{ id: 'open_signature', value: concat(integer(0x0807, 2), octetsFor('signature', 64)) }],
  },
};

/** Writes the two directions of a connection as its endpoint sees them, and counts their sequence numbers. */
export class Script {
  readonly role: Role;
  readonly steps: StreamStep[] = [];
  /** What the connection before this one has carried, if this one goes on with its session. */
  readonly former: Script | undefined;
  readonly #sequence: { receive: number; send: number };

  /** @param stated - the cursors with which a session goes on: each end sends the frames behind the cursor of the other. */
  constructor(role: Role, former?: Script, stated: Cursors = { receive: 0, send: 0 }) {
    this.role = role;
    this.former = former;
    this.#sequence = { ...stated };
  }

  /** Last sequence numbers in both directions. */
  get cursors(): Cursors {
    return { ...this.#sequence };
  }

  /** The octets of the next frame in a direction; they take a sequence number if the frame has one. */
  frame(direction: 'receive' | 'send', name: string, input: StepInput = {}): Uint8Array {
    const row = frameNamed(name);
    if (row.sequenced && input.seq === undefined) this.#sequence[direction] += 1;
    return buildFrame(name, {
      flags: name === 'MESSAGE' ? ['FIRST', 'LAST'] : name === 'CLOSE' ? ['END_SESSION'] : [],
      channel: row.layer === 'channel' ? 1 : 0,
      seq: row.sequenced ? this.#sequence[direction] : 0,
      ...input,
      fields: { ...DEFAULTS[name], ...input.fields },
    });
  }

  /** One step that receives one frame. */
  receive(name: string, input: StepInput = {}): this {
    return this.receiveOctets(this.frame('receive', name, input));
  }

  /** One step that receives a GREASE frame. */
  receiveIgnorable(): this {
    return this.receiveOctets(buildRawFrame({ type: 0x9b, payload: octetsFor('ignored', 3) }));
  }

  /** One step that receives any octets. */
  receiveOctets(...octets: readonly Uint8Array[]): this {
    this.steps.push({ receive: toHex(concat(...octets)) });
    return this;
  }

  /** The application has the endpoint send a frame. */
  send(name: string, input: StepInput = {}): this {
    this.steps.push({ send: toHex(this.frame('send', name, input)), cause: 'application' });
    return this;
  }

  /** The endpoint sends a frame because the protocol asks it to. */
  answer(name: string, input: StepInput = {}): this {
    this.steps.push({ send: toHex(this.frame('send', name, input)), cause: 'answer' });
    return this;
  }

  /**
   * Brings channel 1 into a state.
   *
   * @param judged - messages that this end sends on the channel, which asks for verdicts then.
   */
  channel(state: string, judged?: number): this {
    const client = this.role === 'client';
    const input = judged === undefined && state !== 'settling' ? {} : OUTCOMES;
    const open = (): this => (client ? this.send('OPEN', input) : this.receive('OPEN', input));
    const opened = (): this => {
      const script = client ? open().receive('OPENED') : open().send('OPENED');
      for (let n = 0; n < (judged ?? 0); n += 1) script.send('MESSAGE');
      return script;
    };
    switch (state) {
      case 'idle':
        return this;
      case 'opening':
        return open();
      case 'proving':
        return client ? open().receive('PROVE') : open().send('PROVE');
      case 'proved':
        return client ? open().receive('PROVE').send('PROOF') : open().send('PROVE').receive('PROOF');
      case 'open':
        return opened();
      case 'half-closed-local':
        return opened().send('END');
      case 'half-closed-remote':
        return opened().receive('END');
      case 'settling':
        return (judged === undefined ? opened().send('MESSAGE').send('MESSAGE') : opened()).send('END').receive('END');
      case 'reset-sent':
        return opened().send('RESET');
      case 'closed':
        return opened().send('END').receive('END');
      default:
        throw new TypeError(`no way into channel state ${state}`);
    }
  }
}

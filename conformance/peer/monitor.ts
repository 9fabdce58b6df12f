import { ReceiverModel } from '../model/machine.ts';
import type { Limits, ModelOptions, SessionState } from '../model/machine.ts';
import type { Role } from '../model/registry.ts';
import { errorNamed, frameNamed, machineOf, registry } from '../model/registry.ts';
import type { Finding } from './failure.ts';
import type { ReceivedFrame } from './received-frame.ts';

/**
 * The duty of a sender that stands behind a receiver's check. The model answers with the requirement of the receiver;
 * the implementation under test is the sender here.
 */
const DUTY_OF_SENDER: Readonly<Record<string, string>> = {
  'WIR-005': 'EXT-001',
  'WIR-007': 'WIR-008',
  'WIR-012': 'WIR-010',
  'WIR-013': 'WIR-011',
  'WIR-020': 'WIR-019',
  'WIR-022': 'EXT-002',
  'SES-001': 'SES-002',
  'SES-007': 'SES-004',
  'CHN-002': 'CHN-001',
  'CHN-003': 'SES-002',
  'CHN-013': 'CHN-012',
  'CHN-014': 'CHN-012',
  'CHN-018': 'CHN-017',
  'CHN-021': 'CHN-020',
  'CHN-027': 'CHN-012',
  'CNT-002': 'CNT-001',
  'CNT-023': 'CNT-018',
  'CNT-031': 'CNT-027',
};

/** The requirement that a sender breaks when a receiver would find this violation. */
export function dutyOfSender(requirement: string): string {
  return DUTY_OF_SENDER[requirement] ?? requirement;
}

/** What CONNECT says in mode `resume`. */
const RESUME = BigInt(frameNamed('CONNECT').fields.find(({ name }) => name === 'mode')?.values?.['resume'] ?? 1);

const END_SESSION = frameNamed('CLOSE').flags.find(({ name }) => name === 'END_SESSION')?.bit ?? 0;

/** Where a frame on a channel comes at the wrong time, the sentence that names just this. */
function dutyOnChannel(frame: string, state: string, requirement: string): string | undefined {
  if (requirement !== 'CHN-003') return undefined;
  if (state === 'opening' && ['MESSAGE', 'CREDIT', 'END'].includes(frame)) return 'CHN-010';
  if (state === 'opening' && frame === 'OUTCOME') return 'CNT-040';
  if (state === 'half-closed-remote' && frame === 'MESSAGE') return 'CHN-028';
  return undefined;
}

/**
 * Watches everything that the implementation under test sends, in every case, for what a receiver would have to refuse.
 * Once the harness itself has broken a rule, there is no telling what the peer may answer, and it stops.
 */
export class Monitor {
  readonly #role: Role;
  readonly #options: Pick<ModelOptions, 'recall'>;
  #model: ReceiverModel;
  #at: number = performance.now();
  #final: string | undefined;
  #watching = true;
  /** Whether it has not watched from the beginning of the connection, and can not tell what kind of session this is. */
  #blind = false;
  /** What the harness said with its own CLOSE about the session. */
  #closedWith: 'END_SESSION' | 'nothing' | undefined;
  #drainMs: number | undefined;
  /** The peer asks for a session that exists. */
  #resuming = false;

  /**
   * @param role - the role that the harness plays.
   * @param recall - sessions that a client may attach again.
   */
  constructor(role: Role, recall?: ModelOptions['recall']) {
    this.#role = role;
    this.#options = recall === undefined ? {} : { recall };
    this.#model = new ReceiverModel(role, this.#options);
  }

  /** What is known of the session, for the connection after this one. */
  get session(): SessionState {
    return this.#model.session;
  }

  /** The connection goes on with a session of an earlier one, of which a client is to know before it sends CONNECT. */
  resume(former: Monitor): void {
    // Once the harness has broken a rule there is no telling what became of the session either.
    if (!former.#watching) {
      this.#watching = false;
      this.#blind = true;
    }
    if (this.#role === 'server') return;
    const resumes = former.session;
    this.#model = new ReceiverModel(this.#role, { ...this.#options, state: 'awaiting-accept', resumes });
  }

  /** Takes a frame that the harness sends. */
  sent(octets: Uint8Array): void {
    if (octets[0] === frameNamed('CONNECT').type)
      this.#resuming = BigInt(octets[registry.header.bytes] ?? 0) === RESUME;
    if (octets[0] === frameNamed('CLOSE').type) {
      this.#closedWith ??= ((octets[1] ?? 0) & END_SESSION) === 0 ? 'nothing' : 'END_SESSION';
    }
    if (!this.#watching) return;
    if (octets.length < registry.header.bytes || 'error' in this.#model.send(octets)) this.#watching = false;
  }

  /** Whether the channel is in a state in which the harness may send this frame. */
  allows(name: string, channel: number): boolean {
    const state = this.#model.channelState(channel);
    return machineOf(this.#role, 'channel').local.some(
      (row) => row.event === `send ${name}` && row.from.includes(state),
    );
  }

  /** What the harness has granted on a channel in use. */
  granted(channel: number): Limits | undefined {
    return this.#model.credit(channel)?.granted;
  }

  /** The harness does something that is not a frame, or not in order: stop watching. */
  stop(): void {
    this.#watching = false;
  }

  /** Takes a frame that the peer sent; the answer is what is wrong with it. */
  received(frame: ReceivedFrame): Finding | undefined {
    const requirement = this.#final === 'REJECT' ? 'EST-023' : 'SES-011';
    if (this.#final !== undefined) {
      return { requirement, expected: `nothing after ${this.#final}`, actual: frame.text };
    }
    if (frame.name === 'CLOSE' || frame.name === 'REJECT') this.#final = frame.name;
    if (frame.name === 'CONNECT') this.#resuming = frame.integer('mode') === RESUME;
    return this.#codeFinding(frame) ?? this.#drainFinding(frame) ?? this.#modelFinding(frame);
  }

  #codeFinding(frame: ReceivedFrame): Finding | undefined {
    if (!['CLOSE', 'REJECT', 'REFUSED', 'RESET', 'DRAIN'].includes(frame.name)) return undefined;
    if (frame.code.startsWith('0x') || !errorNamed(frame.code).in.includes(frame.name)) {
      return { requirement: 'ERR-001', expected: `a code that ${frame.name} may carry`, actual: frame.text };
    }
    return frame.name === 'CLOSE' ? this.#flagFinding(frame) : undefined;
  }

  /** Whether a CLOSE says rightly what becomes of the session. */
  #flagFinding(frame: ReceivedFrame): Finding | undefined {
    if (this.#blind) return undefined;
    const ends = frame.has('END_SESSION');
    const found = (requirement: string, right: boolean): Finding | undefined =>
      ends === right
        ? undefined
        : { requirement, expected: `CLOSE ${right ? 'with' : 'without'} END_SESSION`, actual: frame.text };
    if (!this.#model.resumable && !this.#resuming) return found('SES-017', true);
    const { scope, name } = errorNamed(frame.code);
    if (name !== 'NO_ERROR') return found('CNT-014', scope === 'session');
    // Without an error either end may end the session or only the connection; an answer follows what it answers.
    if (this.#closedWith === 'END_SESSION') return found('SES-012', true);
    return this.#closedWith === 'nothing' ? found('CNT-015', false) : undefined;
  }

  #drainFinding(frame: ReceivedFrame): Finding | undefined {
    if (frame.name !== 'DRAIN') return undefined;
    const deadline = Number(frame.integer('deadline_ms'));
    const earlier = this.#drainMs ?? Infinity;
    this.#drainMs = Math.min(earlier, deadline);
    // Sent later with a longer time: the later deadline, whatever the way took.
    if (deadline <= earlier) return undefined;
    return { requirement: 'CNT-049', expected: `a deadline within ${earlier} ms`, actual: frame.text };
  }

  #modelFinding(frame: ReceivedFrame): Finding | undefined {
    if (!this.#watching) return undefined;
    const now = performance.now();
    this.#model.elapse(now - this.#at);
    this.#at = now;
    const state = this.#model.channelState(frame.channel);
    const reaction = this.#model.receive(frame.octets);
    if (!('error' in reaction)) return undefined;
    this.#watching = false;
    return {
      requirement: dutyOnChannel(frame.name, state, reaction.requirement) ?? dutyOfSender(reaction.requirement),
      expected: 'only frames that a receiver in this state accepts',
      actual: `${frame.text}, which is ${reaction.error} (${reaction.requirement})`,
    };
  }
}

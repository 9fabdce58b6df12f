import { ReceiverModel } from '../model/machine.ts';
import type { Role } from '../model/registry.ts';
import { errorNamed, registry } from '../model/registry.ts';
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
};

/** The requirement that a sender breaks when a receiver would find this violation. */
export function dutyOfSender(requirement: string): string {
  return DUTY_OF_SENDER[requirement] ?? requirement;
}

/** Where a frame on a channel comes at the wrong time, the sentence that names just this. */
function dutyOnChannel(frame: string, state: string, requirement: string): string | undefined {
  if (requirement !== 'CHN-003') return undefined;
  if (state === 'opening' && ['MESSAGE', 'CREDIT', 'END'].includes(frame)) return 'CHN-010';
  if (state === 'half-closed-remote' && frame === 'MESSAGE') return 'CHN-028';
  return undefined;
}

/**
 * Watches everything that the implementation under test sends, in every case, for what a receiver would have to refuse.
 * Once the harness itself has broken a rule, there is no telling what the peer may answer, and it stops.
 */
export class Monitor {
  readonly #model: ReceiverModel;
  #at: number = performance.now();
  #final: string | undefined;
  #watching = true;

  /** @param role - the role that the harness plays. */
  constructor(role: Role) {
    this.#model = new ReceiverModel(role);
  }

  /** Takes a frame that the harness sends. */
  sent(octets: Uint8Array): void {
    if (!this.#watching) return;
    if (octets.length < registry.header.bytes || 'error' in this.#model.send(octets)) this.#watching = false;
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
    return this.#codeFinding(frame) ?? this.#modelFinding(frame);
  }

  #codeFinding(frame: ReceivedFrame): Finding | undefined {
    if (!['CLOSE', 'REJECT', 'REFUSED', 'RESET'].includes(frame.name)) return undefined;
    if (frame.code.startsWith('0x') || !errorNamed(frame.code).in.includes(frame.name)) {
      return { requirement: 'ERR-001', expected: `a code that ${frame.name} may carry`, actual: frame.text };
    }
    if (frame.name === 'CLOSE' && !frame.has('END_SESSION')) {
      return { requirement: 'SES-017', expected: 'CLOSE with END_SESSION', actual: frame.text };
    }
    return undefined;
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

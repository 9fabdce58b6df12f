import { PeerViolationError } from './errors.ts';
import {
  type ErrorName,
  FRAME_NAME,
  FRAMES,
  type FrameName,
  IGNORABLE_BIT,
  type MachineName,
  MAX_PAYLOAD_BYTES,
} from './registry.gen.ts';
import { type Cell, IGNORABLE_INDEX, type State } from './transitions.ts';

/** What the header of a frame type may say, for lookups by type number. */
interface HeaderRule {
  readonly flags: number;
  readonly ofChannel: boolean;
  readonly sequenced: boolean;
}

const RULES: (HeaderRule | undefined)[] = [];
for (const name of Object.keys(FRAMES) as FrameName[]) {
  const { type, flags, channel, sequenced } = FRAMES[name];
  RULES[type] = { flags, ofChannel: channel === 'nonzero', sequenced };
}

/** The parts of a header that are checked. */
interface CheckedHeader {
  readonly type: number;
  readonly flags: number;
  readonly length: number;
  readonly channel: number;
  readonly seq: number;
}

/** Whether frames of a type are sequenced. */
export function isSequenced(type: number): boolean {
  return RULES[type]?.sequenced === true;
}

/**
 * Checks a header up to its sequence number, in the order of WIR-027.
 *
 * @param state - the connection's state.
 * @param due - the sequence number of the next sequenced frame.
 * @returns the connection's cell for the frame; in a state that discards what arrives nothing but the length is
 *   checked.
 * @throws PeerViolationError
 */
export function checkHeader<Name extends MachineName>(
  header: CheckedHeader,
  state: State<Name>,
  due: number,
): Cell<Name> {
  const { type, seq } = header;
  if (header.length > MAX_PAYLOAD_BYTES) {
    throw violation('FRAME_TOO_LARGE', 'WIR-001', type, `announces ${header.length} octets of payload`);
  }
  const whatever = state.cells[IGNORABLE_INDEX];
  // A state that discards what has no meaning discards everything but the frames it names. [SES-014]
  if (whatever?.action === 'discard') return state.cells[type] ?? whatever;
  const rule = RULES[type];
  if (rule === undefined) return checkUnknown(header, state);
  if ((header.flags & ~rule.flags) !== 0) {
    throw violation('FLAGS_INVALID', 'WIR-007', type, `has the flags 0x${header.flags.toString(16)}`);
  }
  const cell = checkState(state, type, type);
  if ((header.channel !== 0) !== rule.ofChannel) {
    throw violation('CHANNEL_INVALID', 'WIR-009', type, `came with channel ${header.channel}`);
  }
  if (seq !== (rule.sequenced ? due : 0)) {
    const requirement = rule.sequenced ? 'WIR-012' : 'WIR-013';
    throw violation(
      'SEQUENCE_INVALID',
      requirement,
      type,
      `came with sequence number ${seq} instead of ${rule.sequenced ? due : 0}`,
    );
  }
  return cell;
}

/** An error that names a frame by its type number. */
export function violation(wireName: ErrorName, requirement: string, type: number, what: string): PeerViolationError {
  return new PeerViolationError(wireName, requirement, `${frameLabel(type)} ${what}.`, type);
}

/** For an ignorable frame: length, connection state, sequence number; nothing else is looked at. [WIR-006] */
function checkUnknown<Name extends MachineName>(header: CheckedHeader, state: State<Name>): Cell<Name> {
  if ((header.type & IGNORABLE_BIT.frameType) === 0) {
    throw violation('FRAME_UNKNOWN', 'WIR-005', header.type, 'is not known');
  }
  const cell = checkState(state, IGNORABLE_INDEX, header.type);
  if (header.seq !== 0) {
    throw violation('SEQUENCE_INVALID', 'WIR-013', header.type, `came with sequence number ${header.seq} instead of 0`);
  }
  return cell;
}

/** The sender and the state are the table's: a frame that this peer never sends has no other cell. [SES-001] */
function checkState<Name extends MachineName>(state: State<Name>, index: number, type: number): Cell<Name> {
  const cell = state.cells[index];
  if (cell !== undefined && cell.error === undefined) return cell;
  throw violation(cell?.error ?? 'FRAME_UNEXPECTED', 'SES-001', type, `is not expected in state ${state.name}`);
}

function frameLabel(type: number): string {
  return FRAME_NAME[type] ?? `A frame of type 0x${type.toString(16).padStart(2, '0')}`;
}

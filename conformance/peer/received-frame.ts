import type { ModelParameter, ReadFrame } from '../model/codec.ts';
import { frameOfType } from '../model/registry.ts';
import { describeCode, describeOctets } from './describe-frame.ts';
import { fail } from './failure.ts';

/**
 * A frame that the implementation under test sent, with typed access to its fields. Where a case asks for a field that the frame
 * does not have, the implementation has sent another frame than the case demands: that fails the case, with the frame shown.
 */
export class ReceivedFrame {
  /** Name in the registry; `IGNORABLE` for an unknown type that may be ignored. */
  readonly name: string;
  readonly type: number;
  readonly channel: number;
  readonly seq: bigint;
  readonly payload: Uint8Array;
  /** The whole frame, exactly as received. */
  readonly octets: Uint8Array;
  readonly #read: ReadFrame;

  constructor(read: ReadFrame) {
    this.#read = read;
    const { name, type, channel, seq, payload } = read.frame;
    this.name = name ?? 'IGNORABLE';
    this.type = type;
    this.channel = channel;
    this.seq = seq;
    this.payload = payload;
    this.octets = read.octets;
  }

  /** One line for people. */
  get text(): string {
    return describeOctets(this.octets);
  }

  /** Whether a flag of the registry is set. */
  has(flag: string): boolean {
    const bit = frameOfType(this.type)?.flags.find(({ name }) => name === flag)?.bit ?? 0;
    return (this.#read.frame.flags & bit) !== 0;
  }

  /** An integer field. */
  integer(field: string): bigint {
    const value = this.#read.fields[field];
    if (typeof value === 'number') return BigInt(value);
    if (typeof value === 'bigint') return value;
    return this.#failWithout(field);
  }

  /** A field of octets. */
  bytes(field: string): Uint8Array {
    const value = this.#read.fields[field];
    if (value instanceof Uint8Array) return value;
    return this.#failWithout(field);
  }

  /** A field of text. */
  string(field: string): string {
    const value = this.#read.fields[field];
    if (typeof value === 'string') return value;
    return this.#failWithout(field);
  }

  /** A list of octets. */
  list(field: string): readonly Uint8Array[] {
    const values = this.#read.fields[field];
    if (Array.isArray(values) && values.every((value) => value instanceof Uint8Array)) return values;
    return this.#failWithout(field);
  }

  /** A field that lists texts. */
  texts(field: string): readonly string[] {
    const values = this.#read.fields[field];
    if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return values;
    return this.#failWithout(field);
  }

  /** The parameters, in the order received; empty for a frame without. */
  get parameters(): readonly ModelParameter[] {
    return (this.#read.fields['parameters'] ?? []) as readonly ModelParameter[];
  }

  /** Value of a known parameter; undefined where it is absent. */
  parameter(name: string): number | Uint8Array | undefined {
    return this.parameters.find((parameter) => parameter.name === name)?.value;
  }

  /** The octets of a known parameter. Its absence fails the case. */
  parameterOctets(name: string, requirement?: string): Uint8Array {
    const value = this.parameter(name);
    return value instanceof Uint8Array ? value : fail(`${this.name} with ${name}`, this.text, requirement);
  }

  /** Name of the error code that the frame carries. */
  get code(): string {
    return describeCode(Number(this.integer('code')));
  }

  /** Fails unless the frame carries this code. */
  requireCode(code: string, requirement?: string): this {
    if (!('code' in this.#read.fields)) fail(`a frame with the code ${code}`, this.text, requirement);
    if (this.code !== code) fail(`${this.name}(${code})`, `${this.name}(${this.code})`, requirement);
    return this;
  }

  #failWithout(field: string): never {
    return fail(`a frame with ${field}`, this.text);
  }
}

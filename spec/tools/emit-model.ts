import { greaseFrameTypes, greaseNumbers, greaseParameters } from './grease.ts';
import { expandMachine } from './machines.ts';
import type { Registry } from './registry-types.ts';

const TYPES = `
export interface FieldRow {
  readonly name: string;
  readonly type: 'u8' | 'u16' | 'u32' | 'u53' | 'bytes' | 'opaque16' | 'text16' | 'texts16' | 'opaques16' | 'parameters' | 'rest';
  readonly size?: number;
  readonly min?: number;
  readonly max?: number;
  readonly values?: Readonly<Record<string, number>>;
  readonly zeroWhen?: Readonly<Record<string, string>>;
}

export interface FrameRow {
  readonly name: string;
  readonly type: number;
  readonly status: 'stable' | 'planned';
  readonly layer: 'establishment' | 'session' | 'channel';
  readonly sender: 'client' | 'server' | 'both';
  readonly sequenced: boolean;
  readonly section: string;
  readonly purpose: string;
  readonly flags: readonly { readonly name: string; readonly bit: number; readonly doc: string }[];
  readonly fields: readonly FieldRow[];
}

/** A planned parameter has neither type nor frames. */
export interface ParameterRow {
  readonly id: number;
  readonly name: string;
  readonly status: 'stable' | 'planned';
  readonly type?: 'u8' | 'u16' | 'u32' | 'u53' | 'opaque';
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
  readonly in: readonly string[];
  readonly section: string;
  readonly doc: string;
}

export interface SchemeRow {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly hash?: string;
  readonly signatureBytes?: number;
  readonly form: string;
}

export interface ErrorRow {
  readonly code: number;
  readonly name: string;
  readonly scope: 'channel' | 'connection' | 'session';
  readonly class: 'none' | 'protocol' | 'transient' | 'permanent';
  readonly retry: string;
  readonly inFlight: string;
  readonly boundary: boolean;
  readonly in: readonly string[];
  readonly doc: string;
}

export interface ConstantRow {
  readonly name: string;
  readonly value: number;
  readonly section: string;
  readonly doc: string;
}

/** What a receiver does with \`frame\` in \`state\`: either \`next\` and \`do\`, or \`error\`. */
export interface MachineRow {
  readonly state: string;
  readonly frame: string;
  readonly next?: string;
  readonly do?: string;
  readonly error?: string;
}

export interface LocalRow {
  readonly event: string;
  readonly from: readonly string[];
  readonly next: string;
  readonly do?: string;
}

/** \`rows\` has exactly one entry for each state and frame. */
export interface MachineData {
  readonly name: string;
  readonly title: string;
  readonly role: 'client' | 'server';
  readonly layer: 'connection' | 'session' | 'channel';
  readonly section: string;
  readonly initial: string;
  readonly states: readonly { readonly name: string; readonly doc: string }[];
  readonly frames: readonly string[];
  readonly rows: readonly MachineRow[];
  readonly local: readonly LocalRow[];
}

export interface RegistryData {
  readonly protocol: {
    readonly name: string;
    readonly version: number;
    readonly specRevision: string;
    readonly alpn: string;
    readonly exporterLabel: string;
    readonly exporterBytes: number;
    readonly transcriptHash: string;
    readonly signaturePad: { readonly octet: number; readonly count: number };
    readonly signatureLabels: { LABELS };
    readonly evidenceFormat: string;
  };
  readonly header: {
    readonly bytes: number;
    readonly maxPayloadBytes: number;
    readonly fields: readonly { readonly name: string; readonly type: 'u8' | 'u16' | 'u32' | 'u53'; readonly offset: number }[];
  };
  readonly types: readonly { readonly name: string; readonly bytes?: number; readonly doc: string }[];
  readonly extension: {
    readonly frameIgnorableBit: number;
    readonly parameterIgnorableBit: number;
    readonly greaseFrameTypes: readonly number[];
    readonly greaseParameters: readonly number[];
  };
  readonly frames: readonly FrameRow[];
  readonly parameters: readonly ParameterRow[];
  readonly signatureSchemes: readonly SchemeRow[];
  readonly errors: readonly ErrorRow[];
  readonly unknownErrors: Readonly<Record<string, string>>;
  readonly timers: readonly ConstantRow[];
  readonly limits: readonly ConstantRow[];
  readonly machines: readonly MachineData[];
  readonly testApplications: readonly { readonly name: string; readonly doc: string }[];
  readonly testRoutes: readonly {
    readonly name: string;
    readonly kind: 'tcp' | 'tls' | 'hawser';
    readonly port: number;
    readonly framing?: 'stream' | 'length16' | 'length32' | 'line';
    readonly proxy?: boolean;
    readonly denied?: boolean;
    readonly doc: string;
  }[];
  readonly proxyTlvs: readonly { readonly type: number; readonly name: string; readonly doc: string }[];
}
`;

/** Writes the registry as plain, expanded data for the conformance model: rows as in the YAML, defaults filled in. */
export function emitModel(registry: Registry): string {
  const data = {
    ...registry,
    extension: {
      frameIgnorableBit: registry.extension.frameIgnorableBit,
      parameterIgnorableBit: registry.extension.parameterIgnorableBit,
      greaseFrameTypes: greaseNumbers(greaseFrameTypes(registry.extension)),
      greaseParameters: greaseNumbers(greaseParameters(registry.extension)),
    },
    frames: registry.frames.map((frame) => ({ ...frame, flags: frame.flags ?? [] })),
    parameters: registry.parameters.map((parameter) => ({ in: [], ...parameter })),
    timers: registry.timers.map(({ name, value, section, doc }) => ({ name, value, section, doc })),
    limits: registry.limits.map(({ name, value, section, doc }) => ({ name, value, section, doc })),
    machines: registry.machines.map((machine) => ({
      name: machine.name,
      title: machine.title,
      role: machine.role,
      layer: machine.layer,
      section: machine.section,
      initial: machine.initial,
      states: machine.states.map(({ name, doc }) => ({ name, doc })),
      frames: machine.frames,
      rows: Object.entries(expandMachine(machine)).flatMap(([state, row]) =>
        Object.entries(row).map(([frame, cell]) => ({ state, frame, ...cell })),
      ),
      local: machine.local,
    })),
  };
  const labels = Object.keys(registry.protocol.signatureLabels).map((name) => `readonly ${name}: string`);
  return [
    '// Generated by `npm run generate` from spec/registry.yaml; edit that file, not this one.',
    TYPES.replace('LABELS', labels.join('; ')),
    '/** The registry, planned entries included: filter by `status`. */',
    `export const registry: RegistryData = ${JSON.stringify(data)};`,
    '',
  ].join('\n');
}

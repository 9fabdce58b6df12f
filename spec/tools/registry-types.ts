/** The shapes of spec/registry.yaml, as registry.schema.json admits them. */

export type Role = 'client' | 'server';
export type IntegerType = 'u8' | 'u16' | 'u32' | 'u53';
export type FieldType = IntegerType | 'bytes' | 'opaque16' | 'text16' | 'texts16' | 'opaques16' | 'parameters' | 'rest';

export interface Protocol {
  readonly name: string;
  readonly version: number;
  readonly specRevision: string;
  readonly alpn: string;
  readonly exporterLabel: string;
  readonly exporterBytes: number;
  readonly transcriptHash: string;
  readonly signaturePad: { readonly octet: number; readonly count: number };
  readonly signatureLabels: Readonly<Record<string, string>>;
  readonly evidenceFormat: string;
}

export interface HeaderField {
  readonly name: string;
  readonly type: IntegerType;
  readonly offset: number;
}

export interface TypeDefinition {
  readonly name: FieldType;
  readonly bytes?: number;
  readonly doc: string;
}

export interface Extension {
  readonly frameIgnorableBit: number;
  readonly parameterIgnorableBit: number;
  readonly grease: { readonly multiplier: number; readonly offset: number };
  readonly greaseFrameTypes: { readonly count: number };
  readonly greaseParameters: { readonly count: number };
}

export interface Flag {
  readonly name: string;
  readonly bit: number;
  readonly doc: string;
}

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly size?: number;
  readonly min?: number;
  readonly max?: number;
  readonly values?: Readonly<Record<string, number>>;
  readonly zeroWhen?: Readonly<Record<string, string>>;
}

export interface Frame {
  readonly name: string;
  readonly type: number;
  readonly status: 'stable' | 'planned';
  readonly layer: 'establishment' | 'session' | 'channel';
  readonly sender: Role | 'both';
  readonly sequenced: boolean;
  readonly section: string;
  readonly purpose: string;
  readonly flags?: readonly Flag[];
  readonly fields: readonly Field[];
}

export interface StableParameter {
  readonly id: number;
  readonly name: string;
  readonly status: 'stable';
  readonly type: IntegerType | 'opaque';
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  /** Absent for opaque parameters: there, absence itself is the default. */
  readonly default?: number;
  readonly in: readonly string[];
  readonly section: string;
  readonly doc: string;
}

export interface PlannedParameter {
  readonly id: number;
  readonly name: string;
  readonly status: 'planned';
  readonly section: string;
  readonly doc: string;
}

export type Parameter = StableParameter | PlannedParameter;

export interface SignatureScheme {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly hash?: string;
  readonly signatureBytes?: number;
  readonly form: string;
}

export interface ErrorDefinition {
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

/** A timer or a limit. */
export interface Constant {
  readonly name: string;
  readonly value: number;
  readonly section: string;
  readonly doc: string;
  readonly reason: string;
}

export interface Transition {
  readonly next: string;
  readonly do: string;
}

export interface State {
  readonly name: string;
  readonly doc: string;
  readonly otherwise?: string;
}

export interface LocalEvent {
  readonly event: string;
  readonly from: readonly string[];
  readonly next: string;
  readonly do?: string;
}

export interface Machine {
  readonly name: string;
  readonly title: string;
  readonly role: Role;
  /** What it is the state of. */
  readonly layer: 'connection' | 'session' | 'channel';
  readonly section: string;
  readonly initial: string;
  readonly otherwise: string;
  readonly otherwiseFrame?: Readonly<Record<string, string>>;
  readonly states: readonly State[];
  readonly frames: readonly string[];
  readonly receive: Readonly<Record<string, Readonly<Record<string, Transition>>>>;
  readonly local: readonly LocalEvent[];
}

/** A route of a relay in test mode; `port` counts from the port of the application ends. */
export interface TestRoute {
  readonly name: string;
  readonly kind: 'tcp' | 'tls' | 'hawser';
  readonly port: number;
  readonly framing?: 'stream' | 'length16' | 'length32' | 'line';
  readonly proxy?: boolean;
  readonly denied?: boolean;
  readonly doc: string;
}

/** A TLV of the PROXY protocol header that a relay sends. */
export interface ProxyTlv {
  readonly type: number;
  readonly name: string;
  readonly doc: string;
}

export interface TestApplication {
  readonly name: string;
  readonly doc: string;
}

export interface Registry {
  readonly protocol: Protocol;
  readonly header: {
    readonly bytes: number;
    readonly maxPayloadBytes: number;
    readonly fields: readonly HeaderField[];
  };
  readonly types: readonly TypeDefinition[];
  readonly extension: Extension;
  readonly frames: readonly Frame[];
  readonly parameters: readonly Parameter[];
  readonly signatureSchemes: readonly SignatureScheme[];
  readonly errors: readonly ErrorDefinition[];
  readonly unknownErrors: Readonly<Record<string, string>>;
  readonly timers: readonly Constant[];
  readonly limits: readonly Constant[];
  readonly machines: readonly Machine[];
  readonly testApplications: readonly TestApplication[];
  readonly testRoutes: readonly TestRoute[];
  readonly proxyTlvs: readonly ProxyTlv[];
}

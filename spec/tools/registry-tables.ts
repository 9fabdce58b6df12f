import { chapterLink } from './chapters.ts';
import { type GreaseSeries, greaseFrameTypes, greaseNumbers, greaseParameters } from './grease.ts';
import { code, hex, number, range, table } from './markdown.ts';
import type { Constant, Parameter, Registry } from './registry-types.ts';

/** `parameters`: all parameters. */
export function parametersTable({ parameters }: Registry): string {
  return table(
    ['Id', 'Parameter', 'Type', 'Unit', 'Range', 'Default', 'In', 'Meaning', 'Defined in', 'Status'],
    parameters.map((parameter) => [hex(parameter.id, 4), code(parameter.name), ...parameterCells(parameter)]),
  );
}

function parameterCells(parameter: Parameter): readonly string[] {
  const last = [parameter.doc, chapterLink(parameter.section), parameter.status];
  if (parameter.status === 'planned') return ['', '', '', '', '', ...last];
  const { type, unit, min, max, default: preset, in: frames } = parameter;
  return [
    code(type),
    unit,
    range(min, max),
    preset === undefined ? 'absent' : number(preset),
    frames.join(', '),
    ...last,
  ];
}

/** `errors`: all error codes. */
export function errorsTable({ errors }: Registry): string {
  return table(
    ['Code', 'Error', 'Meaning', 'Scope', 'Class', 'Retry', 'In flight', 'Boundary', 'In'],
    errors.map((error) => [
      hex(error.code, 4),
      error.name,
      error.doc,
      error.scope,
      error.class,
      error.retry,
      error.inFlight,
      error.boundary ? 'may pass' : 'stays',
      error.in.join(', '),
    ]),
  );
}

/** `unknown-errors`: what an unknown code is taken for. */
export function unknownErrorsTable({ unknownErrors }: Registry): string {
  return table(['In', 'Treated like'], Object.entries(unknownErrors));
}

/** `schemes`: the signature schemes. */
export function schemesTable({ signatureSchemes }: Registry): string {
  return table(
    ['Scheme', 'Name', 'Key', 'Hash', 'Octets', 'Form of the signature'],
    signatureSchemes.map(({ id, name, key, hash, signatureBytes, form }) => [
      hex(id, 4),
      code(name),
      code(key),
      hash ?? 'part of the scheme',
      signatureBytes === undefined ? 'varies' : number(signatureBytes),
      form,
    ]),
  );
}

/** `timers` or `limits`. */
export function constantsTable(constants: readonly Constant[]): string {
  return table(
    ['Name', 'Value', 'Meaning', 'Reason', 'Used in'],
    constants.map(({ name, value, doc, reason, section }) => [
      code(name),
      number(value),
      doc,
      reason,
      chapterLink(section),
    ]),
  );
}

/** `labels`: the strings and sizes that bind signatures and exporter to this protocol. */
export function labelsTable({ protocol }: Registry): string {
  const { signaturePad, signatureLabels } = protocol;
  return table(
    ['What', 'Value'],
    [
      ['ALPN protocol', code(protocol.alpn)],
      ['exporter label', code(protocol.exporterLabel)],
      ['exporter length', `${number(protocol.exporterBytes)} octets`],
      ['transcript hash', protocol.transcriptHash],
      ['padding of the signed content', `${number(signaturePad.count)} octets of ${hex(signaturePad.octet, 2)}`],
      ...Object.entries(signatureLabels).map(([name, label]) => [`label of the ${name} signature`, code(label)]),
      ['evidence format', code(protocol.evidenceFormat)],
    ],
  );
}

/** `extension`: the ignorable bits and the numbers reserved for GREASE. */
export function extensionTable({ extension }: Registry): string {
  const { frameIgnorableBit, parameterIgnorableBit, grease } = extension;
  const row = (point: string, bit: number, digits: number, series: GreaseSeries): readonly string[] => {
    const numbers = greaseNumbers(series);
    const shown = numbers.slice(0, 4).map((value) => hex(value, digits));
    return [
      point,
      hex(bit, digits),
      `${hex(bit, digits)} + ${number(grease.multiplier)} x n + ${number(grease.offset)}, n from 0 to ${number(series.count - 1)}`,
      numbers.length > shown.length ? `${shown.join(', ')} ... ${hex(numbers.at(-1) ?? 0, digits)}` : shown.join(', '),
    ];
  };
  return table(
    ['Extension point', 'Ignorable bit', 'GREASE numbers', 'Values'],
    [
      row('frame type', frameIgnorableBit, 2, greaseFrameTypes(extension)),
      row('parameter', parameterIgnorableBit, 4, greaseParameters(extension)),
    ],
  );
}

/** `test-routes`: where a relay leads in test mode. */
export function testRoutesTable({ testRoutes }: Registry): string {
  return table(
    ['Application', 'Application end', 'Framing', 'PROXY header', 'What for'],
    testRoutes.map(({ name, kind, port, framing, proxy, doc }) => [
      code(name),
      `${kind}, port P${port === 0 ? '' : ` + ${number(port)}`}`,
      framing ?? '',
      proxy === true ? 'yes' : 'no',
      doc,
    ]),
  );
}

/** `proxy-tlvs`: what a relay tells in a PROXY protocol header. */
export function proxyTlvsTable({ proxyTlvs }: Registry): string {
  return table(
    ['TLV', 'Name', 'Value'],
    proxyTlvs.map(({ type, name, doc }) => [hex(type, 2), name, doc]),
  );
}

/** `test-applications`: what a server offers in test mode. */
export function testApplicationsTable({ testApplications }: Registry): string {
  return table(
    ['Application', 'Behaviour'],
    testApplications.map(({ name, doc }) => [code(name), doc]),
  );
}

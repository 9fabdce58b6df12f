import { MisuseError } from '../errors.ts';
import { encodeParameters, type ParameterSet, type RawParameter } from '../parameters.ts';
import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';
import { encodeText } from '../text.ts';

const { nonce: nonceField, application: applicationField } = FIELDS.OPEN;

/** OPEN: the connection establishment request to an application end (chapter 6.2). */
export interface Open {
  /** 32 octets. */
  readonly nonce: Uint8Array;
  /** Name of the application end. */
  readonly application: string;
  readonly parameters: ParameterSet;
}

/**
 * Writes the payload of OPEN.
 *
 * @param ignorable - parameters without meaning. [EXT-003]
 * @throws MisuseError `HAWSER_ERR_MISUSE_APPLICATION` for a name that is not a text of 1 to 255 octets.
 */
export function encodeOpen(open: Open, ignorable: readonly RawParameter[] = []): Uint8Array {
  const application = encodeText(open.application);
  if (
    application === undefined ||
    application.length < applicationField.min ||
    application.length > applicationField.max
  ) {
    throw new MisuseError(
      'HAWSER_ERR_MISUSE_APPLICATION',
      'An application has a name of 1 to 255 octets of plain text.',
    );
  }
  const parameters = encodeParameters(open.parameters, ignorable);
  return new PayloadWriter(nonceField.bytes + 2 + application.length + 2 + parameters.length)
    .bytes(open.nonce, nonceField.bytes)
    .opaque16(application)
    .opaque16(parameters)
    .end();
}

/**
 * Reads the payload of OPEN.
 *
 * @throws PeerViolationError
 */
export function decodeOpen(payload: Uint8Array): Open {
  const reader = new PayloadReader('OPEN', payload);
  const nonce = reader.bytes(nonceField.bytes);
  const application = reader.text16(applicationField);
  const parameters = reader.parameters();
  reader.end();
  return { nonce, application, parameters };
}

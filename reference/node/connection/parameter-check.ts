import { ConfigError, type DeclaredParameters, type Grant, PARAMETER } from '../../core/index.ts';

/** The parameter of the registry that each option declares or grants. */
const PARAMETER_OF = {
  livenessIntervalMs: PARAMETER.liveness_interval_ms,
  maxMessageBytes: PARAMETER.max_message_bytes,
  initialMessageCredit: PARAMETER.initial_message_credit,
  initialByteCredit: PARAMETER.initial_byte_credit,
  maxChannels: PARAMETER.max_channels,
} as const;

/**
 * Checks what an endpoint declares and grants, once, instead of at each connection.
 *
 * @throws ConfigError `HAWSER_ERR_CONFIG_PARAMETER` for a value out of the range of the registry.
 */
export function checkParameters(parameters: DeclaredParameters, grant: Grant = {}): void {
  const values: DeclaredParameters & Grant = { ...parameters, ...grant };
  for (const key of Object.keys(PARAMETER_OF) as (keyof typeof PARAMETER_OF)[]) {
    const value = values[key];
    const { min, max, unit } = PARAMETER_OF[key];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) continue;
    const message = `${key} has to be ${min} to ${max} ${unit}, not ${value}.`;
    throw new ConfigError('HAWSER_ERR_CONFIG_PARAMETER', key, message);
  }
}

export { ConfigError, HawserError, type HawserErrorOptions } from './errors.ts';

// The library resolves its algorithms by reflection, so the polyfill has to be there before it is loaded.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export { x509 };

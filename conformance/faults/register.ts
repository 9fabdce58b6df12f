/** For `node --import`: makes the process a faulty implementation, the one that the query `fault` names. */
import { register } from 'node:module';

register('./hooks.js', import.meta.url, { data: new URL(import.meta.url).searchParams.get('fault') });

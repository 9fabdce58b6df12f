import { MemoryStore } from '../../../store/index.ts';
import { storeCompliance } from './compliance.ts';

storeCompliance('memory', {
  custody: 'received',
  open: () => {
    let now = 1_000_000;
    return Promise.resolve({
      store: new MemoryStore({ clock: () => now }),
      advance: (ms) => {
        now += ms;
        return Promise.resolve();
      },
      dispose: () => Promise.resolve(),
    });
  },
});

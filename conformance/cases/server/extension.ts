import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** Chapter 8, for a server. */
export const extension: readonly ServerCase[] = serverCases([
  {
    id: 'EXT-005/grease-in-connect',
    requirements: ['EXT-005', 'WIR-023'],
    title: 'a GREASE parameter changes nothing',
    stimulus: 'CONNECT carries two ignorable parameters without meaning, one of them empty.',
    expectation: 'The session is established: the parameters are ignored, and signed.',
    run: async (context) => {
      const peer = await context.connect();
      const parameters = [
        { id: 0x801b, value: new Uint8Array(0) },
        { id: 0xfbfc, value: context.bytes(16) },
      ];
      await peer.establish({ parameters });
      await peer.close();
    },
  },
]);

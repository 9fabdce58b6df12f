import { channelFaults } from './channels.ts';
import { continuityClientFaults } from './continuity-client.ts';
import { continuityServerFaults } from './continuity-server.ts';
import { establishmentFaults } from './establishment.ts';
import type { Fault } from './fault.ts';
import { outcomesServerFaults } from './outcomes-server.ts';
import { proofFaults } from './proof.ts';
import { relayEndFaults } from './relay-ends.ts';
import { relayRouteFaults } from './relay-routes.ts';
import { relayTrunkFaults } from './relay-trunks.ts';
import { sessionFaults } from './session.ts';
import { wireFormatFaults } from './wire-format.ts';

/** Every faulty implementation that the suite has to catch. */
export const faults: readonly Fault[] = [
  ...establishmentFaults,
  ...wireFormatFaults,
  ...sessionFaults,
  ...channelFaults,
  ...continuityServerFaults,
  ...continuityClientFaults,
  ...outcomesServerFaults,
  ...proofFaults,
  ...relayRouteFaults,
  ...relayEndFaults,
  ...relayTrunkFaults,
];

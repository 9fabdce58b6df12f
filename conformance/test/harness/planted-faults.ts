import type { TLSSocket } from 'node:tls';
import type { ModelFields } from '../../model/codec.ts';
import { buildFrame, decodeFrame, decodeHeader } from '../../model/codec.ts';
import type { Credential } from '../../peer/credential.ts';
import type { ConnectionClass } from './model-server.ts';
import { ModelServerConnection } from './model-server.ts';

/** A fault in the model server and how the suite has to name it. */
export interface PlantedFault {
  readonly name: string;
  readonly connection: ConnectionClass;
  readonly caseId: string;
  readonly verdict: 'fail' | 'pass-lenient';
  /** The requirement in the finding; that of the case where the finding names none. */
  readonly requirement: string;
  /** What has to stand in the words of the finding. */
  readonly actual: RegExp;
}

class AcceptsAnySignature extends ModelServerConnection {
  protected override before(name: string, octets: Uint8Array, fields: ModelFields): void {
    super.before(name, octets, fields);
    this.verdicts.signature = true;
  }
}

class AcceptsAnyAudience extends ModelServerConnection {
  constructor(socket: TLSSocket, credential: Credential, _identity: string | undefined, caPem: string) {
    super(socket, credential, undefined, caPem);
  }
}

class OverlooksFlags extends ModelServerConnection {
  protected override overlooks(name: string, octets: Uint8Array): boolean {
    return name === 'PING' && octets[1] !== 0;
  }
}

class NamesTheWrongCode extends ModelServerConnection {
  protected override mutate(name: string, octets: Uint8Array): Uint8Array {
    const wrong = octets.slice();
    const codeAt = 16;
    if (name === 'CLOSE' && wrong[codeAt] === 1 && wrong[codeAt + 1] === 0x06) wrong[codeAt + 1] = 0x07;
    return wrong;
  }
}

class ForgetsEndSession extends ModelServerConnection {
  protected override mutate(name: string, octets: Uint8Array): Uint8Array {
    return name === 'CLOSE' && octets[17] === 0x0d
      ? Uint8Array.from(octets, (octet, at) => (at === 1 ? 0 : octet))
      : octets;
  }
}

class SpoilsFragments extends ModelServerConnection {
  protected override mutate(name: string, octets: Uint8Array): Uint8Array {
    const fragment = name === 'MESSAGE' && octets[1] !== 3;
    return fragment ? Uint8Array.from(octets, (octet, at) => (at === 16 ? octet ^ 1 : octet)) : octets;
  }
}

class RefusesIgnorableFrames extends ModelServerConnection {
  protected override overlooks(name: string): boolean {
    if (name !== 'IGNORABLE') return false;
    this.close('FRAME_UNKNOWN');
    return true;
  }
}

class SkipsSequenceNumbers extends ModelServerConnection {
  protected override mutate(name: string, octets: Uint8Array): Uint8Array {
    return name === 'REFUSED' ? Uint8Array.from(octets, (octet, at) => (at === 15 ? octet + 1 : octet)) : octets;
  }

  protected override get strict(): boolean {
    return false;
  }
}

class NamesNoRelay extends ModelServerConnection {
  protected override mutate(name: string, octets: Uint8Array): Uint8Array {
    if (name !== 'PROVE') return octets;
    const read = decodeFrame(octets);
    if (!('fields' in read)) throw new TypeError('not a PROVE');
    const { nonce, chain } = read.fields as { nonce: Uint8Array; chain: readonly Uint8Array[] };
    return buildFrame('PROVE', { channel: read.frame.channel, seq: read.frame.seq, fields: { nonce, chain } });
  }
}

class SignsNoOpened extends ModelServerConnection {
  protected override mutate(name: string, octets: Uint8Array): Uint8Array {
    const header = decodeHeader(octets);
    if (name !== 'OPENED' || header === undefined || header.length === 2) return octets;
    return buildFrame('OPENED', { channel: header.channel, seq: header.seq });
  }

  protected override get strict(): boolean {
    return false;
  }
}

/** Faults in single places; a plain session works with each of them. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: 'accepts any signature',
    connection: AcceptsAnySignature,
    caseId: 'EST-005/one-bit',
    verdict: 'fail',
    requirement: 'EST-005',
    actual: /^ACCEPT /,
  },
  {
    name: 'accepts any audience',
    connection: AcceptsAnyAudience,
    caseId: 'EST-016/other-audience',
    verdict: 'fail',
    requirement: 'EST-016',
    actual: /^ACCEPT /,
  },
  {
    name: 'overlooks undefined flags',
    connection: OverlooksFlags,
    caseId: 'WIR-007/flag-on-ping',
    verdict: 'fail',
    requirement: 'WIR-007',
    actual: /went unnoticed/,
  },
  {
    name: 'names the wrong code',
    connection: NamesTheWrongCode,
    caseId: 'WIR-012/gap',
    verdict: 'pass-lenient',
    requirement: 'WIR-012',
    actual: /CLOSE\(FRAME_MALFORMED\)/,
  },
  {
    name: 'forgets END_SESSION on one error',
    connection: ForgetsEndSession,
    caseId: 'CHN-013/second-first',
    verdict: 'fail',
    requirement: 'SES-017',
    actual: /^CLOSE /,
  },
  {
    name: 'spoils fragments',
    connection: SpoilsFragments,
    caseId: 'CHN-015/fragments',
    verdict: 'fail',
    requirement: 'CHN-015',
    actual: /another one/,
  },
  {
    name: 'refuses ignorable frames',
    connection: RefusesIgnorableFrames,
    caseId: 'WIR-006/ignorable',
    verdict: 'fail',
    requirement: 'WIR-006',
    actual: /CLOSE.*FRAME_UNKNOWN/,
  },
  {
    name: 'skips a sequence number',
    connection: SkipsSequenceNumbers,
    caseId: 'CHN-007/unknown-application',
    verdict: 'fail',
    requirement: 'WIR-010',
    actual: /SEQUENCE_INVALID/,
  },
  {
    name: 'names no relay in PROVE',
    connection: NamesNoRelay,
    caseId: 'APP-001/prove-names-the-relay',
    verdict: 'fail',
    requirement: 'APP-001',
    actual: /^""$/,
  },
  {
    name: 'does not sign OPENED',
    connection: SignsNoOpened,
    caseId: 'RLY-045/p256',
    verdict: 'fail',
    requirement: 'RLY-045',
    actual: /^OPENED /,
  },
];

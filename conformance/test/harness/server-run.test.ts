import { afterEach, describe, expect, it } from 'vitest';
import { cases } from '../../cases/index.ts';
import type { ConformanceCase } from '../../cases/case.ts';
import type { Attachment } from '../../runner/attachment.ts';
import type { RunOptions } from '../../runner/run-options.ts';
import { runCases } from '../../runner/run.ts';
import type { CaseResult } from '../../runner/verdict.ts';
import type { ConnectionClass } from './model-server.ts';
import { ModelServer, ModelServerConnection } from './model-server.ts';
import { PLANTED_FAULTS } from './planted-faults.ts';
import { useKit } from './shared-kit.ts';

const kit = useKit();
const servers: ModelServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function attach(connection: ConnectionClass = ModelServerConnection): Promise<Attachment & { role: 'server' }> {
  const server = new ModelServer(kit(), connection);
  servers.push(server);
  const port = await server.listen();
  const target = { host: '127.0.0.1', port, identity: kit().index.serverIdentity };
  return { role: 'server', target: () => target, unsupported: [] };
}

function named(...ids: string[]): readonly ConformanceCase[] {
  return ids.map((id) => {
    const found = cases.find((entry) => entry.id === id);
    if (found === undefined) throw new Error(`no case ${id}`);
    return found;
  });
}

async function run(
  attachment: Attachment,
  selected: readonly ConformanceCase[],
  more: Partial<RunOptions> = {},
): Promise<readonly CaseResult[]> {
  const rest = { seed: 1, stepMs: 3000, jobs: 2, repeat: 1, deep: false, knownFailing: [] };
  return runCases({ attachment, cases: selected, kit: kit(), ...rest, ...more });
}

/** What the model server does: everything but the judgement of certificates beyond node:tls, and deadlines. */
const RIGHT = [
  'TLS-001/version-1-2',
  'TLS-003/no-alpn',
  'TLS-006/ticket',
  'TLS-010/no-certificate',
  'TLS-012/client-expired',
  'WIR-001/header-alone',
  'WIR-001/largest',
  'WIR-002/single-octets',
  'WIR-003/payload-withheld',
  'WIR-005/unknown-type',
  'WIR-006/ignorable',
  'WIR-007/flag-on-ping',
  'WIR-012/gap',
  'WIR-015/trailing',
  'EST-001/plain',
  'EST-005/one-bit',
  'EST-016/other-audience',
  'EST-018/unknown-session',
  'SES-004/order',
  'SES-012/close',
  'SES-013/receive-cursor',
  'SES-022/silent-client',
  'CHN-002/skipped-number',
  'CHN-007/unknown-application',
  'CHN-013/second-first',
  'CHN-015/fragments',
  'CHN-021/messages',
  'CHN-029/answered',
  'ERR-002/unknown-in-reset',
  'APP-001/sink',
  'CHN-002/forward-and-open',
  'CHN-003/proving-message',
  'CHN-003/proved-proof',
  'CHN-009/forward',
  'CHN-029/proving',
  'CHN-031/proof',
  'RLY-013/client',
  'RLY-013/relay-is-not-the-first-label',
  'RLY-014/route-most',
  'RLY-014/client-is-beyond-ascii',
  'RLY-014/hop-limit-0',
  'RLY-014/clients-side-by-side',
  'RLY-015/unknown-parameter',
  'WIR-014/forward-route-value-beyond-the-list',
  'WIR-018/forward-route-line-feed',
  'APP-001/prove-names-the-relay',
  'APP-011/relay-dns',
  'RLY-037/fresh-nonce',
  'RLY-043/for-the-client-of-forward',
  'RLY-044/proofs-swapped',
  'RLY-044/open-nonce',
  'RLY-044/prove-chain',
  'RLY-044/form-der',
  'RLY-044/chain-expired',
  'RLY-045/ed25519',
  'RLY-045/open-with-unknown-parameters',
  'RLY-049/second-relay',
  'WIR-002/any-chunking',
  'WIR-003/strict-prefixes',
  'WIR-027/mutated-frame',
  'WIR-027/mutated-connect',
  'WIR-027/stray-octets',
  'CHN-015/command-sequences',
];

describe('a right server', () => {
  it('is accused of nothing', { timeout: 60_000 }, async () => {
    const results = await run(await attach(), named(...RIGHT));
    const accused = results.filter(({ verdict }) => verdict !== 'pass');
    expect(accused.map(({ id, verdict, finding, detail }) => ({ id, verdict, finding, detail }))).toEqual([]);
    expect(results).toHaveLength(RIGHT.length);
  });

  it('gets the same verdict in every one of five runs', async () => {
    const [result] = await run(await attach(), named('SES-004/order'), { repeat: 5 });
    expect(result?.verdict).toBe('pass');
  });
});

describe('a server with a planted fault', () => {
  for (const fault of PLANTED_FAULTS) {
    it(`that ${fault.name} fails ${fault.caseId}`, { timeout: 30_000 }, async () => {
      const [result] = await run(await attach(fault.connection), named(fault.caseId));
      expect(result?.verdict).toBe(fault.verdict);
      expect(result?.finding?.requirement ?? result?.requirements[0]).toBe(fault.requirement);
      expect(result?.finding?.actual).toMatch(fault.actual);
      expect(result?.wire.flatMap((log) => log.sequence()).length).toBeGreaterThan(2);
    });
  }

  it('passes the case that the fault does not touch', async () => {
    const fault = PLANTED_FAULTS.find(({ caseId }) => caseId === 'EST-016/other-audience');
    const [result] = await run(await attach(fault?.connection), named('EST-005/one-bit'));
    expect(result?.verdict).toBe('pass');
  });
});

describe('a connection that is reset', () => {
  it('is told from one that ends in order', async () => {
    const resetting: ConformanceCase = {
      ...named('SES-012/close')[0]!,
      role: 'server',
      run: async (context) => {
        const peer = await context.established();
        peer.socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
        await peer.expectViolation('FRAME_MALFORMED', { probe: false });
      },
    };
    const [result] = await run(await attach(), [resetting]);
    expect(result?.verdict).toBe('fail');
    expect(result?.finding?.actual).toBe('connection reset (ECONNRESET)');
  });
});

describe('a property', () => {
  it('shrinks a counterexample and names it in the replay token', { timeout: 60_000 }, async () => {
    class OverlooksFlags extends ModelServerConnection {
      protected override overlooks(name: string, octets: Uint8Array): boolean {
        return name === 'PING' && octets[1] !== 0;
      }
    }
    const attachment = await attach(OverlooksFlags);
    const selected = named('WIR-027/mutated-frame');
    const [first] = await run(attachment, selected, { deep: true });
    expect(first?.verdict).toBe('fail');
    expect(first?.detail).toContain('counterexample, shrunk');
    const token = /^WIR-027\/mutated-frame@([0-9a-f]{8}):([0-9:]+)$/.exec(first?.replay ?? '');
    expect(token).not.toBeNull();
    const replay = { caseId: 'WIR-027/mutated-frame', seed: first!.seed, path: token![2]! };
    const [again] = await run(attachment, selected, { replay });
    expect(again?.verdict).toBe('fail');
    expect(again?.detail?.split('\n')[1]).toBe(first?.detail?.split('\n')[1]);
  });
});

describe('a server that dies', () => {
  it('is not taken for one that refuses rightly', { timeout: 30_000 }, async () => {
    const broken: { server?: ModelServer } = {};
    class DiesOfFlags extends ModelServerConnection {
      protected override onError(code: string): void {
        if (code === 'FLAGS_INVALID') void broken.server?.stop();
      }
    }
    const server = new ModelServer(kit(), DiesOfFlags);
    broken.server = server;
    servers.push(server);
    let port = await server.listen();
    const target = { host: '127.0.0.1', identity: kit().index.serverIdentity };
    const attachment: Attachment = {
      role: 'server',
      target: () => ({ ...target, port }),
      unsupported: [],
      revive: async () => {
        const next = new ModelServer(kit(), DiesOfFlags);
        servers.push(next);
        broken.server = next;
        port = await next.listen();
      },
    };
    const ids = ['WIR-005/unknown-type', 'WIR-007/flag-on-ping', 'SES-004/order', 'WIR-015/trailing'];
    const results = await run(attachment, named(...ids), { jobs: 3 });
    expect(results.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      'WIR-005/unknown-type pass',
      'WIR-007/flag-on-ping died',
      'SES-004/order pass',
      'WIR-015/trailing pass',
    ]);
  });

  it('is reported as not to be reached when it never was there', async () => {
    const attachment = await attach();
    await servers.at(-1)?.stop();
    const results = await run(attachment, named('SES-004/order', 'WIR-015/trailing'));
    expect(results.map(({ verdict }) => verdict)).toEqual(['setup-failed', 'setup-failed']);
    expect(results[0]?.detail).toMatch(/nothing listens/);
  });
});

describe('a server that serves no good peer', () => {
  it('fails the case of establishment and proves nothing by refusing', { timeout: 30_000 }, async () => {
    class SignsWrongly extends ModelServerConnection {
      protected override mutate(name: string, octets: Uint8Array): Uint8Array {
        return name === 'ACCEPT'
          ? Uint8Array.from(octets, (octet, at) => (at === octets.length - 1 ? octet ^ 1 : octet))
          : octets;
      }
    }
    const results = await run(
      await attach(SignsWrongly),
      named('EST-001/plain', 'WIR-015/trailing', 'TLS-001/version-1-2'),
    );
    expect(results.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      'EST-001/plain fail',
      'WIR-015/trailing dependency-failed',
      'TLS-001/version-1-2 dependency-failed',
    ]);
    expect(results[0]?.finding?.requirement).toBe('EST-001');
  });
});

describe('declarations', () => {
  it('make a case unsupported', async () => {
    const attachment = { ...(await attach()), unsupported: ['ed25519'] };
    const [result] = await run(attachment, named('TLS-017/client-ed25519'));
    expect(result?.verdict).toBe('unsupported');
  });

  it('excuse a known failure until its day, and no unexpected pass', { timeout: 30_000 }, async () => {
    const fault = PLANTED_FAULTS.find(({ caseId }) => caseId === 'WIR-006/ignorable');
    const attachment = await attach(fault?.connection);
    const selected = named('WIR-006/ignorable', 'SES-004/order');
    const entry = (expires: string): RunOptions['knownFailing'] => [
      { pattern: 'WIR-006', reason: 'on its way', expires },
      { pattern: 'SES-004/order', reason: 'was wrong once', expires },
    ];
    const excused = await run(attachment, selected, { knownFailing: entry('2999-12-31') });
    expect(excused.map(({ verdict }) => verdict)).toEqual(['known-failing', 'unexpected-pass']);
    const expired = await run(attachment, selected, { knownFailing: entry('2020-01-01') });
    expect(expired.map(({ verdict }) => verdict)).toEqual(['fail', 'pass']);
  });

  it('an unstable case is flaky', async () => {
    let turn = 0;
    const unstable: ConformanceCase = {
      ...named('SES-004/order')[0]!,
      role: 'server',
      run: async (context) => {
        turn += 1;
        const peer = await context.established();
        await peer.barrier();
        if (turn % 2 === 0) throw new TypeError('the harness is at fault');
      },
    };
    const [result] = await run(await attach(), [unstable], { repeat: 2 });
    expect(result?.verdict).toBe('flaky');
    turn = 1;
    const [broken] = await run(await attach(), [unstable]);
    expect(broken?.verdict).toBe('harness-error');
    expect(broken?.detail).toMatch(/the harness is at fault/);
  });
});

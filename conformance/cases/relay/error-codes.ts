/** Section 13.6: which codes pass from one leg to the other, and what becomes of the others. */
import type { ErrorRow } from '../../model/registry.ts';
import { errorNamed, registry } from '../../model/registry.ts';
import { describeCode } from '../../peer/describe-frame.ts';
import { fail } from '../../peer/failure.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Asked, RelayContext } from '../relay-context.ts';
import { SHARED_APPLICATION, SOLO_APPLICATION } from '../relay-context.ts';
import { again, kept } from '../server/continuity/sessions.ts';
import type { Case } from './passing.ts';
import { answerReset, passesBothWays, requireRefused, requireReset, requireSilence } from './passing.ts';

/** Codes that no registry knows. */
const UNKNOWN: readonly number[] = [0x0999, 0x040e, 0x7fff, 0xffff];

/** A code in a frame of one leg, and what it has to be on the other. */
interface Crossing {
  readonly slug: string;
  readonly code: number;
  /** The name of what arrives. */
  readonly becomes: string;
}

/** What RLY-032 makes of a code that the frame may carry. */
function crossed({ name, boundary }: ErrorRow): string {
  if (name === 'CHANNEL_LIMIT') return 'BUSY';
  return boundary ? name : 'APPLICATION_ERROR';
}

const slugOf = (code: number): string => describeCode(code).toLowerCase().replaceAll('_', '-');

/** Every code of the frame, and some that it may not carry or that nobody knows: those are treated like another one (ERR-002). */
function crossings(frame: 'REFUSED' | 'RESET', foreign: readonly string[]): readonly Crossing[] {
  const instead = registry.unknownErrors[frame] ?? 'APPLICATION_ERROR';
  const own = registry.errors
    .filter((row) => row.in.includes(frame))
    .map((row): Crossing => ({ slug: slugOf(row.code), code: row.code, becomes: crossed(row) }));
  const others = [...foreign.map((name) => errorNamed(name).code), ...UNKNOWN];
  return [...own, ...others.map((code): Crossing => ({ slug: slugOf(code), code, becomes: instead }))];
}

/** A channel of a client for which the harness has the trunk for itself: codes that the frame may not carry are a fault of the harness. */
async function askedAlone(
  context: RelayContext,
  run: (asked: Asked, end: Awaited<ReturnType<RelayContext['endOf']>>) => Promise<void>,
): Promise<void> {
  await context.solo(async (solo) => {
    const asked = context.ask(await context.established(), SOLO_APPLICATION);
    await solo.accept();
    await run(asked, await solo.forwarded());
  });
}

const refusedCases = crossings('REFUSED', ['CANCELLED', 'SHUTTING_DOWN', 'FRAME_MALFORMED', 'APPLICATION_LOST']).map(
  ({ slug, code, becomes }): Case => ({
    id: `RLY-032/relay-refused-${slug}`,
    requirements: ['RLY-032', 'ERR-001'],
    title: `REFUSED(${describeCode(code)}) of the application end is REFUSED(${becomes}) to the client`,
    stimulus: `The application end refuses a channel with ${describeCode(code)} and a retry_after_ms of 12,345.`,
    expectation: `REFUSED(${becomes}) arrives at the client with the same retry_after_ms.`,
    run: async (context) => {
      await askedAlone(context, async (asked, end) => {
        end.refuse(code, 12_345);
        await requireRefused(asked, becomes, 'RLY-032', 12_345);
        await requireSilence(asked, 'CHN-005');
      });
    },
  }),
);

const resetBackCases = crossings('RESET', ['BUSY', 'APPLICATION_REFUSED', 'HOP_LIMIT', 'FRAME_MALFORMED']).map(
  ({ slug, code, becomes }): Case => ({
    id: `RLY-032/relay-reset-back-${slug}`,
    requirements: ['RLY-032', 'ERR-001'],
    title: `RESET(${describeCode(code)}) of the application end is RESET(${becomes}) to the client`,
    stimulus: `The application end resets an open channel with ${describeCode(code)}.`,
    expectation: `RESET(${becomes}) arrives at the client.`,
    run: async (context) => {
      await askedAlone(context, async (asked, end) => {
        end.sendOpened();
        await asked.peer.expect('OPENED', { channel: asked.channel });
        end.reset(code);
        await requireReset(asked, becomes, 'RLY-032');
        await requireSilence(asked, 'CHN-030');
      });
    },
  }),
);

const resetForthCases = crossings('RESET', ['BUSY', 'APPLICATION_REFUSED', 'ROUTE_LOOP', 'FRAME_MALFORMED']).map(
  ({ slug, code, becomes }): Case => ({
    id: `RLY-034/relay-reset-${slug}`,
    requirements: ['RLY-034', 'RLY-032', 'CHN-029'],
    title: `RESET(${describeCode(code)}) of the client is RESET(${becomes}) on the trunk`,
    stimulus: `The client resets an open channel with ${describeCode(code)}.`,
    expectation: `RESET(${becomes}) arrives at the application end, and the RESET of the client is answered.`,
    run: async (context) => {
      const led = await context.led();
      led.peer.send('RESET', { channel: led.channel, fields: { code } });
      const reset = await led.end.expect('RESET', { requirement: 'RLY-034' });
      reset.requireCode(becomes, 'RLY-034');
      const answer = await led.peer.expect('RESET', { channel: led.channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
    },
  }),
);

const retryCases = [0, 1, 60_000, 0xffffffff].map((retryAfterMs): Case => ({
  id: `RLY-032/relay-retry-after-${retryAfterMs}`,
  requirements: ['RLY-032'],
  title: `retry_after_ms passes as it is (${retryAfterMs})`,
  stimulus: `The application end refuses a channel with BUSY and a retry_after_ms of ${retryAfterMs}.`,
  expectation: 'REFUSED(BUSY) arrives at the client with the same number.',
  run: async (context) => {
    const asked = context.ask(await context.established(), SHARED_APPLICATION);
    const end = await context.endOf(asked);
    end.refuse('BUSY', retryAfterMs);
    await requireRefused(asked, 'BUSY', 'RLY-032', retryAfterMs);
  },
}));

/** When a client can abandon what it has asked for. */
const MOMENTS: readonly { readonly slug: string; readonly words: string; readonly data: readonly number[] }[] = [
  { slug: 'with-messages', words: 'behind three messages', data: [1, 2, 3] },
  { slug: 'at-once', words: 'right behind OPENED', data: [] },
];

const momentCases = MOMENTS.map(({ slug, words, data }): Case => ({
  id: `RLY-034/relay-cancelled-${slug}`,
  requirements: ['RLY-034', 'RLY-016'],
  title: `RESET of the client reaches the application end (${slug})`,
  stimulus: `The client sends RESET(CANCELLED) ${words}.`,
  expectation:
    'RESET(CANCELLED) arrives at the application end; of the messages, any number from the first on, in order.',
  run: async (context) => {
    const led = await context.led();
    for (const octet of data) led.peer.sendMessage(led.channel, Uint8Array.of(octet));
    led.peer.send('RESET', { channel: led.channel, fields: { code: errorNamed('CANCELLED').code } });
    for (let next = 1; ; next += 1) {
      const frame = await led.end.next('RESET', '*', { requirement: 'RLY-034' });
      if (frame.name === 'RESET') {
        frame.requireCode('CANCELLED', 'RLY-034');
        return;
      }
      if (frame.name !== 'MESSAGE' || frame.bytes('fragment')[0] !== next) {
        fail(`message ${next} or RESET(CANCELLED) at the application end`, frame.text, 'RLY-016');
      }
    }
  },
}));

/** How the session of a client ends. */
const SESSION_ENDS: readonly {
  readonly slug: string;
  readonly words: string;
  readonly end: (asked: Asked) => Promise<void>;
}[] = [
  {
    slug: 'close',
    words: 'closes its session in order',
    end: async ({ peer }) => {
      await peer.close();
    },
  },
  {
    slug: 'cut',
    words: 'loses its connection, in a session that ends with it',
    end: ({ peer }) => {
      peer.destroy();
      return Promise.resolve();
    },
  },
  {
    slug: 'error',
    words: 'breaks a rule of its session',
    end: async ({ peer, channel }) => {
      peer.send('MESSAGE', { channel, flags: [], fields: { fragment: Uint8Array.of(1) } });
      await peer.expectViolation('FRAGMENT_INVALID');
    },
  },
];

const sessionCases = SESSION_ENDS.flatMap(({ slug, words, end: finish }): readonly Case[] => [
  {
    id: `RLY-034/relay-session-${slug}`,
    requirements: ['RLY-034', 'RLY-036'],
    title: `the channels of a client that ${words} are cancelled on the trunk`,
    stimulus: `A client with two open channels and one that is not answered yet ${words}. Another client has a channel on the same trunk.`,
    expectation: 'RESET(CANCELLED) arrives at all three application ends; the channel of the other client goes on.',
    run: async (context) => {
      const one = await context.led();
      const two = await context.ledOn(one.peer);
      const asked = context.ask(one.peer, SHARED_APPLICATION);
      const three = await context.endOf(asked);
      const other = await context.led({ as: 'client-2' });
      await finish(one);
      for (const end of [one.end, two.end, three]) {
        const reset = await end.expect('RESET', { requirement: 'RLY-034' });
        reset.requireCode('CANCELLED', 'RLY-034');
      }
      await passesBothWays(other, 'RLY-036');
    },
  },
]);

/** Section 13.6. */
export const errorCodes: readonly RelayCase[] = relayCases([
  ...refusedCases,
  ...resetBackCases,
  ...resetForthCases,
  ...retryCases,
  ...momentCases,
  ...sessionCases,
  {
    id: 'RLY-034/relay-before-the-answer',
    requirements: ['RLY-034', 'CHN-029'],
    title: 'a client that does not wait for the answer is cancelled on the trunk',
    stimulus: 'The client resets a channel before the application end has answered FORWARD.',
    expectation:
      'RESET(CANCELLED) arrives at the application end, the RESET of the client is answered, and no OPENED comes.',
    run: async (context) => {
      const peer = await context.established();
      const asked = context.ask(peer, SHARED_APPLICATION);
      const end = await context.endOf(asked);
      peer.send('RESET', { channel: asked.channel, fields: { code: errorNamed('CANCELLED').code } });
      const reset = await end.expect('RESET', { requirement: 'RLY-034' });
      reset.requireCode('CANCELLED', 'RLY-034');
      const answer = await peer.expect('RESET', { channel: asked.channel, requirement: 'CHN-029' });
      answer.requireCode('CHANNEL_CLOSED', 'CHN-029');
      await requireSilence(asked, 'CHN-030');
    },
  },
  {
    id: 'RLY-034/relay-detached',
    requirements: ['RLY-034', 'CNT-013'],
    title: 'a client that has only lost its connection is not cancelled',
    stimulus: 'A client with a resumable session loses its connection, and attaches the session again.',
    expectation: 'Nothing arrives at the application end meanwhile, and messages pass afterwards.',
    run: async (context) => {
      const led = await context.ledOn(await kept(context));
      led.peer.destroy();
      const peer = await again(context, led.peer);
      await peer.barrier();
      await led.end.expectNothing('RLY-034');
      await passesBothWays({ ...led, peer }, 'RLY-034');
    },
  },
  {
    id: 'RLY-034/relay-resumable-session-closed',
    requirements: ['RLY-034'],
    title: 'a client that ends a resumable session is cancelled',
    stimulus: 'A client with a resumable session detaches it, attaches it again, and closes it.',
    expectation: 'RESET(CANCELLED) arrives at the application end, and only then.',
    run: async (context) => {
      const led = await context.ledOn(await kept(context));
      await led.peer.detach();
      const peer = await again(context, led.peer);
      await peer.barrier();
      await led.end.expectNothing('RLY-034');
      await peer.close();
      const reset = await led.end.expect('RESET', { requirement: 'RLY-034' });
      reset.requireCode('CANCELLED', 'RLY-034');
    },
  },
  {
    id: 'CHN-029/relay-resets-cross',
    requirements: ['CHN-029', 'CHN-030'],
    title: 'resets of both ends that cross are one reset on each leg',
    stimulus: 'Client and application end reset the same channel at the same time.',
    expectation: 'Exactly one RESET arrives at each of them.',
    run: async (context) => {
      const led = await context.led();
      led.end.reset('APPLICATION_ERROR');
      led.peer.send('RESET', { channel: led.channel, fields: { code: errorNamed('CANCELLED').code } });
      await led.peer.expect('RESET', { channel: led.channel, requirement: 'CHN-029' });
      await led.end.expect('RESET', { requirement: 'CHN-029' });
      await requireSilence(led, 'CHN-030');
      await led.end.expectNothing('CHN-030');
    },
  },
  {
    id: 'CHN-032/relay-one-of-many',
    requirements: ['CHN-032', 'RLY-036'],
    title: 'each channel of a client ends by itself',
    stimulus:
      'Of four channels of a client the first is refused, the second reset by the application end, the third by the client.',
    expectation: 'Messages pass on the fourth, in both directions.',
    run: async (context) => {
      const peer = await context.established();
      const refused = context.ask(peer, SHARED_APPLICATION);
      (await context.endOf(refused)).refuse('APPLICATION_ERROR');
      const reset = await context.ledOn(peer);
      const abandoned = await context.ledOn(peer);
      const last = await context.ledOn(peer);
      reset.end.reset('APPLICATION_ERROR');
      peer.send('RESET', { channel: abandoned.channel, fields: { code: errorNamed('CANCELLED').code } });
      await requireRefused(refused, 'APPLICATION_ERROR', 'RLY-032');
      await peer.expect('RESET', { channel: reset.channel });
      answerReset(peer, reset.channel);
      await peer.expect('RESET', { channel: abandoned.channel });
      await passesBothWays(last, 'CHN-032');
    },
  },
]);

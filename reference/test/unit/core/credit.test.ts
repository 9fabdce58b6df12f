import { describe, expect, it } from 'vitest';
import { ReceiveCredit, SendCredit } from '../../../core/credit.ts';

describe('SendCredit', () => {
  it('counts messages when they begin and octets with each fragment [CHN-020]', () => {
    const credit = new SendCredit({ messageLimit: 2, byteLimit: 10 });
    credit.use(true, 4);
    credit.use(false, 4);
    expect([credit.messages, credit.mayBegin, credit.bytes]).toEqual([1, true, 2]);
    credit.use(true, 0);
    expect([credit.messages, credit.mayBegin, credit.bytes]).toEqual([2, false, 2]);
  });

  it('takes limits that raise one and lower none [CHN-022]', () => {
    const credit = new SendCredit({ messageLimit: 2, byteLimit: 10 });
    expect(credit.raise({ messageLimit: 2, byteLimit: 10 })).toBe(false);
    expect(credit.raise({ messageLimit: 1, byteLimit: 11 })).toBe(false);
    expect(credit.raise({ messageLimit: 3, byteLimit: 9 })).toBe(false);
    expect([credit.mayBegin, credit.bytes]).toEqual([true, 10]);
    expect(credit.raise({ messageLimit: 2, byteLimit: 11 })).toBe(true);
    expect(credit.raise({ messageLimit: 3, byteLimit: 11 })).toBe(true);
    expect(credit.bytes).toBe(11);
  });
});

describe('ReceiveCredit', () => {
  const create = (messages: number, bytes: number, maxMessageBytes = 1000): ReceiveCredit =>
    new ReceiveCredit({ messageLimit: messages, byteLimit: bytes }, { messages, bytes }, maxMessageBytes);

  it('takes what was granted and not an octet more [CHN-021]', () => {
    const credit = create(2, 10);
    expect(credit.receive(true, true, 10)).toBe(true);
    expect(credit.receive(true, true, 1)).toBe(false);
    expect(credit.receive(true, true, 0)).toBe(true);
    expect(credit.receive(true, true, 0)).toBe(false);
    expect(credit.messages).toBe(2);
  });

  it('grants anew when half of a window is consumed, in messages or in octets [CHN-025]', () => {
    const credit = create(4, 100);
    for (let count = 0; count < 4; count += 1) credit.receive(true, true, 10);
    expect(credit.due).toBe(false);
    credit.consume(1, 10);
    expect(credit.due).toBe(false);
    credit.consume(1, 10);
    expect(credit.due).toBe(true);
    expect(credit.grant()).toEqual({ messageLimit: 6, byteLimit: 120 });
    expect(credit.due).toBe(false);
    credit.consume(1, 10);
    expect(credit.due).toBe(false);
  });

  it('grants a window of one anew with each message', () => {
    const credit = create(1, 1);
    credit.receive(true, true, 0);
    credit.consume(1, 0);
    expect(credit.due).toBe(true);
    expect(credit.grant()).toEqual({ messageLimit: 2, byteLimit: 1 });
  });

  it('grants the largest message once one has begun, and not again for the same one [CHN-024]', () => {
    const credit = create(4, 100, 1000);
    credit.receive(true, true, 30);
    credit.receive(true, false, 10);
    expect(credit.due).toBe(true);
    expect(credit.grant()).toEqual({ messageLimit: 4, byteLimit: 1030 });
    credit.receive(false, false, 500);
    expect(credit.due).toBe(false);
    credit.receive(false, true, 490);
    credit.consume(2, 1030);
    expect(credit.grant()).toEqual({ messageLimit: 6, byteLimit: 1130 });
  });

  it('never lowers a limit, and never grants more than a window and one message ahead [CHN-026]', () => {
    const credit = create(4, 100, 1000);
    credit.receive(true, false, 50);
    credit.grant();
    credit.receive(false, true, 1);
    credit.consume(1, 51);
    expect(credit.grant()).toEqual({ messageLimit: 5, byteLimit: 1000 });
  });

  it('grants one message ahead of the window, however many are begun while nothing is consumed [CHN-024] [CHN-026]', () => {
    const credit = create(100, 100, 1000);
    for (let count = 0; count < 10; count += 1) {
      credit.receive(true, false, 60);
      if (credit.due) credit.grant();
      credit.receive(false, true, 1);
      expect(credit.snapshot.byteLimit).toBeLessThanOrEqual(1100);
    }
    credit.receive(true, false, 60);
    expect(credit.due).toBe(false);
    // What is consumed leaves a window and the message that is incomplete.
    credit.consume(9, 549);
    expect(credit.due).toBe(true);
    expect(credit.grant()).toEqual({ messageLimit: 109, byteLimit: 1610 });
  });

  it('grants nothing for a message that was completed before it needed more', () => {
    const credit = create(100, 100, 1000);
    credit.receive(true, false, 99);
    credit.grant();
    credit.receive(false, true, 1);
    credit.receive(true, true, 100);
    credit.receive(true, false, 60);
    credit.receive(false, true, 1);
    credit.consume(2, 200);
    expect(credit.due).toBe(false);
  });

  it('does not let more be consumed than was received', () => {
    const credit = create(4, 100);
    credit.receive(true, true, 5);
    expect(credit.consume(2, 5)).toBe(false);
    expect(credit.consume(1, 6)).toBe(false);
    expect(credit.consume(1, 5)).toBe(true);
    expect(credit.consume(1, 0)).toBe(false);
  });
});

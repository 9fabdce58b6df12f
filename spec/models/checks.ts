/** A model that Spin has to find without error. */
export interface Model {
  readonly name: string;
  readonly file: string;
  /** Bounds and kinds, as the head of the file explains them. */
  readonly defines: string;
  /** Also look for runs that never end. It doubles the states. */
  readonly cycles?: boolean;
  /** Left out by `--quick`. */
  readonly long?: boolean;
}

/** A model from which one guard is taken, or in which a reading of the text is followed that does not hold: it has to fail. */
export interface Guard {
  /** The macro, in lower case; its counterexample is in `counterexamples/<name>.txt`. */
  readonly name: string;
  readonly kind: 'guard' | 'reading';
  readonly file: string;
  readonly defines: string;
  /** What is left out or read otherwise, and the requirements that this is about. */
  readonly what: string;
  /** What goes wrong then. */
  readonly shows: string;
  readonly requirements: readonly string[];
}

const none = '-DCCRASH=0 -DSCRASH=0 -DBUSY=0 -DCUT=0';
const small = '-DCMSGS=1 -DSMSGS=1 -DCONNS=3';

export const models: readonly Model[] = [
  {
    name: 'resumption, stored',
    file: 'session.pml',
    defines: '-DCMSGS=2 -DSMSGS=2 -DCONNS=3 -DCCRASH=1 -DSCRASH=1 -DBUSY=1 -DCUT=1',
  },
  {
    name: 'resumption, stored, two crashes each',
    file: 'session.pml',
    defines: '-DCMSGS=2 -DSMSGS=2 -DCONNS=3 -DCCRASH=2 -DSCRASH=2 -DBUSY=1 -DCUT=1',
    long: true,
  },
  {
    name: 'resumption, stored, three messages',
    file: 'session.pml',
    defines: '-DCMSGS=3 -DSMSGS=3 -DCONNS=3 -DCCRASH=1 -DSCRASH=1 -DBUSY=0 -DCUT=0',
    long: true,
  },
  {
    name: 'resumption, stored, four connections',
    file: 'session.pml',
    defines: '-DCMSGS=2 -DSMSGS=2 -DCONNS=4 -DCCRASH=1 -DSCRASH=0 -DBUSY=0 -DCUT=0',
    long: true,
  },
  {
    name: 'resumption, stored: every run ends',
    file: 'session.pml',
    defines: `${small} -DCCRASH=1 -DSCRASH=1 -DBUSY=1 -DCUT=1`,
    cycles: true,
  },
  {
    name: 'outcomes, stored',
    file: 'session.pml',
    defines: '-DENDING -DCMSGS=2 -DSMSGS=1 -DCONNS=2 -DCCRASH=1 -DSCRASH=1 -DBUSY=1 -DCUT=1',
  },
  {
    name: 'outcomes, stored, three connections',
    file: 'session.pml',
    defines: `-DENDING ${small} -DCCRASH=1 -DSCRASH=1 -DBUSY=0 -DCUT=1`,
    long: true,
  },
  {
    name: 'outcomes, stored: every run ends',
    file: 'session.pml',
    defines: '-DENDING -DCMSGS=1 -DSMSGS=1 -DCONNS=2 -DCCRASH=1 -DSCRASH=1 -DBUSY=0 -DCUT=1',
    cycles: true,
  },
  {
    name: 'outcomes, stored, with verdicts',
    file: 'session.pml',
    defines: '-DENDING -DVERDICTS -DCMSGS=2 -DSMSGS=2 -DCONNS=2 -DCCRASH=1 -DSCRASH=1 -DBUSY=0 -DCUT=1',
  },
  {
    name: 'outcomes, received',
    file: 'session.pml',
    defines: '-DENDING -DRECEIVED -DCMSGS=2 -DSMSGS=1 -DCONNS=3 -DCCRASH=1 -DSCRASH=1 -DBUSY=0 -DCUT=1',
  },
  { name: 'application', file: 'application.pml', defines: '-DMSGS=3 -DCRASH=3' },
  { name: 'application: every run ends', file: 'application.pml', defines: '-DMSGS=3 -DCRASH=3', cycles: true },
  { name: 'fleet', file: 'fleet.pml', defines: '-DMSGS=2 -DCONNS=4' },
  { name: 'fleet: every run ends', file: 'fleet.pml', defines: '-DMSGS=2 -DCONNS=3', cycles: true },
];

const session = { kind: 'guard', file: 'session.pml' } as const;
const reading = { kind: 'reading', file: 'session.pml' } as const;

export const guards: readonly Guard[] = [
  {
    ...session,
    name: 'no_cursor',
    defines: `${small} ${none}`,
    what: 'the receive cursor of the peer is ignored at a resumption: what is not acknowledged is sent again',
    shows: 'a message comes twice (WIR-012)',
    requirements: ['CNT-030'],
  },
  {
    ...session,
    name: 'no_fence',
    defines: `-DCMSGS=1 -DSMSGS=0 -DCONNS=3 ${none}`,
    what: 'the server goes on processing the former connection',
    shows: 'a message is taken on the former connection and comes again on the new one (WIR-012)',
    requirements: ['CNT-028', 'CNT-037'],
  },
  {
    ...session,
    name: 'no_quiet',
    defines: `${small} ${none}`,
    what: 'the client goes on processing the former connection after CONNECT',
    shows: 'the client finds its session taken while it is the client that moves it (CNT-058)',
    requirements: ['CNT-019'],
  },
  {
    ...session,
    name: 'no_attempt',
    defines: `${small} ${none}`,
    what: 'numbers of attempts are not compared',
    shows:
      'a CONNECT that was delayed takes the session from the later one, and the client may not come back (CNT-058)',
    requirements: ['CNT-018', 'CNT-023'],
  },
  {
    ...session,
    name: 'no_lower_epoch',
    defines: `${small} ${none}`,
    what: 'a lower epoch is refused: the client is locked out',
    shows: 'every further attempt is refused',
    requirements: ['CNT-024'],
  },
  {
    ...session,
    name: 'no_epoch_first',
    defines: `${small} -DCCRASH=0 -DSCRASH=1 -DBUSY=0 -DCUT=0`,
    what: 'ACCEPT is sent before the epoch is raised in the store',
    shows: 'after a crash the client knows a higher epoch than the server, and an honest session ends with RESUME_GAP',
    requirements: ['CNT-027'],
  },
  {
    ...session,
    name: 'no_write_ahead',
    defines: `${small} -DCCRASH=1 -DSCRASH=0 -DBUSY=0 -DCUT=0`,
    what: 'a frame is sent before it is stored',
    shows: 'the server holds a frame that the client has never sent, as far as the client knows (CNT-032)',
    requirements: ['CNT-011'],
  },
  {
    ...session,
    name: 'no_store_before_ack',
    defines: `${small} -DCCRASH=1 -DSCRASH=0 -DBUSY=0 -DCUT=0`,
    what: 'a frame is acknowledged before it is stored',
    shows: 'the server has let go of a frame that the client does not hold (CNT-025)',
    requirements: ['CNT-006'],
  },
  {
    ...session,
    name: 'no_tombstone',
    defines: `-DENDING -DCMSGS=1 -DSMSGS=1 -DCONNS=2 ${none}`,
    what: 'the server keeps nothing of a session that has ended: a CLOSE that is lost leaves the client in doubt',
    shows: 'the client is told RESUME_REFUSED within the retention, and has to report its messages as unknown',
    requirements: ['CNT-035', 'CNT-036'],
  },
  {
    kind: 'guard',
    file: 'application.pml',
    name: 'no_key',
    defines: '-DMSGS=2 -DCRASH=1',
    what: 'the application does not look for the key of a message',
    shows: 'a message has two effects',
    requirements: ['CNT-044'],
  },
  {
    kind: 'guard',
    file: 'application.pml',
    name: 'no_one_step',
    defines: '-DMSGS=2 -DCRASH=1',
    what: 'the application records the key after the effect, not together with it',
    shows: 'a message has two effects',
    requirements: ['CNT-044'],
  },
  {
    kind: 'guard',
    file: 'application.pml',
    name: 'no_mark',
    defines: '-DMSGS=2 -DCRASH=1',
    what: 'a message that is delivered again is not marked',
    shows: 'a message is handed over twice and looks new',
    requirements: ['CNT-044'],
  },
  {
    kind: 'guard',
    file: 'application.pml',
    name: 'no_one_record',
    defines: '-DMSGS=2 -DCRASH=1',
    what: 'the decision on a message and its verdict are stored one after the other: the verdict never comes',
    shows: 'the sender waits for a verdict for ever',
    requirements: ['CNT-039'],
  },
  {
    kind: 'guard',
    file: 'fleet.pml',
    name: 'no_store_check',
    defines: '-DMSGS=1 -DCONNS=3',
    what: 'a server that was stopped and woken does not ask the store for the epoch',
    shows: 'a frame is delivered under an epoch that is over',
    requirements: ['CNT-037', 'CNT-038'],
  },
  {
    kind: 'guard',
    file: 'fleet.pml',
    name: 'no_same_step',
    defines: '-DMSGS=1 -DCONNS=3',
    what: 'the epoch is confirmed in one step, and the frame stored in the next',
    shows: 'a frame is delivered under an epoch that is over',
    requirements: ['CNT-038'],
  },
  {
    kind: 'guard',
    file: 'fleet.pml',
    name: 'no_one_raise',
    defines: '-DMSGS=1 -DCONNS=3',
    what: 'the epoch is compared in one step, and raised in the next: two servers hold the same one',
    shows: 'one epoch is given twice',
    requirements: ['CNT-027'],
  },
  {
    ...session,
    name: 'no_forget',
    defines: `${small} ${none}`,
    what: 'what was received beyond the cursor that was stated is kept',
    shows: 'a frame that was received but not stated is sent again, and comes twice (WIR-012)',
    requirements: ['CNT-006', 'CNT-030'],
  },
  {
    ...reading,
    name: 'reading_any_failure',
    defines: `${small} ${none}`,
    what: 'an attempt whose connection is lost has failed, and the client takes up the former connection again',
    shows: 'the server had moved the session: the client reads SUPERSEDED and may not come back (CNT-058)',
    requirements: ['CNT-019', 'CNT-058'],
  },
  {
    ...reading,
    name: 'reading_rejected_counts',
    defines: `${small} -DCCRASH=0 -DSCRASH=0 -DBUSY=1 -DCUT=0`,
    what: 'the cursor in a CONNECT that is rejected counts as an acknowledgement',
    shows: 'an ACK on the former connection, sent earlier and read later, acknowledges nothing new: CURSOR_INVALID',
    requirements: ['CNT-007'],
  },
  {
    ...reading,
    name: 'reading_send_cursor',
    defines: `${small} -DCCRASH=0 -DSCRASH=0 -DBUSY=0 -DCUT=1`,
    what: 'the send cursor of CLOSE counts frames of the session that were not sent (again) on this connection',
    shows: 'an orderly CLOSE is the error CURSOR_INVALID',
    requirements: ['SES-013'],
  },
  {
    ...reading,
    name: 'reading_early_close',
    defines: `-DENDING -DCMSGS=1 -DSMSGS=1 -DCONNS=2 ${none}`,
    what: 'a CLOSE before ACCEPT in mode resume has END_SESSION set and both cursors zero, as in mode new',
    shows:
      'the session ends though nobody wanted it, and the server reports a message as not delivered that the client holds',
    requirements: ['EST-027', 'CNT-014'],
  },
  {
    ...reading,
    name: 'reading_any_close',
    defines: '-DENDING -DCMSGS=1 -DSMSGS=1 -DCONNS=2 -DCCRASH=0 -DSCRASH=0 -DBUSY=0 -DCUT=1',
    what: 'a CLOSE without END_SESSION that crosses one with it is taken for its answer',
    shows: 'the client reports a message as not delivered that the server stores and delivers',
    requirements: ['SES-012', 'CNT-015'],
  },
];

/*
 * An endpoint with custody `stored` and the application behind it: effects, records, redelivery and verdicts.
 *
 * The endpoint holds MSGS messages. Endpoint and application crash together or apart, at any moment; what is stored
 * stays. The key of a message is its number here: session id and channel are the same for all.
 *
 * Bounds: MSGS messages, CRASH crashes. Guards, removed with -DNO_...: see MAPPING.md.
 */

/* The endpoint. Stored: recorded, verdicts. */
byte recorded;          /* the application has decided on every message through this one */
byte verdicts;          /* OUTCOME is stored for every message through this one */
byte handed;            /* the message that the application works on, 0: none */
bool marked;            /* it was handed over as redelivered */
bool decided;           /* its decision has come back */
byte since = 0;         /* messages through this one may have been handed over before the last start */
byte sent;              /* OUTCOME sent for every message through this one; the peer keeps its receive cursor */

/* The application. Stored: effects, keys. */
byte effects[MSGS + 1];
bool keys[MSGS + 1];
byte doing;             /* the message that has had its effect and is not recorded yet: only without the one step */
byte crashes;

byte everHanded;        /* what was handed over at all; nobody in the model reads it, only the assertion */
byte lastEffect;

#define ENDPOINT_DONE (recorded == MSGS && verdicts == MSGS && sent == MSGS)

proctype Endpoint() {
  do
  :: ENDPOINT_DONE -> break

  /* delivery, in order */
  :: d_step { handed == 0 && recorded < MSGS && verdicts == recorded ->
       handed = recorded + 1;
#ifdef NO_MARK
       marked = false;
#else
       marked = handed <= since;
#endif
       printf("endpoint: hands message %d over, redelivered: %d\n", handed, marked);
       assert(marked || everHanded < handed); /* CNT-044 */
       if :: handed > everHanded -> everHanded = handed :: else fi }

#ifdef NO_ONE_RECORD
  :: d_step { handed > 0 && decided -> recorded = handed; handed = 0; decided = false; printf("endpoint: records message %d\n", recorded) }
  :: d_step { recorded > verdicts && handed == 0 && since < recorded -> verdicts = recorded; printf("endpoint: stores the verdict on message %d\n", verdicts) }
#else
  :: d_step { handed > 0 && decided ->
       recorded = handed; verdicts = handed; handed = 0; decided = false;
       printf("endpoint: records message %d and its verdict\n", recorded) }
#endif
  :: d_step { sent < verdicts -> sent++; assert(effects[sent] == 1); printf("endpoint: sends OUTCOME on message %d\n", sent) } /* CNT-040 */

  :: d_step { crashes < CRASH && !ENDPOINT_DONE ->
       crashes++; handed = 0; decided = false; doing = 0; since = recorded + 1;
       printf("endpoint: crashes with the application\n") }
  :: d_step { crashes < CRASH && handed > 0 ->
       crashes++; since = recorded + 1; handed = 0; decided = false; doing = 0;
       printf("application: crashes alone\n") }
  od
}

proctype Application() {
  do
  :: ENDPOINT_DONE -> break
#ifdef NO_KEY
  :: d_step { handed > 0 && !decided ->
       effects[handed]++; decided = true;
       printf("application: effect of message %d\n", handed);
       assert(effects[handed] == 1) }
#elif defined(NO_ONE_STEP)
  :: d_step { handed > 0 && !decided && doing == 0 && !keys[handed] ->
       effects[handed]++; doing = handed;
       printf("application: effect of message %d\n", handed);
       assert(effects[handed] == 1) }
  :: d_step { handed > 0 && doing == handed -> keys[handed] = true; doing = 0; decided = true; printf("application: records the key of message %d\n", handed) }
  :: d_step { handed > 0 && !decided && doing == 0 && keys[handed] -> decided = true; printf("application: knows the key of message %d\n", handed) }
#else
  :: d_step { handed > 0 && !decided && !keys[handed] ->
       effects[handed]++; keys[handed] = true; decided = true;
       printf("application: effect of message %d and its key, in one step\n", handed);
       assert(effects[handed] == 1 && handed == lastEffect + 1);
       lastEffect = handed }
  :: d_step { handed > 0 && !decided && keys[handed] ->
       decided = true;
       printf("application: knows the key of message %d, and does nothing\n", handed);
       assert(marked) }
#endif
  od
}

init {
  atomic {
    run Endpoint();
    run Application()
  }
}

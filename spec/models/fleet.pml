/*
 * A fleet: two servers on one store, and a client that moves its session between them.
 *
 * Connection k leads to either server. A server that has read a frame or CONNECT may be suspended for any time before
 * it goes to the store; server A may moreover be stopped outright and woken. The store takes one step at a time.
 *
 * Bounds: MSGS messages from the client, CONNS connections; the last one is reliable.
 * Guards, removed with -DNO_...: see MAPPING.md.
 */

#define LAST (CONNS - 1)
#define NONE CONNS
#define CAP 3

mtype = { CONNECT, ACCEPT, REJECT, ACK, MESSAGE, CLOSE };

/* CONNECT: epoch. ACCEPT: epoch, receive cursor. MESSAGE: number. ACK: receive cursor. */
chan toServer[CONNS] = [CAP] of { mtype, byte, byte };
chan toClient[CONNS] = [CAP] of { mtype, byte, byte };
byte leadsTo[CONNS];

/* The common store. */
byte epoch = 1;
byte attempt;
byte held;

/* What a server has of the session in its memory. */
typedef Node {
  byte conn;            /* the connection under which it holds the session */
  byte epoch;           /* and the epoch */
  byte rcv;             /* last number received on it */
  byte frame;           /* a frame that was read and is not stored, 0: none */
  byte ack;             /* acknowledged on the connection */
  byte pending;         /* connection whose CONNECT was read and is not decided */
  byte stated;          /* the epoch that it states */
  byte seen;            /* the epoch that was read from the store: only where that is a step of its own */
  bool checked;
}
Node node[2];
bool stopped;
bool woken;

/* The client. */
byte cConn = 0;
byte cNew = NONE;
byte cOut;
byte cPeer;
byte cEpoch = 1;
byte nextConn = 1;
bool detached;

byte holders[CONNS + 2];    /* who raised the epoch to this number */
byte delivered;
mtype t;
byte a, b;

#define DONE (nextConn == CONNS && cConn == LAST && !detached && cNew == NONE && cPeer == MSGS)
#define NAME(n) ('A' + n)
#define RUNS(n) (n == 1 || !stopped)
#define TO_C(k, x, y, z) if :: (cConn == k || cNew == k) && len(toClient[k]) < CAP -> toClient[k]!x, y, z :: else fi

inline drain(q) {
  do
  :: len(q) > 0 -> q?_, _, _
  :: else -> break
  od
}

inline deliver(n, x) {
  printf("server %c: stores and delivers message %d under epoch %d\n", NAME(n), x, node[n].epoch);
  assert(x == delivered + 1);
  assert(node[n].epoch == epoch);
  delivered = x;
  held = x
}

inline supersede(n) {
  printf("server %c: finds epoch %d instead of %d, and closes connection %d\n", NAME(n), epoch, node[n].epoch, node[n].conn);
  TO_C(node[n].conn, CLOSE, 0, 0);
  drain(toServer[node[n].conn]);
  node[n].conn = NONE; node[n].frame = 0; node[n].checked = false
}

inline attach(n) {
  printf("server %c: raises the epoch to %d for attempt %d\n", NAME(n), node[n].stated + 1, node[n].pending);
  assert(holders[node[n].stated + 1] == 0);
  holders[node[n].stated + 1] = n + 1;
  epoch = node[n].stated + 1;
  attempt = node[n].pending;
  node[n].epoch = epoch;
  node[n].conn = node[n].pending;
  node[n].pending = NONE;
  node[n].rcv = held; node[n].ack = held; node[n].frame = 0; node[n].checked = false;
  printf("server %c: sends ACCEPT on connection %d: epoch %d, cursor %d\n", NAME(n), node[n].conn, epoch, held);
  TO_C(node[n].conn, ACCEPT, epoch, held)
}

inline refuse(n) {
  printf("server %c: refuses attempt %d\n", NAME(n), node[n].pending);
  TO_C(node[n].pending, REJECT, 0, 0);
  drain(toServer[node[n].pending]);
  node[n].pending = NONE
}

#define TAKES_CONNECT(k) :: d_step { RUNS(n) && node[n].pending == NONE && leadsTo[k] == n && toServer[k]?[CONNECT, a, b] -> \
    toServer[k]?t, a, b; \
    node[n].pending = k; node[n].stated = a; \
    printf("server %c: reads CONNECT of attempt %d, epoch %d\n", NAME(n), k, a); \
    t = 0; a = 0; b = 0 }

proctype Server(byte n) {
  do
  :: DONE && node[n].pending == NONE && node[n].frame == 0 -> break

  :: d_step { n == 0 && !stopped && !woken -> stopped = true; printf("server A: is stopped\n") }
  :: d_step { n == 0 && stopped -> stopped = false; woken = true; printf("server A: is woken\n") }

  /* reads a frame of the connection it holds, or CONNECT on another */
  :: d_step { RUNS(n) && node[n].conn != NONE && node[n].frame == 0 && len(toServer[node[n].conn]) > 0 ->
       toServer[node[n].conn]?t, a, b;
       node[n].frame = a;
       printf("server %c: reads message %d on connection %d\n", NAME(n), a, node[n].conn);
       assert(a == node[n].rcv + 1);
       node[n].rcv = a; t = 0; a = 0; b = 0 }
  TAKES_CONNECT(1)
  TAKES_CONNECT(2)
#if CONNS > 3
  TAKES_CONNECT(3)
#endif

  /* takes custody of the frame: one step with the store */
#ifdef NO_STORE_CHECK
  /* shown for the server that was stopped */
  :: d_step { RUNS(n) && node[n].frame > 0 && (woken || epoch == node[n].epoch) -> deliver(n, node[n].frame); node[n].frame = 0 }
#elif defined(NO_SAME_STEP)
  :: d_step { RUNS(n) && node[n].frame > 0 && !node[n].checked ->
       if
       :: epoch == node[n].epoch -> node[n].checked = true; printf("server %c: finds its epoch %d in the store\n", NAME(n), epoch)
       :: else -> supersede(n)
       fi }
  :: d_step { RUNS(n) && node[n].frame > 0 && node[n].checked -> deliver(n, node[n].frame); node[n].frame = 0; node[n].checked = false }
#else
  :: d_step { RUNS(n) && node[n].frame > 0 ->
       if
       :: epoch == node[n].epoch -> deliver(n, node[n].frame); node[n].frame = 0
       :: else -> supersede(n)
       fi }
#endif
  :: d_step { RUNS(n) && node[n].conn != NONE && node[n].frame == 0 && node[n].ack < node[n].rcv ->
       node[n].ack = node[n].rcv;
       if
       :: epoch == node[n].epoch ->
          printf("server %c: sends ACK(%d) on connection %d\n", NAME(n), node[n].ack, node[n].conn);
          TO_C(node[n].conn, ACK, node[n].ack, 0)
       :: else -> supersede(n)
       fi }

  /* decides on CONNECT: compares, raises and notes in one step */
#ifdef NO_ONE_RAISE
  :: d_step { RUNS(n) && node[n].pending != NONE && node[n].seen == 0 ->
       if
       :: node[n].pending > attempt && node[n].stated <= epoch -> node[n].seen = epoch; printf("server %c: reads epoch %d from the store\n", NAME(n), epoch)
       :: else -> refuse(n)
       fi }
  :: d_step { RUNS(n) && node[n].pending != NONE && node[n].seen > 0 -> node[n].stated = node[n].seen; node[n].seen = 0; attach(n) }
#else
  :: d_step { RUNS(n) && node[n].pending != NONE ->
       if
       :: node[n].pending > attempt && node[n].stated <= epoch -> node[n].stated = epoch; attach(n)
       :: else -> refuse(n)
       fi }
#endif
  od
}

proctype Client() {
  do
  :: DONE -> break
  :: d_step { !detached && cNew == NONE && cOut < MSGS && len(toServer[cConn]) < CAP ->
       cOut++;
       printf("client: sends message %d on connection %d\n", cOut, cConn);
       toServer[cConn]!MESSAGE, cOut, 0 }
  :: d_step { !detached && cNew == NONE && len(toClient[cConn]) > 0 ->
       toClient[cConn]?t, a, b;
       if
       :: t == ACK -> printf("client: reads ACK(%d) on connection %d\n", a, cConn); assert(a > cPeer && a <= cOut); cPeer = a
       :: t == CLOSE -> printf("client: reads CLOSE(SUPERSEDED) on connection %d\n", cConn); assert(false)
       fi;
       t = 0; a = 0; b = 0 }
  :: cNew == NONE && nextConn < CONNS ->
     if
     :: d_step { leadsTo[nextConn] = 0; printf("client: connection %d leads to server A\n", nextConn) }
     :: d_step { leadsTo[nextConn] = 1; printf("client: connection %d leads to server B\n", nextConn) }
     fi;
     d_step {
       cNew = nextConn;
       nextConn++;
       printf("client: sends CONNECT on connection %d: attempt %d, epoch %d\n", cNew, cNew, cEpoch);
       toServer[cNew]!CONNECT, cEpoch, 0 }
  :: d_step { cNew != NONE && len(toClient[cNew]) > 0 ->
       toClient[cNew]?t, a, b;
       if
       :: t == ACCEPT ->
          printf("client: reads ACCEPT on connection %d: epoch %d, cursor %d\n", cNew, a, b);
          assert(a > cEpoch && b >= cPeer && b <= MSGS);
          cEpoch = a; cPeer = b; cOut = b;
          if :: cConn != NONE -> drain(toClient[cConn]) :: else fi;
          cConn = cNew; cNew = NONE; detached = false
       :: t == REJECT -> printf("client: reads REJECT on connection %d\n", cNew); assert(false)
       :: else -> printf("client: reads CLOSE(SUPERSEDED) on connection %d before ACCEPT\n", cNew); assert(false)
       fi;
       t = 0; a = 0; b = 0 }
  :: d_step { cNew != NONE && cNew < LAST ->
       printf("client: loses connection %d\n", cNew);
       drain(toClient[cNew]);
       if :: cConn != NONE -> drain(toClient[cConn]) :: else fi;
       cNew = NONE; cConn = NONE; detached = true }
  od
}

init {
  d_step {
    node[0].pending = NONE;
    node[1].pending = NONE;
    node[1].conn = NONE;
    node[0].epoch = 1;
    holders[1] = 1
  };
  atomic {
    run Server(0);
    run Server(1);
    run Client()
  }
}

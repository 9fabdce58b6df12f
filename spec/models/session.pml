/*
 * One session between one client and one server: resumption, fencing, rotation, crashes, the end and its outcomes.
 *
 * Connection 0 establishes the session; connection k > 0 carries attempt k to attach it. Each connection is a pair of
 * queues. An end may lose a connection at any moment; what is still under way to the other end may yet arrive there.
 * So a CONNECT can come late, an ACCEPT or a CLOSE can be lost, and frames of a former connection can still arrive.
 *
 * Bounds, set with -D (run.ts holds the values):
 *   CMSGS, SMSGS    messages from the client, from the server
 *   CONNS           connections, the first included
 *   CCRASH, SCRASH  crashes of the client, of the server
 *   BUSY            attempts that the server may answer with REJECT(BUSY)
 *   CUT             connections that a server may end with CLOSE without END_SESSION
 * Kinds:
 *   ENDING    either end may end the session at any moment, retention may run out, no connection is reliable;
 *             without it the last connection is reliable and the session has to deliver everything
 *   RECEIVED  custody `received` at both ends; without it `stored`
 *   VERDICTS  the client's channel has outcomes, and the frames of the server are its verdicts
 * Guards, removed with -DNO_...; readings of the text that do not hold, chosen with -DREADING_...: see MAPPING.md.
 */

#ifndef CAP
#define CAP 3
#endif
#define LAST (CONNS - 1)
#define NONE CONNS
#define UNKNOWN 255

mtype = { CONNECT, ACCEPT, REJECT, ACK, MESSAGE, CLOSE };

/* Codes of REJECT. */
#define BUSY_NOW 1
#define ATTEMPT_STALE 2
#define RESUME_GAP 3
#define SESSION_ENDED 4
#define RESUME_REFUSED 5
#define EPOCH_REFUSED 6 /* only without CNT-024 */

/* Kinds of CLOSE. */
#define DETACHES 0
#define ENDS 1
#define SUPERSEDED 2
#define GIVES_UP 3

/* States of a session; ENDING_NOW: CLOSE with END_SESSION sent, its answer awaited. ACCEPTING: epoch raised, ACCEPT due. */
#define ESTABLISHING 0
#define ATTACHED 1
#define ATTACHING 2
#define DETACHED 3
#define ENDED 4
#define GONE 5
#define ENDING_NOW 6
#define ACCEPTING 7
#define FORGOTTEN 8

/*
 * CONNECT: epoch, receive cursor. ACCEPT: epoch, receive cursor. REJECT: code, final receive cursor.
 * MESSAGE: number, content. ACK: receive cursor. CLOSE: kind, receive cursor, send cursor.
 */
chan toServer[CONNS] = [CAP] of { mtype, byte, byte, byte };
chan toClient[CONNS] = [CAP] of { mtype, byte, byte, byte };

/* The client. Stored: sent, held, peer, epoch, the next attempt. In memory: the rest. */
byte cState = ESTABLISHING;
byte cConn = 0;         /* carries the session, or did until the attempt under way succeeds */
byte cNew = NONE;       /* connection of the attempt under way */
byte cNum;              /* last number given to a frame */
byte cSent;             /* last number that is stored */
byte cOut;              /* last number sent on cConn */
byte cTop;              /* greatest number ever sent, as far as is known */
byte cPeer;             /* acknowledged by the server */
byte cRcv;              /* last number received */
byte cHeld;             /* receive cursor: last number held at the custody */
byte cAck;              /* acknowledged to the server on cConn */
byte cEpoch;
byte nextConn = 1;
byte cCrashes;
bool cEnd;              /* the client has ended the session; its receive cursor is final */
bool cSettled;
byte cFinal = UNKNOWN;  /* final receive cursor of the server */

/* The server. Stored: sent, held, peer, epoch, attempt. */
byte sState = ATTACHED;
byte sConn = 0;
byte sNum;
byte sSent;
byte sOut;
byte sTop;
byte sPeer;
byte sRcv;
byte sHeld;
byte sAck;
byte sEpoch = 1;
byte sAttempt;
bool sDead[CONNS];      /* the server's end of this connection is gone */
bool sFormer[CONNS];    /* has carried the session */
byte sCrashes;
byte busy;
byte cuts;
bool sSettled;
bool sLost;             /* crashed with custody `received` */
byte sFinal = UNKNOWN;
bool unwritten;         /* ACCEPT sent, epoch not yet stored: only without CNT-027 */

/* Contents by number, at the sender and at the receiver, and the last content delivered: what exactly once is about. */
byte cContent[CMSGS + 1];
byte sGot[CMSGS + 1];
byte cMade;
byte sDelivered;
byte sContent[SMSGS + 1];
byte cGot[SMSGS + 1];
byte sMade;
byte cDelivered;

/* Scratch, no part of a state; the breadth-first search for the shortest counterexample cannot hide it. */
#ifdef SHORTEST
mtype t;
byte a, b, c, i;
#else
hidden mtype t;
hidden byte a, b, c, i;
#endif

#define C_READS(k) (cConn == k || cNew == k)
#define S_READS(k) (!sDead[k])
#define ROOM_C(k) (!C_READS(k) || len(toClient[k]) < CAP)
#define ROOM_S(k) (!S_READS(k) || len(toServer[k]) < CAP)
#define C_OVER (cState == ENDED || cState == GONE)
#define S_OVER ((sState == ENDED && sSettled) || sState == FORGOTTEN)

#ifdef ENDING
#define MAY_LOSE(k) true
#define FINISHED (C_OVER && S_OVER)
#else
#define MAY_LOSE(k) (k < LAST)
#define FINISHED (nextConn == CONNS && cState == ATTACHED && cConn == LAST && cNum == cMade && sNum == sMade && \
    cMade >= CMSGS && sMade >= SMSGS && cSent == cNum && sSent == sNum && cPeer == cNum && sPeer == sNum && cHeld == sNum && sHeld == cNum)
#endif
/* A crash takes every connection with it: while the last one is the only one left, none happens. */
#define MAY_CRASH (nextConn < CONNS)

/* What a guard is about, with and without it. */
#ifdef NO_WRITE_AHEAD
#define C_MAY_SEND cNum
#define S_MAY_SEND sNum
#else
#define C_MAY_SEND cSent
#define S_MAY_SEND sSent
#endif
#ifdef NO_STORE_BEFORE_ACK
#define C_CURSOR cRcv
#define S_CURSOR sRcv
#else
#define C_CURSOR cHeld
#define S_CURSOR sHeld
#endif
#ifdef NO_FENCE
#define S_TAKES(k) (sState == ATTACHED && (sConn == k || sFormer[k])) /* shown for MESSAGE */
#else
#define S_TAKES(k) S_CARRIES(k)
#endif
#define S_CARRIES(k) (sState == ATTACHED && sConn == k)
#ifdef NO_QUIET
#define C_LISTENS (cState == ATTACHED || cState == ATTACHING)
#else
#define C_LISTENS (cState == ATTACHED)
#endif
#ifdef READING_SEND_CURSOR
#define C_SEND_CURSOR cNum
#define S_SEND_CURSOR sNum
#else
#define C_SEND_CURSOR cOut
#define S_SEND_CURSOR sOut
#endif
#ifdef VERDICTS
#define S_MAY_MAKE (sNum < sHeld)
#else
#define S_MAY_MAKE true
#endif

inline drain(q) {
  do
  :: len(q) > 0 -> q?_, _, _, _
  :: else -> break
  od
}

inline toC(k, x, y, z, w) {
  if
  :: C_READS(k) && len(toClient[k]) < CAP -> toClient[k]!x, y, z, w
  :: else
  fi
}

inline toS(k, x, y, z, w) {
  if
  :: S_READS(k) && len(toServer[k]) < CAP -> toServer[k]!x, y, z, w
  :: else
  fi
}

/* The client forgets a connection; what is under way to the server stays under way. */
inline cDropConn() {
  if
  :: cConn != NONE -> drain(toClient[cConn]); cConn = NONE
  :: else
  fi
}

inline cDropNew() {
  if
  :: cNew != NONE -> drain(toClient[cNew]); cNew = NONE
  :: else
  fi
}

inline sDrop(k) {
  drain(toServer[k]);
  sDead[k] = true;
  if
  :: sConn == k -> sConn = NONE
  :: else
  fi
}

/* The client learns that the server holds everything through x. */
inline cLearn(x) {
  i = cPeer;
  do
  :: i < x -> i++; assert(sGot[i] == cContent[i])
  :: else -> break
  od;
  if
  :: x > cPeer -> cPeer = x
  :: else
  fi
}

inline sLearn(x) {
  i = sPeer;
  do
  :: i < x -> i++; assert(cGot[i] == sContent[i])
  :: else -> break
  od;
  if
  :: x > sPeer -> sPeer = x
  :: else
  fi
}

/* Custody of the next frame, and delivery: in order, once. */
inline cTake() {
  cHeld++;
  assert(cGot[cHeld] > cDelivered);
  cDelivered = cGot[cHeld]
}

inline sTake() {
  sHeld++;
  assert(sGot[sHeld] > sDelivered);
  sDelivered = sGot[sHeld]
}

/* What was received beyond the cursor that is stated is forgotten. */
inline cForget() {
#ifndef NO_FORGET
  cRcv = cHeld
#else
  skip
#endif
}

inline sForget() {
#ifndef NO_FORGET
  sRcv = sHeld
#else
  skip
#endif
}

inline cSettle(x) {
  assert(!cSettled);
  cSettled = true;
  cFinal = x;
  cState = ENDED;
  cDropConn();
  cDropNew()
}

inline sSettle(x) {
  assert(!sSettled);
  sSettled = true;
  sFinal = x
}

inline cHoldsAll() {
#ifdef RECEIVED
  cTake()
#else
  skip
#endif
}

inline sHoldsAll() {
#ifdef RECEIVED
  sTake()
#else
  skip
#endif
}

/* A frame on the connection that carries the session, at the client. */
inline cRead() {
  toClient[cConn]?t, a, b, c;
  if
  :: t == MESSAGE ->
     printf("client: takes message %d on connection %d\n", a, cConn);
     assert(a == cRcv + 1); /* WIR-012 */
     cRcv = a;
     cGot[a] = b;
     cHoldsAll()
  :: t == ACK ->
     printf("client: reads ACK(%d) on connection %d\n", a, cConn);
     assert(a > cPeer && a <= cNum); /* CNT-007 */
     cLearn(a)
  :: t == CLOSE && a == SUPERSEDED ->
     printf("client: reads CLOSE(SUPERSEDED) on connection %d, though it made no attempt: it may not come back (CNT-058)\n", cConn);
     assert(false)
  :: t == CLOSE && a == DETACHES ->
     printf("client: reads CLOSE without END_SESSION, cursors %d and %d, on connection %d\n", b, c, cConn);
     assert(b <= cNum && c == cRcv); /* SES-013 */
     cLearn(b);
     cDropConn();
     cState = DETACHED
  :: t == CLOSE && a == ENDS ->
     printf("client: reads CLOSE with END_SESSION, cursors %d and %d, on connection %d and answers\n", b, c, cConn);
     assert(b <= cNum && c == cRcv);
     cLearn(b);
     cForget();
     toS(cConn, CLOSE, ENDS, cHeld, C_SEND_CURSOR);
     cEnd = true;
     cSettle(b)
  fi
}

/* The answer to an attempt, at the client. */
inline cReadNew() {
  toClient[cNew]?t, a, b, c;
  if
  :: t == ACCEPT ->
     printf("client: reads ACCEPT on connection %d: epoch %d, cursor %d\n", cNew, a, b);
     assert(a > cEpoch);                /* CNT-031 */
     assert(b >= cPeer && b <= cNum);   /* CNT-032 */
     cEpoch = a;
#ifdef NO_CURSOR
     cOut = cPeer;
#else
     cOut = b;
#endif
     cLearn(b);
     cDropConn();
     cConn = cNew;
     cNew = NONE;
     cForget();
     cAck = C_CURSOR;
     cState = ATTACHED
  :: t == REJECT && (a == BUSY_NOW || a == EPOCH_REFUSED) ->
     printf("client: reads REJECT on connection %d\n", cNew);
     cDropNew();
     if
     :: cConn != NONE && !cEnd ->
        printf("client: takes up connection %d again\n", cConn);
#ifdef READING_REJECTED_COUNTS
        cAck = C_CURSOR;
#endif
        cState = ATTACHED
     :: else -> cDropConn(); cState = DETACHED
     fi
  :: t == REJECT && a == ATTEMPT_STALE ->
     printf("client: reads REJECT(ATTEMPT_STALE) on connection %d\n", cNew);
     assert(false)
  :: t == REJECT && a == RESUME_GAP ->
     printf("client: reads REJECT(RESUME_GAP) on connection %d\n", cNew);
     assert(false)
  :: t == REJECT && a == SESSION_ENDED ->
     printf("client: reads REJECT(SESSION_ENDED) on connection %d: final cursor %d\n", cNew, b);
     assert(b <= cNum && b >= cPeer);
     cLearn(b);
     cForget();
     cSettle(b)
  :: t == REJECT && a == RESUME_REFUSED ->
     printf("client: reads REJECT(RESUME_REFUSED) on connection %d\n", cNew);
     assert(sState == FORGOTTEN);
     cSettle(UNKNOWN)
  :: t == CLOSE -> skip
  fi
}

proctype Client() {
  do
  :: FINISHED -> break

  /* establishing */
  :: d_step { cState == ESTABLISHING && len(toClient[0]) > 0 ->
       toClient[0]?t, a, b, c;
       printf("client: reads ACCEPT for a new session on connection 0: epoch %d\n", a);
       cEpoch = a;
       cState = ATTACHED }
#ifdef ENDING
  :: d_step { cState == ESTABLISHING ->
       printf("client: loses connection 0 before ACCEPT and never comes back\n");
       cDropConn();
       cState = GONE }
#endif

  /* numbers a frame, and stores it */
#ifdef NO_WRITE_AHEAD
  :: d_step { !C_OVER && !cEnd && cState != ESTABLISHING && cMade < CMSGS ->
       cMade++; cNum++; cContent[cNum] = cMade;
       printf("client: numbers content %d as message %d, in memory\n", cMade, cNum) }
  :: d_step { !C_OVER && cSent < cNum -> cSent = cNum; printf("client: stores messages through %d\n", cSent) }
#else
  :: d_step { !C_OVER && !cEnd && cState != ESTABLISHING && cMade < CMSGS ->
       cMade++; cNum++; cContent[cNum] = cMade; cSent = cNum;
       printf("client: numbers content %d as message %d and stores it\n", cMade, cNum) }
#endif
  /* sends it, or sends it again */
  :: d_step { cState == ATTACHED && !cEnd && cOut < C_MAY_SEND && ROOM_S(cConn) ->
       cOut++;
       if :: cOut > cTop -> cTop = cOut :: else fi;
       printf("client: sends message %d (content %d) on connection %d\n", cOut, cContent[cOut], cConn);
       toS(cConn, MESSAGE, cOut, cContent[cOut], 0) }

  /* takes custody; not while an attempt with a stated cursor is under way */
#ifndef RECEIVED
#ifdef NO_FORGET
  :: d_step { !C_OVER && cHeld < cRcv -> cTake(); printf("client: stores what it received through %d\n", cHeld) }
#else
  :: d_step { !C_OVER && !cEnd && cState != ATTACHING && cHeld < cRcv -> cTake(); printf("client: stores what it received through %d\n", cHeld) }
#endif
#endif
  :: d_step { cState == ATTACHED && !cEnd && cAck < C_CURSOR && ROOM_S(cConn) ->
       cAck = C_CURSOR;
       printf("client: sends ACK(%d) on connection %d\n", cAck, cConn);
       toS(cConn, ACK, cAck, 0, 0) }

  :: d_step { C_LISTENS && !cEnd && cConn != NONE && len(toClient[cConn]) > 0 -> cRead() }
  :: d_step { cState == ATTACHING && len(toClient[cNew]) > 0 -> cReadNew() }

  /* an attempt: rotation from attached, resumption from detached */
  :: d_step { (cState == DETACHED || (cState == ATTACHED && !cEnd)) && nextConn < CONNS ->
       cNew = nextConn;
       nextConn++;
       printf("client: sends CONNECT on connection %d: attempt %d, epoch %d, cursor %d\n", cNew, cNew, cEpoch, C_CURSOR);
       toS(cNew, CONNECT, cEpoch, C_CURSOR, 0);
       cState = ATTACHING }

  /* connection lost */
  :: d_step { cState == ATTACHED && MAY_LOSE(cConn) ->
       printf("client: loses connection %d\n", cConn);
       cDropConn();
       cState = DETACHED }
  :: d_step { cState == ATTACHING && cConn != NONE ->
       printf("client: loses connection %d\n", cConn);
       cDropConn() }
  :: d_step { cState == ATTACHING && MAY_LOSE(cNew) ->
       printf("client: loses connection %d\n", cNew);
       cDropNew();
#ifdef READING_ANY_FAILURE
       if
       :: cConn != NONE -> printf("client: takes up connection %d again\n", cConn); cState = ATTACHED
       :: else -> cState = DETACHED
       fi
#else
       cDropConn();
       cState = DETACHED
#endif
     }
  /* gives the attempt up in order */
  :: d_step { cState == ATTACHING && MAY_LOSE(cNew) && ROOM_S(cNew) ->
       printf("client: gives connection %d up with CLOSE before ACCEPT\n", cNew);
#ifdef READING_EARLY_CLOSE
       toS(cNew, CLOSE, ENDS, 0, 0);
#else
       toS(cNew, CLOSE, GIVES_UP, C_CURSOR, 0);
#endif
       cDropNew();
       cDropConn();
       cState = DETACHED }

#ifdef RECEIVED
  :: d_step { cCrashes < CCRASH && !C_OVER ->
       cCrashes++;
       printf("client: crashes, its session is gone\n");
       cDropConn(); cDropNew();
       cState = GONE }
#else
  :: d_step { cCrashes < CCRASH && MAY_CRASH && !C_OVER && cState != ESTABLISHING && cState != ENDING_NOW ->
       cCrashes++;
       printf("client: crashes and starts again from its store\n");
       cDropConn(); cDropNew();
       cNum = cSent; cRcv = cHeld; cTop = cSent; cOut = 0; cAck = 0;
       cState = DETACHED }
#endif

#ifdef ENDING
  /* session closed */
  :: d_step { cState == ATTACHED && ROOM_S(cConn) ->
       printf("client: sends CLOSE with END_SESSION, cursors %d and %d, on connection %d\n", cHeld, C_SEND_CURSOR, cConn);
       cEnd = true;
       cForget();
       toS(cConn, CLOSE, ENDS, cHeld, C_SEND_CURSOR);
       cState = ENDING_NOW }
  :: d_step { cState == ENDING_NOW && len(toClient[cConn]) > 0 ->
       toClient[cConn]?t, a, b, c;
       if
#ifdef READING_ANY_CLOSE
       :: t == CLOSE ->
#else
       :: t == CLOSE && a == ENDS ->
#endif
          printf("client: reads the answering CLOSE: final cursor %d\n", b); cLearn(b); cSettle(b)
       :: else -> skip
       fi }
  /* the answer is lost: the client settles without it, or asks */
  :: d_step { cState == ENDING_NOW -> printf("client: loses connection %d before the answer, and settles\n", cConn); cSettle(UNKNOWN) }
  :: d_step { cState == ENDING_NOW ->
       printf("client: loses connection %d before the answer, and will ask\n", cConn);
       cDropConn();
       cState = DETACHED }
  :: d_step { cState == DETACHED -> printf("client: its retention is over\n"); cSettle(UNKNOWN) }
#endif
  od
}

/* CONNECT in mode resume, at the server: the checks in their order. */
inline sConnect(k) {
  if
#ifdef NO_TOMBSTONE
  :: sState == ENDED || sState == FORGOTTEN -> toC(k, REJECT, RESUME_REFUSED, 0, 0); sDrop(k)
#else
  :: sState == ENDED ->
     printf("server: answers attempt %d with REJECT(SESSION_ENDED), final cursor %d\n", k, sHeld);
     toC(k, REJECT, SESSION_ENDED, sHeld, 0);
     if
     :: k != sConn -> sDrop(k)
     :: else
     fi
  :: sState == FORGOTTEN -> printf("server: answers attempt %d with REJECT(RESUME_REFUSED)\n", k); toC(k, REJECT, RESUME_REFUSED, 0, 0); sDrop(k)
#endif
#ifndef NO_ATTEMPT
  :: sState != ENDED && sState != FORGOTTEN && k <= sAttempt ->
     printf("server: answers attempt %d with REJECT(ATTEMPT_STALE)\n", k);
     toC(k, REJECT, ATTEMPT_STALE, 0, 0);
     sDrop(k)
#endif
#ifdef NO_LOWER_EPOCH
  :: sState != ENDED && sState != FORGOTTEN && k > sAttempt && a < sEpoch ->
     printf("server: refuses attempt %d: epoch %d is lower than %d\n", k, a, sEpoch);
     toC(k, REJECT, EPOCH_REFUSED, 0, 0);
     sDrop(k)
#endif
  :: else ->
     if
     :: a > sEpoch || b > sNum || b < sPeer ->
        printf("server: attempt %d states epoch %d and cursor %d; here: epoch %d, sent %d, acknowledged %d: RESUME_GAP\n", k, a, b, sEpoch, sNum, sPeer);
        assert(false)
     :: else ->
        printf("server: attempt %d states epoch %d and cursor %d\n", k, a, b);
        /* fencing: the former connection is closed, nothing of it counts any more */
        if
        :: sConn != NONE ->
           printf("server: sends CLOSE(SUPERSEDED) on connection %d\n", sConn);
           toC(sConn, CLOSE, SUPERSEDED, sHeld, sOut);
#ifndef NO_FENCE
           sDrop(sConn)
#endif
        :: else
        fi;
        sForget();
#ifdef NO_CURSOR
        sOut = sPeer;
#else
        sOut = b;
#endif
        sLearn(b);
        sConn = k;
        sFormer[k] = true;
#ifdef NO_EPOCH_FIRST
        printf("server: sends ACCEPT on connection %d: epoch %d, cursor %d, before storing the epoch\n", k, sEpoch + 1, S_CURSOR);
        toC(k, ACCEPT, sEpoch + 1, S_CURSOR, 0);
        sAck = S_CURSOR;
        unwritten = true;
        sState = ATTACHED
#else
        sEpoch++;
        sAttempt = k;
        printf("server: raises the epoch to %d\n", sEpoch);
        sState = ACCEPTING
#endif
     fi
  fi
}

inline sRead(k) {
  toServer[k]?t, a, b, c;
  if
  :: t == CONNECT -> sConnect(k)
  :: t == MESSAGE && S_TAKES(k) ->
     printf("server: takes message %d on connection %d\n", a, k);
     assert(a == sRcv + 1);
     sRcv = a;
     sGot[a] = b;
     sHoldsAll()
  :: t == ACK && S_CARRIES(k) ->
     printf("server: reads ACK(%d) on connection %d\n", a, k);
     assert(a > sPeer && a <= sNum);
     sLearn(a)
  :: t == CLOSE && S_CARRIES(k) && a == GIVES_UP ->
     printf("server: reads the CLOSE of an attempt given up on connection %d\n", k);
     sDrop(k);
     sState = DETACHED
#ifdef ENDING
  :: t == CLOSE && a == ENDS && S_CARRIES(k) ->
     printf("server: reads CLOSE with END_SESSION, cursors %d and %d, on connection %d and answers\n", b, c, k);
#ifndef READING_EARLY_CLOSE
     assert(b <= sNum && c == sRcv); /* SES-013 */
#endif
     sLearn(b);
     sForget();
     toC(k, CLOSE, ENDS, sHeld, S_SEND_CURSOR);
     sDrop(k);
     sState = ENDED;
     sSettle(b)
  :: t == CLOSE && a == ENDS && sState == ENDED && sConn == k && !sSettled ->
     printf("server: reads CLOSE in closing: final cursor %d\n", b);
     sLearn(b);
     sDrop(k);
     sSettle(b)
#endif
  :: t == CLOSE && !S_CARRIES(k) && k != sConn -> sDrop(k)
  :: else -> skip /* fenced, or closing: discarded */
  fi
}

#define READ(k) :: d_step { S_READS(k) && len(toServer[k]) > 0 && !(sState == ACCEPTING && sConn == k) && !unwritten -> sRead(k) }
#define LOSE(k) :: d_step { S_READS(k) && MAY_LOSE(k) && k < nextConn && k != sConn -> printf("server: loses connection %d\n", k); sDrop(k) }
#define REFUSE(k) :: d_step { busy < BUSY && S_READS(k) && k < LAST && toServer[k]?[CONNECT, a, b, c] && (sState == ATTACHED || sState == DETACHED) && k > sAttempt -> \
    toServer[k]?t, a, b, c; \
    busy++; \
    printf("server: answers attempt %d (cursor %d) with REJECT(BUSY)\n", k, b); \
    REJECTED_COUNTS(b); \
    toC(k, REJECT, BUSY_NOW, 0, 0); \
    sDrop(k) }
#ifdef READING_REJECTED_COUNTS
#define REJECTED_COUNTS(x) sLearn(x)
#else
#define REJECTED_COUNTS(x) skip
#endif

proctype Server() {
  do
  :: FINISHED -> break

  /* numbers a frame, and stores it */
#ifdef NO_WRITE_AHEAD
  :: d_step { (sState == ATTACHED || sState == DETACHED || sState == ACCEPTING) && sMade < SMSGS && S_MAY_MAKE ->
       sMade++; sNum++; sContent[sNum] = sMade;
       printf("server: numbers content %d as message %d, in memory\n", sMade, sNum) }
  :: d_step { sSent < sNum && sState != FORGOTTEN -> sSent = sNum; printf("server: stores messages through %d\n", sSent) }
#else
  :: d_step { (sState == ATTACHED || sState == DETACHED || sState == ACCEPTING) && sMade < SMSGS && S_MAY_MAKE ->
       sMade++; sNum++; sContent[sNum] = sMade; sSent = sNum;
       printf("server: numbers content %d as message %d and stores it\n", sMade, sNum) }
#endif
  :: d_step { sState == ATTACHED && sOut < S_MAY_SEND && ROOM_C(sConn) ->
       sOut++;
       if :: sOut > sTop -> sTop = sOut :: else fi;
       printf("server: sends message %d (content %d) on connection %d\n", sOut, sContent[sOut], sConn);
       toC(sConn, MESSAGE, sOut, sContent[sOut], 0) }

#ifndef RECEIVED
#ifdef NO_FORGET
  :: d_step { sHeld < sRcv && sState != FORGOTTEN -> sTake(); printf("server: stores what it received through %d\n", sHeld) }
#else
  :: d_step { (sState == ATTACHED || sState == DETACHED) && sHeld < sRcv -> sTake(); printf("server: stores what it received through %d\n", sHeld) }
#endif
#endif
  :: d_step { sState == ATTACHED && sAck < S_CURSOR && ROOM_C(sConn) ->
       sAck = S_CURSOR;
       printf("server: sends ACK(%d) on connection %d\n", sAck, sConn);
       toC(sConn, ACK, sAck, 0, 0) }

  READ(0)
  READ(1)
#if CONNS > 2
  READ(2)
#endif
#if CONNS > 3
  READ(3)
#endif

#if BUSY > 0
  REFUSE(1)
#if CONNS > 2
  REFUSE(2)
#endif
#endif

  :: d_step { sState == ACCEPTING && ROOM_C(sConn) ->
       printf("server: sends ACCEPT on connection %d: epoch %d, cursor %d\n", sConn, sEpoch, S_CURSOR);
       toC(sConn, ACCEPT, sEpoch, S_CURSOR, 0);
       sAck = S_CURSOR;
       sState = ATTACHED }
#ifdef NO_EPOCH_FIRST
  :: d_step { unwritten -> sEpoch++; sAttempt = sConn; unwritten = false; printf("server: stores epoch %d\n", sEpoch) }
#endif

  /* connection lost */
  :: d_step { (sState == ATTACHED || sState == ACCEPTING) && sConn != NONE && MAY_LOSE(sConn) && !unwritten ->
       printf("server: loses connection %d\n", sConn);
       sDrop(sConn);
       sState = DETACHED }
  LOSE(0)
  LOSE(1)
#if CONNS > 2
  LOSE(2)
#endif
#if CONNS > 3
  LOSE(3)
#endif
  /* connection ended: CLOSE without END_SESSION; what still arrives on it is discarded */
#if CUT > 0
  :: d_step { sState == ATTACHED && cuts < CUT && MAY_LOSE(sConn) && ROOM_C(sConn) ->
       cuts++;
       printf("server: sends CLOSE without END_SESSION, cursors %d and %d, on connection %d\n", sHeld, S_SEND_CURSOR, sConn);
       toC(sConn, CLOSE, DETACHES, sHeld, S_SEND_CURSOR);
       sDrop(sConn);
       sState = DETACHED }
#endif

#ifdef RECEIVED
  :: d_step { sCrashes < SCRASH && !S_OVER ->
       sCrashes++;
       printf("server: crashes, its sessions are gone\n");
       i = 0;
       do
       :: i < nextConn -> drain(toServer[i]); sDead[i] = true; i++
       :: else -> break
       od;
       sConn = NONE;
       sLost = true;
       sState = FORGOTTEN }
#else
  :: d_step { sCrashes < SCRASH && MAY_CRASH && sState != ENDED && sState != FORGOTTEN ->
       sCrashes++;
       printf("server: crashes and starts again from its store\n");
       i = 0;
       do
       :: i < nextConn -> drain(toServer[i]); sDead[i] = true; i++
       :: else -> break
       od;
       sConn = NONE; unwritten = false;
       sNum = sSent; sRcv = sHeld; sTop = sSent; sOut = 0; sAck = 0;
       sState = DETACHED }
#endif

#ifdef ENDING
  /* session closed */
  :: d_step { sState == ATTACHED && ROOM_C(sConn) ->
       printf("server: sends CLOSE with END_SESSION, cursors %d and %d, on connection %d\n", sHeld, S_SEND_CURSOR, sConn);
       sForget();
       toC(sConn, CLOSE, ENDS, sHeld, S_SEND_CURSOR);
       sState = ENDED }
  :: d_step { sState == ENDED && !sSettled -> printf("server: gets no answer, and settles\n"); sDrop(sConn); sSettle(UNKNOWN) }
  :: d_step { sState == DETACHED -> printf("server: the retention is over\n"); sForget(); sState = ENDED; sSettle(UNKNOWN) }
  :: d_step { sState == ENDED && sSettled && !C_OVER -> printf("server: the final cursors have expired\n"); sState = FORGOTTEN }
#endif
  od
}

#ifdef ENDING
/* Every message has exactly one outcome, it is true, and where both ends know the final cursors they derive the same. */
#define ACCEPTED 0
#define NOT_DELIVERED 1
#define DOUBTFUL 2

proctype Outcomes() {
  byte m;
  byte at;
  byte derived;
  FINISHED ->
  d_step {
    m = 1;
    do
    :: m <= cNum && cState == ENDED ->
       assert(cSettled);
       /* what the client reports of its message m */
       if
#ifdef VERDICTS
       :: m <= cHeld -> at = ACCEPTED
       :: m > cHeld && (m > cTop || (cFinal != UNKNOWN && m > cFinal)) -> at = NOT_DELIVERED
#else
       :: m <= cPeer -> at = ACCEPTED
       :: m > cPeer && (m > cTop || (cFinal != UNKNOWN && m > cFinal)) -> at = NOT_DELIVERED
#endif
       :: else -> at = DOUBTFUL
       fi;
       /* what the server knows of it */
       if
#ifdef VERDICTS
       :: m > sHeld -> derived = NOT_DELIVERED
       :: m <= sHeld && (m <= sPeer || m <= cHeld && sFinal == UNKNOWN) -> derived = ACCEPTED
       :: else -> derived = DOUBTFUL
#else
       :: m <= sHeld -> derived = ACCEPTED
       :: else -> derived = NOT_DELIVERED
#endif
       fi;
       printf("message %d of the client: %d at the client, %d at the server\n", m, at, derived);
       assert(at != ACCEPTED || m <= sHeld);
       assert(at != NOT_DELIVERED || m > sHeld);
       assert(at == derived || cFinal == UNKNOWN || sFinal == UNKNOWN);
       m++
    :: else -> break
    od;
#ifndef VERDICTS
    m = 1;
    do
    :: m <= sNum && !sLost ->
       assert(sSettled);
       if
       :: m <= sPeer -> at = ACCEPTED
       :: m > sPeer && (m > sTop || (sFinal != UNKNOWN && m > sFinal)) -> at = NOT_DELIVERED
       :: else -> at = DOUBTFUL
       fi;
       printf("message %d of the server: %d at the server, held by the client through %d\n", m, at, cHeld);
       assert(at != ACCEPTED || m <= cHeld);
       assert(at != NOT_DELIVERED || m > cHeld);
       assert(at != DOUBTFUL || sFinal == UNKNOWN);
       m++
    :: else -> break
    od
#endif
  }
}
#endif

init {
  atomic {
    sFormer[0] = true;
    toClient[0]!ACCEPT, 1, 0, 0;
    run Client();
    run Server();
#ifdef ENDING
    run Outcomes()
#endif
  }
}

import { createHash } from 'node:crypto';

/**
 * The steps of the Redis store, each one script and so one step for everybody. [CNT-027] [CNT-038]
 *
 * All keys of a store carry its prefix as hash tag, so they are in one slot of a cluster, also those that a script
 * derives from the owner in the head.
 *
 * | Key | Is |
 * |---|---|
 * | `{prefix}:head:ID` | hash: header, `state` (`attached`, `detached`, `ended`), `writer` and `seq`, cursors `rc`, `sc` |
 * | `{prefix}:body:ID` | hash: the entries, and one field without a name that keeps a body without entries alive |
 * | `{prefix}:attached:OWNER` | sorted set: sessions of a client, by the end of their leases |
 * | `{prefix}:detached:OWNER` | sorted set: sessions of a client, by when they expire |
 * | `{prefix}:ids:ROLE` | set: all sessions |
 *
 * A session lives as long as its body; the head outlives it by one more retention, for its cursors. Redis lets both
 * expire by itself, so nobody has to be there for it. What a script is given is `prefix`, `writer` and `seq` first.
 *
 * `writer` is the store object that holds the session and `seq` the number of its last change: an older change that was
 * stuck in a connection finds a greater number, or another writer, and changes nothing.
 *
 * Numbers stay text: Lua would print those from 10^14 rounded.
 */
export interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

const PRELUDE = `
local prefix, writer, seq, lease = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local function key(kind, name) return prefix .. ':' .. kind .. ':' .. name end
local function whole(number) return string.format('%.0f', number) end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local FIELDS = {'role', 'owner', 'epoch', 'attempt', 'retention', 'state', 'writer', 'seq', 'rc', 'sc'}
local function read(id)
  local values = redis.call('HMGET', key('head', id), unpack(FIELDS))
  if not values[1] then return nil end
  local head = {id = id}
  for index, field in ipairs(FIELDS) do head[field] = values[index] end
  head.ret = tonumber(head.retention)
  local body = head.state ~= 'ended' and redis.call('EXISTS', key('body', id)) == 1
  head.phase = body and 'live' or (head.rc and 'ended' or 'gone')
  return head
end
local function held(head, epoch)
  return head and head.phase == 'live' and head.epoch == epoch and head.writer == writer
end
local function outlive(index, ms)
  if redis.call('PTTL', index) < ms then redis.call('PEXPIRE', index, whole(ms)) end
end
local function renew(head)
  redis.call('PEXPIRE', key('body', head.id), whole(lease + head.ret))
  redis.call('PEXPIRE', key('head', head.id), whole(lease + 2 * head.ret))
  if head.role ~= 'server' then return end
  local index = key('attached', head.owner)
  redis.call('ZADD', index, whole(now() + lease), head.id)
  outlive(index, lease + head.ret)
end
local function leaveIndexes(head)
  redis.call('ZREM', key('attached', head.owner), head.id)
  redis.call('ZREM', key('detached', head.owner), head.id)
end
local function attach(head)
  redis.call('HSET', key('head', head.id), 'state', 'attached')
  leaveIndexes(head)
  renew(head)
end
local function detach(head)
  redis.call('HSET', key('head', head.id), 'state', 'detached')
  redis.call('PEXPIRE', key('body', head.id), whole(head.ret))
  redis.call('PEXPIRE', key('head', head.id), whole(2 * head.ret))
  leaveIndexes(head)
  if head.role ~= 'server' then return end
  local index = key('detached', head.owner)
  redis.call('ZADD', index, whole(now() + head.ret), head.id)
  outlive(index, head.ret)
end
local function putCursors(id, rc, sc)
  if rc ~= '' then redis.call('HSET', key('head', id), 'rc', rc, 'sc', sc) end
end
local function put(id, from)
  local body = key('body', id)
  for index = from, #ARGV, 2 do redis.call('HSET', body, ARGV[index], ARGV[index + 1]) end
end
local function header(head)
  return {head.id, head.role, head.owner, head.epoch, head.attempt, head.retention}
end
local function session(head)
  return {'session', header(head), redis.call('HGETALL', key('body', head.id))}
end
`;

function script(text: string): RedisScript {
  const whole = PRELUDE + text;
  return { text: whole, sha1: createHash('sha1').update(whole).digest('hex') };
}

/** Arguments: id, role, owner, epoch, attempt, retention, cursors, then keys and values. */
export const CREATE: RedisScript = script(`
local id, role, owner, epoch, attempt, retention, rc, sc = unpack(ARGV, 5, 12)
local former = read(id)
if former and former.phase ~= 'gone' then return {'exists'} end
if former then leaveIndexes(former) end
redis.call('DEL', key('head', id), key('body', id))
redis.call('HSET', key('head', id), 'role', role, 'owner', owner, 'epoch', epoch, 'attempt', attempt,
  'retention', retention, 'writer', writer, 'seq', seq)
putCursors(id, rc, sc)
redis.call('HSET', key('body', id), '', '')
put(id, 13)
redis.call('SADD', key('ids', role), id)
attach(read(id))
return {'committed'}
`);

/** Arguments: id, owner, attempt, epoch stated. The order of the checks is that of section 12.4. */
export const ATTACH: RedisScript = script(`
local id, owner, attempt, stated = unpack(ARGV, 5, 8)
local head = read(id)
if not head or head.phase == 'gone' or head.owner ~= owner then return {'unknown'} end
if head.phase == 'ended' then return {'ended', head.rc, head.sc, head.epoch} end
if tonumber(attempt) <= tonumber(head.attempt) then return {'stale'} end
if tonumber(stated) > tonumber(head.epoch) then return {'ahead', header(head), head.rc, head.sc} end
redis.call('HINCRBY', key('head', id), 'epoch', 1)
redis.call('HSET', key('head', id), 'attempt', attempt, 'writer', writer, 'seq', seq)
head = read(id)
attach(head)
return session(head)
`);

/** Arguments: id, epoch, cursors, number of deletions, their keys, then keys and values. */
export const COMMIT: RedisScript = script(`
local id, epoch, rc, sc, deletions = unpack(ARGV, 5, 9)
local head = read(id)
if not held(head, epoch) then return {'fenced'} end
if tonumber(seq) <= tonumber(head.seq) then return {'committed'} end
for index = 10, 9 + deletions do redis.call('HDEL', key('body', id), ARGV[index]) end
put(id, 10 + deletions)
putCursors(id, rc, sc)
redis.call('HSET', key('head', id), 'seq', seq)
if head.state == 'attached' then renew(head) end
return {'committed'}
`);

/** Arguments: id, epoch held, new epoch and new attempt, either of them empty for none. */
export const NOTE: RedisScript = script(`
local id, held_epoch, epoch, attempt = unpack(ARGV, 5, 8)
local head = read(id)
if not held(head, held_epoch) or tonumber(seq) <= tonumber(head.seq) then return {'fenced'} end
if epoch ~= '' and tonumber(epoch) <= tonumber(head.epoch) then return {'fenced'} end
if attempt ~= '' and tonumber(attempt) <= tonumber(head.attempt) then return {'fenced'} end
redis.call('HSET', key('head', id), 'seq', seq)
if attempt ~= '' then redis.call('HSET', key('head', id), 'attempt', attempt) end
if epoch ~= '' then
  redis.call('HSET', key('head', id), 'epoch', epoch)
  attach(head)
end
return {'committed'}
`);

/** Arguments: id, epoch, cursors. */
export const END: RedisScript = script(`
local id, epoch, rc, sc = unpack(ARGV, 5, 8)
local head = read(id)
if not head or head.epoch ~= epoch or head.phase == 'gone' then return {'fenced'} end
if head.phase == 'ended' then return {head.rc == rc and head.sc == sc and 'committed' or 'fenced'} end
redis.call('DEL', key('body', id))
redis.call('HSET', key('head', id), 'state', 'ended')
putCursors(id, rc, sc)
redis.call('PEXPIRE', key('head', id), head.retention)
redis.call('SREM', key('ids', head.role), id)
leaveIndexes(head)
return {'committed'}
`);

/** Arguments: id, epoch, cursors or empty. */
export const DETACH: RedisScript = script(`
local id, epoch, rc, sc = unpack(ARGV, 5, 8)
local head = read(id)
if not held(head, epoch) then return {'fenced'} end
putCursors(id, rc, sc)
if head.state == 'attached' then detach(head) end
return {'committed'}
`);

/** Arguments: id. Takes a client's session over; the process that had it attached is no more. */
export const LOAD: RedisScript = script(`
local id = ARGV[5]
local head = read(id)
if not head or head.phase ~= 'live' then return {'unknown'} end
if head.role == 'client' then
  if head.writer ~= writer and head.state == 'attached' then detach(head) end
  redis.call('HSET', key('head', id), 'writer', writer, 'seq', seq)
end
return session(head)
`);

/** Arguments: role, cursor of the scan. Returns the next cursor and the headers of live sessions; forgets dead ones. */
export const LIST: RedisScript = script(`
local ids = key('ids', ARGV[5])
local scan = redis.call('SSCAN', ids, ARGV[6], 'COUNT', 200)
local result = {scan[1]}
for _, id in ipairs(scan[2]) do
  local head = read(id)
  if head and head.phase == 'live' then result[#result + 1] = header(head) else redis.call('SREM', ids, id) end
end
return result
`);

/** Arguments: owner. Sessions whose lease ran out have lost their server, and count. */
export const COUNT: RedisScript = script(`
local owner, time = ARGV[5], whole(now())
local attached, detached = key('attached', owner), key('detached', owner)
redis.call('ZREMRANGEBYSCORE', detached, '-inf', time)
local count = redis.call('ZCARD', detached)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', attached, '-inf', time)) do
  if redis.call('EXISTS', key('body', id)) == 1 then count = count + 1 else redis.call('ZREM', attached, id) end
end
return {tostring(count)}
`);

/** Arguments: ids that the writer holds. Renews their leases, and says what became of each. */
export const SWEEP: RedisScript = script(`
local result = {}
for index = 5, #ARGV do
  local head = read(ARGV[index])
  if not head then
    result[#result + 1] = 'expired'
  elseif head.writer ~= writer or head.state == 'ended' then
    result[#result + 1] = 'lost'
  elseif head.phase ~= 'live' then
    redis.call('HSET', key('head', head.id), 'writer', '')
    result[#result + 1] = 'expired'
  else
    if head.state == 'attached' then renew(head) end
    result[#result + 1] = 'held'
  end
end
return result
`);

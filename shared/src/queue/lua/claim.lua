-- Start of a run: the worker that holds a job's token asks whether it may run it. Harmless on re-delivery.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  worker; ARGV[2] id of the job; ARGV[3] claim key: unique per delivery, so that a repeated call gets the same answer
-- ARGV[4]  lease in ms; ARGV[5] crashed runs after which the job is poison
-- Answer   {'claimed', fence, entity, wants, starts, failures, crashes, waited ms, rescued 0|1}
--          {'not_yet', Redis time in ms}  somebody runs it, or it waits: the token is in delayed until then
--          {'poison', reason}             the job went to the dead set
--          {'gone'}                       finished or dropped, or the token is no longer this worker's
--
-- Invariants: an entity has one live run at most. The start is counted before the handler sees the job; a claim that finds the
-- former run neither finished nor alive counts a crash (J3). What was asked for during a crashed run is part of this one.
local worker, id, key, lease_ms, crash_limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local job = META .. id
local f = redis.call('HMGET', job, 's', 'e', 'w', 'd', 'o', 'u', 'n', 'attempts', 'f', 'c')
local state, entity, due_ms, owner, until_ms = f[1], f[2], tonumber(f[4] or '0'), f[5], tonumber(f[6] or '0')

local function claimed(fence, wants, starts, crashes, waited_ms, rescued)
  return { 'claimed', fence, entity, wants, starts, f[9] or '0', crashes, waited_ms, rescued }
end

-- The answer to the first call was lost; this worker runs the job already.
if state == 'x' and owner == worker .. '/' .. key then
  return claimed(f[7], f[3], f[8], f[10] or '0', '0', '0')
end
if redis.call('SISMEMBER', INFLIGHT .. worker, id) == 0 then
  return { 'gone' }
end

local function park(time_ms)
  redis.call('SREM', INFLIGHT .. worker, id)
  redis.call('ZADD', DELAYED, int(time_ms), id)
  return { 'not_yet', int(time_ms) }
end

if not state or state == 'z' then
  redis.call('SREM', INFLIGHT .. worker, id)
  erase(id, true)
  return { 'gone' }
end
if state == 'k' then
  redis.call('SREM', INFLIGHT .. worker, id)
  redis.call('HDEL', DATA, id)
  redis.call('HDEL', job, 'lt')
  return { 'gone' }
end
if state == 'w' and due_ms > NOW_MS then
  return park(due_ms)
end
if state == 'x' and until_ms > NOW_MS then
  return park(until_ms + 1)
end
local holder = redis.call('HGET', RUNNING, entity)
if holder and holder ~= id then
  local holder_until_ms = tonumber(redis.call('HGET', META .. holder, 'u') or '0')
  if holder_until_ms > NOW_MS then
    return park(holder_until_ms + 1)
  end
end

local wants, crashes, waited_ms, rescued = f[3], f[10] or '0', int(math.max(0, NOW_MS - due_ms)), '0'
if state == 'x' then
  crashes = int(redis.call('HINCRBY', job, 'c', 1))
  waited_ms, rescued = '0', '1'
  if tonumber(crashes) >= crash_limit then
    redis.call('SREM', INFLIGHT .. worker, id)
    local reason = 'poison: ' .. crashes .. ' runs crashed'
    bury(id, entity, true, reason)
    -- Should the run that counts as crashed still come back, its fence no longer fits.
    redis.call('HDEL', job, 'n')
    return { 'poison', reason }
  end
  absorb_follow_up(id)
  wants = redis.call('HGET', job, 'w')
end

local fence = issue()
local starts = int(tonumber(f[8]) + 1)
redis.call('HSET', job, 'attempts', starts, 's', 'x', 'n', fence, 'u', int(NOW_MS + lease_ms), 'o', worker .. '/' .. key)
redis.call('HSET', RUNNING, entity, id)
if redis.call('HGET', WAITING, entity) == id then
  redis.call('HDEL', WAITING, entity)
end
return claimed(fence, wants, starts, crashes, waited_ms, rescued)

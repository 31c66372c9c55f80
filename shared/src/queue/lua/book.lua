-- Shared by all scripts of the book; put in front of each when the program is built.
--
-- KEYS[1]  prefix of every key of one queue, e.g. {kanzleisync:beteiligte}. Further names are derived from it: they share
--          its hash tag, so they live on one node.
--
-- Time is Redis' own (TIME), in every script: clocks of the machines may differ by minutes.
--
-- Invariants that all scripts keep:
--   * An entity has at most one job that waits or runs (hashes waiting and running).
--   * A job has exactly one token: its id in the active list, in one worker's in-flight set, in delayed or in dead. Tokens are
--     moved, never copied. Whoever ends a job whose token is elsewhere (re-delivered after missed heartbeats) leaves a
--     tombstone; whoever then meets the token removes both. So an id in the active list always has its data and its meta hash:
--     apalis-redis' fetch fails for ever on an id that has none.
local P = KEYS[1]
local ACTIVE, DATA, META, INFLIGHT = P .. ':active', P .. ':data', P .. ':meta:', P .. ':inflight:'
local WAITING, RUNNING = P .. ':book:waiting', P .. ':book:running'
local DELAYED, DEAD = P .. ':book:delayed', P .. ':book:dead'
local ISSUED, WAKE = P .. ':book:issued', P .. ':wake'

local time = redis.call('TIME')
local NOW_US = tonumber(time[1]) * 1000000 + tonumber(time[2])
local NOW_MS = math.floor(NOW_US / 1000)

-- Lua prints large numbers as 1.7e+15; Redis keeps what it is given.
local function int(number)
  return string.format('%.0f', number)
end

-- A number never given before in this queue: Redis' time in microseconds, moved on where two fall together. Being a time, it
-- stays fresh even when a power cut takes the last second of the append-only file, or Redis is wiped.
local function issue()
  local number = math.max(NOW_US, tonumber(redis.call('GET', ISSUED) or '0') + 1)
  local text = int(number)
  redis.call('SET', ISSUED, text)
  return text
end

local function wake()
  redis.call('PUBLISH', WAKE, '1')
end

-- Hands an id to the workers. apalis-redis wants its data (the arguments; ours are in the meta hash, so a JSON number will do).
local function make_ready(id)
  redis.call('HSET', DATA, id, '0')
  redis.call('RPUSH', ACTIVE, id)
end

-- Takes the token of a job out of where its runner can have left it. False: somebody else holds it.
local function take_token(worker, id)
  return redis.call('SREM', INFLIGHT .. worker, id) == 1 or redis.call('ZREM', DELAYED, id) == 1
end

-- The end of a job: nothing of it remains, or a tombstone for the one who holds its token.
local function erase(id, token_taken)
  if token_taken then
    redis.call('DEL', META .. id)
    redis.call('HDEL', DATA, id)
  else
    redis.call('HSET', META .. id, 's', 'z')
  end
end

local function merge_wants(id, field, wants)
  local old = tonumber(redis.call('HGET', META .. id, field) or '0')
  redis.call('HSET', META .. id, field, int(bit.tobit(bit.bor(old, tonumber(wants))) % 4294967296))
end

-- Moves what was asked for during a run into the wants of the next run of the same job.
local function absorb_follow_up(id)
  local asked = redis.call('HGET', META .. id, 'fw')
  if asked then
    merge_wants(id, 'w', asked)
    redis.call('HDEL', META .. id, 'fw')
  end
end

-- Ends the run of a job and lets it wait, due at due_ms.
local function back_to_waiting(id, entity, due_ms)
  absorb_follow_up(id)
  redis.call('HSET', META .. id, 's', 'w', 'd', int(due_ms))
  if redis.call('HGET', RUNNING, entity) == id then
    redis.call('HDEL', RUNNING, entity)
  end
  redis.call('HSET', WAITING, entity, id)
end

-- Puts a job whose run has ended badly into the dead set, with its reason.
local function bury(id, entity, token_taken, reason)
  absorb_follow_up(id)
  redis.call('HSET', META .. id, 's', 'k', 'why', reason)
  if redis.call('HGET', RUNNING, entity) == id then
    redis.call('HDEL', RUNNING, entity)
  end
  redis.call('ZADD', DEAD, int(NOW_MS), id)
  if token_taken then
    redis.call('HDEL', DATA, id)
  else
    redis.call('HSET', META .. id, 'lt', '1')
  end
end

-- One trigger of an entity (J2). Answers what became of it, the id of the job that will serve it, and whether there is work to
-- wake somebody for. Results: new; waiting (merged into the job that waits); forward (merged, and brought forward out of its
-- back-off); running (the running job is followed by one more run).
local function trigger(entity, wants, operator)
  local id = redis.call('HGET', WAITING, entity)
  if id then
    merge_wants(id, 'w', wants)
    if operator and tonumber(redis.call('HGET', META .. id, 'd')) > NOW_MS then
      redis.call('HSET', META .. id, 'd', int(NOW_MS))
      if redis.call('ZREM', DELAYED, id) == 1 then
        make_ready(id)
      end
      return 'forward', id, true
    end
    return 'waiting', id, false
  end
  id = redis.call('HGET', RUNNING, entity)
  if id then
    merge_wants(id, 'fw', wants)
    return 'running', id, false
  end
  id = issue()
  redis.call('HSET', META .. id, 'attempts', '0', 'max_attempts', '1', 'status', 'Pending',
    's', 'w', 'e', entity, 'w', wants, 'd', int(NOW_MS))
  redis.call('HSET', WAITING, entity, id)
  make_ready(id)
  return 'new', id, true
end

-- End of a run: writes its outcome, gives the entity's slot back, makes the follow-up job where one was asked for.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  worker; ARGV[2] id of the job; ARGV[3] fence of the run
-- ARGV[4]  done | retry (a failure) | snooze (counts nothing) | dead
-- ARGV[5]  delay in ms, of retry and snooze; ARGV[6] reason, of retry and dead, without personal data
-- ARGV[7]  wants bits of a follow-up that the run itself asks for (done only), or ''
-- Answer   'finished'; 'again': this very outcome was written before (its answer was lost); 'stale': the run is not, or no
--          longer, the job's run, nothing was changed
--
-- Invariants: one outcome per run. Triggers that came during the run are served: by the job's next run where it waits again, by
-- exactly one new job where it ended.
local worker, id, fence, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local job = META .. id
local f = redis.call('HMGET', job, 's', 'n', 'e', 'fw')
local state, entity, asked = f[1], f[3], f[4]
if f[2] ~= fence then
  return 'stale'
end
if state ~= 'x' then
  return 'again'
end

local token_taken = take_token(worker, id)
if outcome == 'retry' or outcome == 'snooze' then
  local due_ms = NOW_MS + tonumber(ARGV[5])
  back_to_waiting(id, entity, due_ms)
  if outcome == 'retry' then
    redis.call('HINCRBY', job, 'f', 1)
    redis.call('HSET', job, 'why', ARGV[6])
  end
  if token_taken then
    redis.call('ZADD', DELAYED, int(due_ms), id)
  end
  return 'finished'
end

if outcome == 'dead' then
  redis.call('HDEL', job, 'fw')
  bury(id, entity, token_taken, ARGV[6])
else
  if redis.call('HGET', RUNNING, entity) == id then
    redis.call('HDEL', RUNNING, entity)
  end
  erase(id, token_taken)
end
local made = false
if asked then
  made = true
  trigger(entity, asked, false)
end
if ARGV[7] ~= '' then
  made = true
  trigger(entity, ARGV[7], false)
end
if made then
  wake()
end
return 'finished'

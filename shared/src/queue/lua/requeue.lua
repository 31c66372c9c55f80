-- Puts dead jobs back to work, counters reset, ready at once.
--
-- KEYS[1]  prefix of the queue
-- ARGV     ids of dead jobs, at most 1,000; others are skipped
-- Answer   how many went back
--
-- Where a younger job of the entity waits or runs, the dead one's wants are merged into it and the dead one is gone (J2).
local requeued = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', DEAD, id) == 1 then
    local job = META .. id
    local f = redis.call('HMGET', job, 'e', 'w', 'lt')
    local entity, token_taken = f[1], not f[3]
    if redis.call('HEXISTS', WAITING, entity) == 1 or redis.call('HEXISTS', RUNNING, entity) == 1 then
      trigger(entity, f[2], true)
      erase(id, token_taken)
    else
      redis.call('HSET', job, 's', 'w', 'd', int(NOW_MS), 'attempts', '0')
      redis.call('HDEL', job, 'f', 'c', 'why', 'lt')
      redis.call('HSET', WAITING, entity, id)
      if token_taken then
        make_ready(id)
      end
    end
    requeued = requeued + 1
  end
end
if requeued > 0 then
  wake()
end
return requeued

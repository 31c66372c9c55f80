-- Withdraws what waits for an entity (its record was deleted): the waiting job, or the follow-up of the running one.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  entity
-- Answer   1: something was withdrawn, 0: nothing waited
local id = redis.call('HGET', WAITING, ARGV[1])
if id then
  redis.call('HDEL', WAITING, ARGV[1])
  -- The active list cannot be searched cheaply: a token in it meets the tombstone.
  erase(id, redis.call('ZREM', DELAYED, id) == 1)
  return 1
end
id = redis.call('HGET', RUNNING, ARGV[1])
return id and redis.call('HDEL', META .. id, 'fw') or 0

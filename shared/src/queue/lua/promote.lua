-- Makes delayed jobs ready whose time has come. Any number of processes may call it, at any time.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  how many at most, 1,000 or fewer (Lua's unpack has a limit, and Redis serves nobody meanwhile; QUEUE 3, defect 1)
-- Answer   {number made ready, ms until the next is due; -1: none waits}
local ids = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', int(NOW_MS), 'LIMIT', 0, tonumber(ARGV[1]))
if #ids > 0 then
  redis.call('ZREM', DELAYED, unpack(ids))
  local data = {}
  for _, id in ipairs(ids) do
    data[#data + 1] = id
    data[#data + 1] = '0'
  end
  redis.call('HSET', DATA, unpack(data))
  redis.call('RPUSH', ACTIVE, unpack(ids))
  wake()
end
local next_due = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return { #ids, next_due[2] and math.max(0, tonumber(next_due[2]) - NOW_MS) or -1 }

-- How many jobs are in which state; a fixed number of reads whatever the backlog.
--
-- KEYS[1]  prefix of the queue
-- Answer   {ready, delayed, running, dead, age of the oldest ready job in ms, live workers}
--
-- ready is what waits minus what is delayed. For the moments in which the token of a running job is in delayed (re-delivered
-- during its run) both are off by that job. The oldest is looked for among the first ten of the line: orphans join at the end.
local waiting, delayed = redis.call('HLEN', WAITING), redis.call('ZCARD', DELAYED)
local oldest_ms = 0
for _, id in ipairs(redis.call('LRANGE', ACTIVE, 0, 9)) do
  local f = redis.call('HMGET', META .. id, 's', 'd')
  if f[1] == 'w' then
    oldest_ms = math.max(oldest_ms, NOW_MS - tonumber(f[2]))
  end
end
return { math.max(0, waiting - delayed), delayed, redis.call('HLEN', RUNNING), redis.call('ZCARD', DEAD), oldest_ms,
  redis.call('ZCARD', P .. ':workers') }

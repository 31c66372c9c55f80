-- How many jobs are in which state; a fixed number of reads whatever the backlog.
--
-- KEYS[1]  prefix of the queue
-- Answer   {ready, delayed, running, dead, age of the oldest ready job in ms, live workers, 1: paused}
--
-- Workers by their last sign of life, not by who was forgotten: where nobody is left to tend, nobody forgets.
-- The oldest is looked for among the first ten of each list: rescued jobs go to the head.
local delayed, running, dead = redis.call('ZCARD', DELAYED), redis.call('ZCARD', RUNNING), redis.call('ZCARD', DEAD)
local oldest_ms = 0
for _, list in ipairs({ EVENTS, SCANS, ALONE }) do
  local first = redis.call('LRANGE', list, 0, 9)
  load(first)
  for _, entity in ipairs(first) do
    local job = job_of(entity)
    if job.state == 'r' then
      oldest_ms = math.max(oldest_ms, NOW_MS - job.since_ms)
    end
  end
end
return { redis.call('HLEN', JOBS) - delayed - running - dead, delayed, running, dead, oldest_ms,
  redis.call('ZCOUNT', WORKERS, int(NOW_MS - WORKER_GONE_MS), '+inf'), redis.call('EXISTS', PAUSED) }

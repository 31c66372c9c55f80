-- What time brings: delayed jobs become due, leases run out, dead jobs are forgotten. Any number of processes may call it, at
-- any time.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  how many at most of each, 1,000 or fewer
-- ARGV[2]  how long dead jobs are kept, in ms; ARGV[3] how many at most, the oldest go first; both '': all are kept
-- Answer   {made ready; rescued; forgotten; ms until the next is due, -1: none; entity and number of each job that crashed too often}
--
-- A run whose lease ran out counts as crashed (J3): its job goes to the head of the line, or to the dead. What was asked for during
-- the run belongs to the next one, and gives a job that would be dead one more run.
-- But where nobody has tended for a while (Redis stalled, was away, or everybody was cut off), leases have run out whose workers
-- live: they get a moment to renew first.
local limit, keep_ms, keep_count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local TENDED, GAP_MS, HOLD_OFF_MS = P .. ':tended', 1000, 2000

local function over(index, until_ms)
  local entities = redis.call('ZRANGEBYSCORE', index, '-inf', int(until_ms), 'LIMIT', 0, limit)
  load(entities)
  return entities
end

local due = over(DELAYED, NOW_MS)
for _, entity in ipairs(due) do
  make_ready(job_of(entity))
end

-- When the queue was tended last, and until when nobody is rescued.
local tended = redis.call('GET', TENDED)
local last_ms, hold_ms = string.match(tended or '', '(%d+) (%d+)')
last_ms, hold_ms = tonumber(last_ms or NOW_MS), tonumber(hold_ms or 0)
if NOW_MS - last_ms > GAP_MS then
  hold_ms = NOW_MS + HOLD_OFF_MS
end
redis.call('SET', TENDED, int(NOW_MS) .. ' ' .. int(hold_ms))
local rescues = NOW_MS >= hold_ms

local poisoned, rescued = {}, 0
for _, entity in ipairs(rescues and over(RUNNING, NOW_MS) or {}) do
  local job = job_of(entity)
  local asked = end_run(job)
  job.crashes, job.failures = job.crashes + 1, math.max(0, job.failures)
  if job.crashes >= CRASH_LIMIT and asked then
    revive(job, asked)
    rescued = rescued + 1
  elseif job.crashes >= CRASH_LIMIT then
    bury(job, 'poison: ' .. job.crashes .. ' runs crashed; requeue it when the cause is found')
    poisoned[#poisoned + 1] = entity
    poisoned[#poisoned + 1] = int(job.number)
  else
    make_ready(job, 'LPUSH')
    rescued = rescued + 1
  end
end
commit()

local too_old = keep_ms and over(DEAD, NOW_MS - keep_ms) or {}
local excess = keep_ms and math.min(limit, redis.call('ZCARD', DEAD) - keep_count) or 0
if #too_old == 0 and excess > 0 then
  too_old = redis.call('ZRANGE', DEAD, 0, excess - 1)
  load(too_old)
end
for _, entity in ipairs(too_old) do
  erase(job_of(entity))
end
commit()

for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '-inf', int(NOW_MS - WORKER_GONE_MS), 'LIMIT', 0, limit)) do
  redis.call('ZREM', WORKERS, worker)
  redis.call('HDEL', CALLS, worker)
end
local next_ms = -1
for _, index in ipairs({ DELAYED, rescues and RUNNING or nil }) do
  local first = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
  if first[2] then
    local ms = math.max(0, tonumber(first[2]) - NOW_MS)
    next_ms = next_ms < 0 and ms or math.min(next_ms, ms)
  end
end
return { #due, rescued, #too_old, next_ms, poisoned }

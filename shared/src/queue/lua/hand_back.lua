-- A worker gives back runs that it does not go on with: it stops, or the answer that gave them to it was lost. No crash is counted.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  worker; ARGV[2] number of this call; ARGV[3] '1': the worker is leaving for good
-- ARGV[4..] pairs of entity, fence: runs that it keeps
-- Answer   number of jobs given back, at most 1,000: as many as a worker may run; they go to the head of the line
local worker, leaves = ARGV[1], ARGV[3] == '1'
if is_late(worker, ARGV[2]) then
  return redis.error_reply('LATE a later call of this worker has been answered')
end
local kept = {}
for i = 4, #ARGV, 2 do
  kept[ARGV[i]] = tonumber(ARGV[i + 1])
end
local given_back = 0
local running = redis.call('ZRANGE', RUNNING, 0, -1)
for first = 1, #running, 1000 do
  load({ unpack(running, first, math.min(first + 999, #running)) })
end
for _, entity in ipairs(running) do
  local job = job_of(entity)
  if job.owner == worker and kept[entity] ~= job.fence and given_back < 1000 then
    end_run(job)
    job.starts, job.failures = job.starts - 1, math.max(0, job.failures)
    make_ready(job, 'LPUSH')
    given_back = given_back + 1
  end
end
commit()
if leaves then
  redis.call('ZREM', WORKERS, worker)
  redis.call('HDEL', CALLS, worker)
end
return given_back

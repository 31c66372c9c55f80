-- Puts jobs back to work, counters reset: dead ones and those in back-off.
--
-- KEYS[1]  prefix of the queue
-- ARGV     triples of entity, number of the job, ms from now until it is due; at most 1,000; jobs that are neither any more are skipped
-- Answer   how many went back
local requeued = 0
for i = 1, #ARGV, 3 do
  local job, wait_ms = job_of(ARGV[i]), tonumber(ARGV[i + 2])
  if (job.state == 'k' or job.state == 'd') and job.number == tonumber(ARGV[i + 1]) then
    reset(job, 0)
    if wait_ms > 0 then
      make_delayed(job, NOW_MS + wait_ms)
    else
      job.since_ms = NOW_MS
      make_ready(job)
    end
    requeued = requeued + 1
  end
end
commit()
return requeued

-- Puts jobs back to work, counters reset: dead ones and those in back-off.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  trace of who asks (see carry), '' for none
-- ARGV[2..] triples of entity, number of the job, ms from now until it is due; at most 1,000; jobs that are neither any more are skipped
-- Answer   how many went back
local requeued, trace = 0, ARGV[1] ~= '' and ARGV[1] or nil
for i = 2, #ARGV, 3 do
  local job, wait_ms = job_of(ARGV[i]), tonumber(ARGV[i + 2])
  if (job.state == 'k' or job.state == 'd') and job.number == tonumber(ARGV[i + 1]) then
    reset(job, 0)
    job.traces = carry(job.state ~= 'k' and job.traces or nil, trace)
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

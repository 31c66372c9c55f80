-- Failures that turned out to be an outside system's are not counted: its breaker opened (J4a).
--
-- KEYS[1]  prefix of the queue
-- ARGV     entities, one per failure, at most 1,000
-- Answer   number of failures taken back
--
-- The outcome of the failed run may not be written yet: the counter may then be below zero until the run has ended. A job that
-- such a failure has killed waits again.
local BACK_AFTER_MS = 1000
load(ARGV)
local lowered = 0
for _, entity in ipairs(ARGV) do
  local job = job_of(entity)
  local was_killed_by_it = job.state == 'k' and job.crashes < CRASH_LIMIT
  if job.state == 'x' or job.state and job.failures > 0 and (job.state ~= 'k' or was_killed_by_it) then
    job.failures = job.failures - 1
    change(job)
    lowered = lowered + 1
    if was_killed_by_it then
      make_delayed(job, NOW_MS + BACK_AFTER_MS)
    end
  end
end
commit()
return lowered

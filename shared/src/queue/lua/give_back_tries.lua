-- Failures that turned out to be an outside system's are not counted: its breaker opened (J4a).
--
-- KEYS[1]  prefix of the queue
-- ARGV     entities, at most 1,000
-- Answer   number of jobs whose failures were lowered by one
--
-- The outcome of the failed run may not be written yet: the counter may then be below zero until the run has ended.
load(ARGV)
local lowered = 0
for _, entity in ipairs(ARGV) do
  local job = job_of(entity)
  if job.state == 'x' or (job.state == 'd' or job.state == 'r') and job.failures > 0 then
    job.failures = job.failures - 1
    change(job)
    lowered = lowered + 1
  end
end
commit()
return lowered

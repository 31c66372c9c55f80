-- Removes dead jobs for good.
--
-- KEYS[1]  prefix of the queue
-- ARGV     pairs of entity and number of a dead job, at most 1,000 pairs; others are skipped
-- Answer   how many were removed
local removed = 0
for i = 1, #ARGV, 2 do
  local job = job_of(ARGV[i])
  if job.state == 'k' and job.number == tonumber(ARGV[i + 1]) then
    erase(job)
    removed = removed + 1
  end
end
commit()
return removed

-- Withdraws what waits for an entity (its record was deleted): the waiting job, or the follow-up of the running one.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  entity
-- Answer   1: something was withdrawn, 0: nothing waited
local job = job_of(ARGV[1])
local withdrawn = 0
if job.state == 'r' or job.state == 'd' then
  erase(job)
  withdrawn = 1
elseif job.state == 'x' and job.next_rank then
  job.next_wants, job.next_rank, job.next_traces = nil, nil, nil
  change(job)
  withdrawn = 1
end
commit()
return withdrawn

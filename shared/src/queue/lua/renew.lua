-- A worker's sign of life: extends the leases of its runs (B1).
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  worker; ARGV[2] lease in ms; ARGV[3..] pairs of entity, fence, at most 1,000
-- Answer   per run 1: held, for another lease from now; 0: lost, another run has begun or the job is no longer running
--
-- A lease that ran out but that nobody took is still this run's: no other run can have begun.
redis.call('ZADD', WORKERS, int(NOW_MS), ARGV[1])
local entities, held, scores = {}, {}, {}
for i = 3, #ARGV, 2 do
  entities[#entities + 1] = ARGV[i]
end
load(entities)
local until_ms = int(NOW_MS + tonumber(ARGV[2]))
for i, entity in ipairs(entities) do
  local job = job_of(entity)
  held[i] = job.state == 'x' and job.fence == tonumber(ARGV[2 * i + 2]) and 1 or 0
  if held[i] == 1 then
    scores[#scores + 1] = until_ms
    scores[#scores + 1] = entity
  end
end
if #scores > 0 then
  redis.call('ZADD', RUNNING, 'XX', unpack(scores))
end
return held

-- Acts on all jobs that match: dead ones, or those that wait in back-off after a failure. One page per call.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  k: dead, d: in back-off; ARGV[2] jobs to skip: those of earlier pages that stayed; ARGV[3] page size, at most 1,000
-- ARGV[4]  ARGV[5] of dead ones: died at this time of Redis or later, and at this one or earlier, in ms; '-inf', '+inf'
-- ARGV[6]  text that the reason holds, '' for any; ARGV[7] count | requeue | delete
-- ARGV[8]  requeue: ms from now until the first one is due, ARGV[9] ms between two; both 0: all at once
-- Answer   {jobs looked at, jobs that matched}; fewer looked at than the page size: it was the last page
local state, offset, limit, reason, action = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[6], ARGV[7]
local first_ms, step_ms = tonumber(ARGV[8]), tonumber(ARGV[9])
local from, to = '-inf', '+inf'
if state == 'k' then
  from, to = ARGV[4], ARGV[5]
end
local entities = redis.call('ZRANGEBYSCORE', INDEX[state], from, to, 'LIMIT', offset, limit)
load(entities)
local matches = 0
for _, entity in ipairs(entities) do
  local job = job_of(entity)
  local is_meant = state == 'k' or job.failures > 0
  if is_meant and (reason == '' or string.find(job.why or '', reason, 1, true)) then
    if action == 'delete' then
      erase(job)
    elseif action == 'requeue' then
      reset(job, 0)
      local due_ms = math.floor(NOW_MS + first_ms + matches * step_ms)
      if due_ms > NOW_MS then
        make_delayed(job, due_ms)
      else
        job.since_ms = NOW_MS
        make_ready(job)
      end
    end
    matches = matches + 1
  end
end
commit()
return { #entities, matches }

-- Finds jobs that match: dead ones, or those that wait in back-off after a failure. One page per call.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  k: dead, d: in back-off; ARGV[2] offset; ARGV[3] page size, at most 1,000
-- ARGV[4]  ARGV[5] of dead ones: died at this time of Redis or later, and at this one or earlier, in ms; '-inf', '+inf'
-- ARGV[6]  text that the reason holds, '' for any
-- Answer   {jobs looked at, flat list of entity and number of those that match}; fewer looked at than the page size: it was the last
local state, offset, limit, reason = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[6]
local from, to = '-inf', '+inf'
if state == 'k' then
  from, to = ARGV[4], ARGV[5]
end
local entities = redis.call('ZRANGEBYSCORE', INDEX[state], from, to, 'LIMIT', offset, limit)
load(entities)
local found = {}
for _, entity in ipairs(entities) do
  local job = job_of(entity)
  local is_meant = state == 'k' or job.failures > 0
  if is_meant and (reason == '' or string.find(job.why or '', reason, 1, true)) then
    found[#found + 1] = entity
    found[#found + 1] = job.number
  end
end
return { #entities, found }
